"""What the tests of predictors share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="package")
def one_blas_thread() -> Iterator[None]:
    """Matrices are small here: as in a search, threads would cost more than they give."""
    with threadpool_limits(1, user_api="blas"):
        yield
