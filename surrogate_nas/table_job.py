"""The job ``table``: list the known tables, show one, import one, build one by training."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from surrogate_nas import table_build, table_import
from surrogate_nas.errors import SurrogateNASError
from surrogate_nas.table import Table, load_table, table_paths


def run(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """Run one of the job's actions."""
    parser.description = "List the known tables, show one, import one, or build one by training."
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="the tables that can be named")
    info = actions.add_parser("info", help="what a table holds, and whether its file is whole")
    info.add_argument("table", help="a name, or the path of a .parquet file")
    table_import.add_parser(actions)
    table_build.add_parser(actions)
    chosen = parser.parse_args(arguments)
    {"list": _list, "info": _info, "import": table_import.run, "build": table_build.run}[chosen.action](chosen)


def _list(chosen: argparse.Namespace) -> None:
    for name in table_paths():
        try:
            table = load_table(name)
        except SurrogateNASError as error:
            print(f"{name:16} unreadable: {error}")
            continue
        print(f"{name:16} {len(table):6} architectures of {table.space.name}; data sets {', '.join(table.datasets)}")


def _info(chosen: argparse.Namespace) -> None:
    table = load_table(chosen.table)
    print(f"{table.name}: {len(table)} architectures of space {table.space.name}. The file is whole.")
    for dataset in table.datasets:
        for split in table.splits(dataset):
            for epochs in table.epochs(dataset, split):
                print(f"  {_column(table, dataset, split, epochs)}")
    for key, value in table.provenance.items():
        print(f"  {key}: {value}")


def _column(table: Table, dataset: str, split: str, epochs: int) -> str:
    values = table.accuracy(dataset=dataset, split=split, epochs=epochs)
    known = values[~np.isnan(values)]
    seeds = table.seeds(dataset, table.splits(dataset)[0].of(split), epochs)
    return (
        f"{dataset} {split} after {epochs} epochs: {len(known)} architectures, "
        f"seeds {', '.join(map(str, seeds)) or 'unknown'}, {known.min():.2f} to {known.max():.2f} %"
    )
