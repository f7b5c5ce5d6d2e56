"""A comparison as tables: a row a run, and a row a query. Sorted and without wall times: repeatable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surrogate_nas.compare.run import FINISHED


def run_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row a run, sorted by task, method and seed."""
    return sorted(result["runs"], key=lambda row: (row["task"], row["method"], row["seed"], row.get("size", 0)))


def trial_rows(result: Any) -> Iterator[dict[str, Any]]:
    """Yield a row for each query of each search that finished, in the order of ``run_rows``; none for predictors."""
    for record in sorted(result.records, key=lambda record: (record["task"], record["method"], record["seed"])):
        if record["status"] == FINISHED and record["kind"] == "sampler":
            names = ("task", "method", "seed")
            columns = (record[name] for name in ("architectures", "values", "tests", "seconds"))
            for query, (text, value, test, seconds) in enumerate(zip(*columns, strict=True), start=1):
                yield {
                    **{name: record[name] for name in names},
                    "query": query,
                    "architecture": text,
                    "value": value,
                    "test": test,
                    "seconds": seconds,
                }
