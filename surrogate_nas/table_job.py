"""The job ``table``: list the known tables, show one, import one, build one by training."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from surrogate_nas import configuration, table_import
from surrogate_nas.errors import SettingError, SurrogateNASError
from surrogate_nas.space import get_space
from surrogate_nas.table import Table, load_table, table_paths


def run(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """Run one of the job's actions."""
    parser.description = "List the known tables, show one, import one, or build one by training."
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="the tables that can be named")
    info = actions.add_parser("info", help="what a table holds, and whether its file is whole")
    info.add_argument("table", help="a name, or the path of a .parquet file")
    table_import.add_parser(actions)
    build = actions.add_parser("build", help="train architectures and write their accuracies as a table; resumes")
    build.add_argument("name", help="of the table")
    build.add_argument("--out", type=Path, help="the file (default: NAME.parquet in this folder)")
    build.add_argument("--space", default="nb201")
    build.add_argument("--data", default="digits", help=f"one of {', '.join(configuration.names('data'))}")
    build.add_argument("--recipe", default="digits", help=f"one of {', '.join(configuration.names('recipe'))}")
    build.add_argument(
        "--classes", type=int, help="classes of equal function to train, in a fixed random order (default: all)"
    )
    build.add_argument("--seeds", type=int, nargs="+", default=[777])
    build.add_argument("--workers", type=int, help="trainings at the same time (default: one a core)")
    build.add_argument("--device", default="auto", help="a torch device (default: the GPU where there is one)")
    chosen = parser.parse_args(arguments)
    {"list": _list, "info": _info, "import": table_import.run, "build": _build}[chosen.action](chosen)


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


def _build(chosen: argparse.Namespace) -> None:
    from surrogate_nas.build import build_table, plan, provenance

    if chosen.classes is not None and chosen.classes < 1:
        raise SettingError(f"--classes must be at least 1, got {chosen.classes}.")
    make_task = configuration.load("data", chosen.data, _partial_=True)
    recipe = configuration.load("recipe", chosen.recipe)
    table = build_table(
        chosen.out or Path(f"{chosen.name}.parquet"),
        plan(get_space(chosen.space), classes=chosen.classes, seeds=chosen.seeds),
        make_task,
        recipe,
        name=chosen.name,
        dataset=chosen.data,
        provenance=provenance(chosen.data, make_task, chosen.recipe, recipe),
        workers=chosen.workers,
        device=chosen.device,
    )
    print(f"{chosen.out or chosen.name + '.parquet'}: {len(table)} architectures.")
