"""The action ``table export``: a table as a file for others, or a surrogate of it for every architecture."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_nas import configuration
from surrogate_nas.errors import RunFolderError, SettingError, SurrogateNASError
from surrogate_nas.table import Column, Table, load_table
from surrogate_nas.table.parquet import to_long, write_table
from surrogate_nas.table.table import MEAN

OF_SURROGATES = ("dataset", "predictor", "seeds", "deviation")  # options that go with --surrogate only


def add_parser(actions: Any) -> None:
    """Add the action to the job's parser."""
    parser = actions.add_parser("export", help="write a table as CSV or Parquet, or a surrogate that predicts the rest")
    parser.add_argument("table", help="a name, or the path of a .parquet file")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--to", type=Path, metavar="FILE", help="write the rows to FILE.csv or FILE.parquet")
    target.add_argument(
        "--surrogate",
        type=Path,
        metavar="FILE",
        help="fit a predictor, and write to FILE.parquet a table that answers for every architecture of the space",
    )
    parser.add_argument("--dataset", nargs="+", help="data sets of the surrogate (default: all)")
    parser.add_argument(
        "--predictor", help=f"one of {', '.join(configuration.names('predictor'))} (default: boosted, on accuracies)"
    )
    parser.add_argument("--seeds", type=int, nargs="+", help="of the trainings that it imitates (default: 1 2 3)")
    parser.add_argument(
        "--deviation", type=float, metavar="POINTS", help="between seeds, where the table repeats no training"
    )


def run(chosen: argparse.Namespace) -> None:
    """Write what the command line chose, and say what came of it."""
    settings = {name: getattr(chosen, name) for name in OF_SURROGATES if getattr(chosen, name) is not None}
    path: Path = chosen.to or chosen.surrogate
    allowed = (".csv", ".parquet") if chosen.to else (".parquet",)
    if path.suffix not in allowed:
        raise SettingError(f"the file to write ends in {' or '.join(allowed)}, got {path}.")
    if chosen.to and settings:
        raise SettingError(f"--{next(iter(settings))} goes with --surrogate, not with --to.")
    table = load_table(chosen.table)
    try:
        if chosen.to:
            export(table, path)
            print(f"{path}: {len(table)} architectures.")
        else:
            _export_surrogate(table, path, settings)
    except OSError as error:
        if isinstance(error, SurrogateNASError):
            raise
        raise RunFolderError(f"cannot write {path} ({error.strerror or error}).") from error


def export(table: Table, path: Path) -> None:
    """Write a table in long form, at once or not at all: to ``.csv``, or to ``.parquet`` with its provenance.

    The same table gives the same bytes, whichever file it was read from.

    Raises:
        OSError: the file cannot be written.
    """
    table = _with_training_seconds(table)
    if path.suffix == ".parquet":
        write_table(table, path)
        return
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    rows = to_long(table)
    plain = pa.schema(
        pa.field(name, pa.string() if pa.types.is_dictionary(kind) else kind)
        for name, kind in zip(rows.schema.names, rows.schema.types, strict=True)
    )
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        pa_csv.write_csv(rows.cast(plain), aside, pa_csv.WriteOptions(quoting_style="needed"))
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _with_training_seconds(table: Table) -> Table:
    """Return a table in which the seconds that are told beside its file are columns of their own, as means."""
    columns = dict(table.columns)
    for column in table.columns:
        seconds = table.training_seconds.get((column.dataset, column.epochs))
        if seconds is not None and not np.isnan(seconds).all():
            columns.setdefault(Column("train_seconds", *column[1:4], MEAN), seconds)
    return Table(
        table.name, table.population, columns, table.provenance, by_function=table.by_function, costs=table.costs
    )


def _export_surrogate(table: Table, path: Path, settings: dict[str, Any]) -> None:
    from surrogate_nas.surrogate_table import surrogate_table

    datasets = settings.pop("dataset", None)
    surrogate = surrogate_table(table, path.stem, datasets=datasets, progress=True, **settings)
    write_table(surrogate, path)
    print(f"{path}: {len(surrogate)} architectures, predicted from {len(table)}.")
    for fit in surrogate.provenance["surrogate"]["fits"]:
        between = fit["kendall_tau_between_seeds"]
        print(
            f"  {fit['dataset']} {fit['split']}: Kendall's tau {fit['held_out_kendall_tau']} on held-out architectures"
            f" ({'one seed' if between is None else f'{between} between two seeds'})"
        )
