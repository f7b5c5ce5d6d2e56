"""The action ``table build``: train a table, go on with one, or check one by training some of it again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_nas import configuration
from surrogate_nas.errors import SettingError
from surrogate_nas.space import get_space
from surrogate_nas.table import Table, load_table

CHECK_SEED = 0  # of the choice of entries: a check can be repeated


def add_parser(actions: Any) -> None:
    """Add the action to the job's parser."""
    parser = actions.add_parser(
        "build", help="train architectures and write their accuracies as a table; resumes; --check trains some again"
    )
    parser.add_argument("name", help="of the table")
    parser.add_argument("--out", type=Path, help="the file (default: NAME.parquet in this folder)")
    parser.add_argument("--space", default="nb201")
    parser.add_argument("--data", default="digits", help=f"one of {', '.join(configuration.names('data'))}")
    parser.add_argument("--recipe", default="digits", help=f"one of {', '.join(configuration.names('recipe'))}")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--classes", type=int, help="classes of equal function to train, in a fixed random order (default: all)"
    )
    which.add_argument("--best", type=int, help="train the best of the table instead, by its most measured seed")
    which.add_argument("--check", type=int, help="train this many random entries again, and compare")
    parser.add_argument("--seeds", type=int, nargs="+", default=[777])
    parser.add_argument("--workers", type=int, help="trainings at the same time (default: one a core)")
    parser.add_argument("--device", default="auto", help="a torch device (default: the GPU where there is one)")


def run(chosen: argparse.Namespace) -> None:
    """Build or check the table that the command line chose, and say what came of it."""
    for name in ("classes", "best", "check"):
        value = getattr(chosen, name)
        if value is not None and value < 1:
            raise SettingError(f"--{name} must be at least 1, got {value}.")
    if chosen.check is None:
        _build(chosen)
    else:
        _check(load_table(chosen.out or chosen.name), chosen)


def _build(chosen: argparse.Namespace) -> None:
    from surrogate_nas.build import build_table, plan, plan_best, provenance

    path = chosen.out or Path(f"{chosen.name}.parquet")
    make_task = configuration.load("data", chosen.data, _partial_=True)
    recipe = configuration.load("recipe", chosen.recipe)
    jobs = (
        plan(get_space(chosen.space), classes=chosen.classes, seeds=chosen.seeds)
        if chosen.best is None
        else plan_best(load_table(path), chosen.best, seeds=chosen.seeds)
    )
    table = build_table(
        path,
        jobs,
        make_task,
        recipe,
        name=chosen.name,
        dataset=chosen.data,
        provenance=provenance(chosen.data, make_task, chosen.recipe, recipe),
        workers=chosen.workers,
        device=chosen.device,
    )
    print(f"{path}: {len(table)} architectures.")


def _check(table: Table, chosen: argparse.Namespace) -> None:
    from surrogate_nas.check import LEVEL, check_table

    check = check_table(
        table, chosen.check, seed=CHECK_SEED, workers=chosen.workers, device=chosen.device, progress=True
    )
    for at, architecture in enumerate(check.architectures):
        told = f"{check.recorded[at]:.2f} % in the table, {check.repeated[at]:.2f} % now"
        print(f"{architecture} seed {check.seeds[at]}: {told}")
    print(f"{check.equal} of {chosen.check} entries are the same to the last bit.")
    if np.isnan(check.p_value):
        print("The table repeats no seed, so it does not tell whether the others differ more than two seeds would.")
    elif check.p_value < LEVEL:
        print(f"The others differ more than two seeds of a cell do (p = {check.p_value:.2g}).", file=sys.stderr)
        sys.exit(1)
    elif check.equal < chosen.check:
        print(f"The others differ no more than two seeds of a cell do (p = {check.p_value:.2g}).")
