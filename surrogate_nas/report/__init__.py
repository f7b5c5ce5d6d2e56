"""Run folders to self-contained HTML pages."""

from __future__ import annotations

from surrogate_nas.report.page import write_report

__all__ = ["write_report"]
