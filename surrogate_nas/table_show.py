"""The actions ``table list`` and ``table info``: which tables there are, and what one of them holds."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_nas.errors import SurrogateNASError, TableIntegrityError
from surrogate_nas.split import Split
from surrogate_nas.table import Table, load_table, read_table, table_paths
from surrogate_nas.table.catalog import kind_of, table_path
from surrogate_nas.table.curves import curves_path
from surrogate_nas.table.parquet import recorded_digest
from surrogate_nas.table.table import MEAN


def add_parsers(actions: Any) -> None:
    """Add the two actions to the job's parser."""
    actions.add_parser("list", help="the tables that can be named: what each holds, and where it lies")
    info = actions.add_parser("info", help="what a table holds, where it comes from, and whether its file is whole")
    info.add_argument("table", help="a name, or the path of a .parquet file")


def run_list(chosen: argparse.Namespace) -> None:
    """Print a line for each table that can be named: its kind, what it holds, where it lies."""
    for name, path in table_paths().items():
        try:
            table = load_table(name)
            held = f"{len(table):6} architectures of {table.space.name}; data sets {', '.join(table.datasets)}"
        except SurrogateNASError as error:
            held = f"unreadable: {error}"
        print(f"{name:16} {kind_of(path):8} {held}  [{path}]")


def run_info(chosen: argparse.Namespace) -> None:
    """Print what a table holds and where it comes from, after reading all of its file.

    Raises:
        TableIntegrityError: the file is damaged.
    """
    path = table_path(chosen.table)
    print("\n".join(description(read_table(path), path)))


def description(table: Table, path: Path) -> Iterator[str]:
    """Yield the lines that tell what a table holds, which was read from a file.

    Args:
        table: the table.
        path: its file.
    """
    each = "classes of equal function" if table.by_function else "architectures"
    yield f"{table.name}: {len(table)} {each} of space {table.space.name}. {_wholeness(path)}"
    yield f"  file: {path} ({kind_of(path)})"
    for dataset in table.datasets:
        for split in table.splits(dataset):
            for epochs in table.epochs(dataset, split):
                yield from _measured(table, dataset, split, epochs)
    for cost, values in sorted(table.costs.items()):
        known = values[~np.isnan(values)]
        yield (
            f"  {cost.dataset} {cost.quantity}: {len(known)} architectures, {known.min():.6g} to {known.max():.6g}, "
            f"median {np.median(known):.6g}"
        )
    for key, value in table.provenance.items():
        if value != "":  # of results of one's own
            yield f"  {key}: {value}"


def _wholeness(path: Path) -> str:
    try:
        recorded_digest(path)
    except TableIntegrityError:
        return "The file can be read, but records no sha256: whether a value was altered cannot be told."
    curves = " Learning curves lie beside it." if curves_path(path).is_file() else ""
    return f"The file is whole.{curves}"


def _measured(table: Table, dataset: str, split: Split, epochs: int) -> Iterator[str]:
    """Yield a line of what was measured of accuracies, and one of the best of them where they may be searched on."""
    held = [column for column in table.columns if column[1:4] == (dataset, split, epochs)]
    seeds = {column.seed: table.columns[column] for column in held if column.measure == "accuracy"}
    what = f"  {dataset} {split} after {epochs} epochs:"
    others = sorted({column.measure for column in held} - {"accuracy"})
    if not seeds:
        yield f"{what} {', '.join(others)}"
        return
    values = table.accuracy(dataset=dataset, split=split, epochs=epochs)
    counts = {seed: int(np.count_nonzero(~np.isnan(of_seed))) for seed, of_seed in sorted(seeds.items())}
    by_seed = ", ".join(f"{'mean' if seed == MEAN else seed} ({count})" for seed, count in counts.items())
    yield (
        f"{what} {np.count_nonzero(~np.isnan(values))} architectures, seeds {by_seed}, "
        f"{np.nanmin(values):.2f} to {np.nanmax(values):.2f} %{''.join(f', {other}' for other in others)}"
    )
    if split is Split.VALID:
        best = int(np.nanargmax(values))
        yield f"    optimum: {values[best]:.2f} % by {table.population[best].text}"
