"""Where the PostgreSQL of the tests is: ``.ci/run`` starts one and names it in the environment."""

from __future__ import annotations

import os

import pytest

VARIABLE = "SURROGATE_NAS_POSTGRESQL"


def postgresql_url() -> str:
    """Return the address of a database that tests may write to, as SQLAlchemy reads it."""
    if VARIABLE not in os.environ:
        pytest.skip(f"needs PostgreSQL: {VARIABLE} names no database (.ci/run starts one)")
    return os.environ[VARIABLE]
