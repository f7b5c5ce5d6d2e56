"""Compare samplers or predictors, in runs of its own or in folders of earlier runs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from surrogate_nas.errors import RunFolderError
from surrogate_nas.jobs.outcome import circumstances, finish
from surrogate_nas.record import write_csv
from surrogate_nas.settings import listed

log = logging.getLogger(__name__)


def run(config: Mapping[str, Any], folder: Path, chosen: Mapping[str, str]) -> None:
    """Compare samplers or predictors, and write every run, the statistics and a report."""
    from surrogate_nas.compare import compare as run_compare
    from surrogate_nas.compare.rows import run_rows, trial_rows

    started = datetime.now().astimezone()
    sys.path.insert(0, str(Path.cwd()))  # where somebody's own sampler lies
    names = ("samplers", "predictors", "seeds", "budget", "train_size", "protocol", "metric", "split", "epochs")
    result = run_compare(
        tables=listed(config["tables"] if config["tables"] is not None else config["table"]),
        datasets=listed(config["dataset"]),
        **{name: config[name] for name in (*names, "target", "time_limit")},
        workers=config["workers"],
        folder=folder,
        progress=True,
    )
    write_csv(folder / "runs.csv", run_rows(result))
    write_csv(folder / "trials.csv", trial_rows(result))
    result.update(job="compare", **circumstances(started))
    finish(result, config, folder)
    if result.failed:
        log.warning("%d of %d runs failed; runs.csv tells why.", result.failed, len(result.runs))


def side_by_side(folders: Sequence[Path], folder: Path) -> None:
    """Compare what several run folders hold, and write that as a comparison of its own."""
    from surrogate_nas.compare.rows import run_rows
    from surrogate_nas.report.side_by_side import side_by_side as compared

    started = datetime.now().astimezone()
    result = compared(folders)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_csv(folder / "runs.csv", run_rows(result))
    except OSError as error:
        raise RunFolderError(f"cannot write to {folder} ({error.strerror}); choose another --folder.") from error
    result.update(circumstances(started))
    finish(result, {"folders": [str(path) for path in folders]}, folder)
