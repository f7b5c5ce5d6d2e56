"""Methods on equal terms: the same tables, budgets and seeds, every run accounted for, differences tested."""

from __future__ import annotations

from surrogate_nas.compare.comparison import compare

__all__ = ["compare"]
