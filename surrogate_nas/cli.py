"""The command line: ``surrogate-nas JOB [overrides]``."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from surrogate_nas.configuration import configuration_folder, names
from surrogate_nas.errors import RunFolderError, SettingError, SurrogateNASError, UnknownMethodError, expected
from surrogate_nas.overrides import opened, typed
from surrogate_nas.shell import copyable

USAGE = """usage: surrogate-nas JOB [options]

jobs:
  search   search a table for the best architecture, then train the winners again
  fit      train a predictor, score it on architectures it has not seen, save it
  compare  run samplers or predictors against each other, with statistics
  verify   train given architectures for real
  table    list tables, show one, import one, build one by training
  report   rebuild the report of a run folder, or put several side by side

surrogate-nas JOB --help says what a job takes. search, fit, compare and verify take Hydra overrides: NAME=VALUE
changes a setting, -m runs every combination of comma-separated values, and folder=FOLDER resumes a run.
"""
HYDRA_JOBS = ("search", "fit", "compare", "verify")
BAD_INPUT, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a job and return the exit code: 0, 2 for bad input, 130 after Ctrl-C or SIGTERM."""
    job, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        if threading.current_thread() is threading.main_thread():  # no other may decide about signals
            signal.signal(signal.SIGTERM, _interrupt)  # `docker stop` and batch systems end a job so
        if job in ("-h", "--help"):
            print(USAGE, end="")
        elif job in HYDRA_JOBS:
            _hydra_job(job, rest)
        elif job in ("table", "report"):
            _plain_job(job, rest)
        else:
            raise SettingError(expected("job", job, [*HYDRA_JOBS, "table", "report"]) + " See surrogate-nas --help.")
    except SurrogateNASError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _hydra_job(job: str, rest: list[str]) -> None:
    """Run a job that Hydra configures, after checking its overrides: Hydra's own complaints are long."""
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import DictConfig, OmegaConf

    rest = [opened(override) for override in rest]
    if not any(override.startswith("-") for override in rest):  # one run: no sweep, and no question to Hydra
        folder = _check(job, rest)
        if not any(override.startswith("folder=") for override in rest):
            rest.append(f"folder={folder}")

    def task(config: DictConfig) -> None:
        settings: Any = OmegaConf.to_container(config, resolve=True)
        running = HydraConfig.get()
        folder = Path(running.runtime.output_dir)
        run: Callable[..., None] = importlib.import_module(f"surrogate_nas.jobs.{job}").run
        try:
            run(settings, folder, running.runtime.choices)
        except SurrogateNASError as error:
            print(f"error: {error}", file=sys.stderr)
            with contextlib.suppress(OSError):
                folder.rmdir()  # only if nothing was written
            sys.exit(BAD_INPUT)
        except KeyboardInterrupt:
            print(
                f"interrupted; nothing is lost. Go on with: surrogate-nas {job} {copyable(map(typed, rest))}",
                file=sys.stderr,
            )
            sys.exit(INTERRUPTED)

    sys.argv = [f"surrogate-nas {job}", *rest]
    hydra.main(version_base="1.3", config_path=str(configuration_folder()), config_name=job)(task)()


def _check(job: str, overrides: list[str]) -> Path:
    """Return the run folder, or raise with one sentence what is wrong.

    Raises:
        UnknownMethodError, SettingError: an override is malformed or unknown.
        RunFolderError: the folder cannot be written.
    """
    import hydra
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        with hydra.initialize_config_dir(str(configuration_folder()), version_base="1.3"):
            config = hydra.compose(job, overrides, return_hydra_config=True)
        folder = Path(config.hydra.run.dir)
        missing = [str(key) for key in config if OmegaConf.is_missing(config, str(key))]
    except MissingConfigException as error:
        group, _, name = (error.missing_cfg_file or "").rpartition("/")
        raise UnknownMethodError(expected(group or "configuration", name, names(group))) from error
    except (HydraException, OmegaConfBaseException) as error:
        raise SettingError(_explained(job, error)) from error
    if missing:
        raise SettingError(f"{job} needs {missing[0]}=VALUE. See surrogate-nas {job} --help.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            f"cannot write to the run folder {folder} ({error.strerror}); choose another with folder=."
        ) from error
    return folder


def _explained(job: str, error: Exception) -> str:
    """Return one sentence for what Hydra says in several lines."""
    import yaml

    text = " ".join(str(error).split())
    if "Could not override" in text:
        got = text.split("'")[1]
        settings = yaml.safe_load((configuration_folder() / f"{job}.yaml").read_text(encoding="utf-8"))
        known = [key for key in settings if key not in ("defaults", "hydra")]
        groups = [entry for default in settings["defaults"] if isinstance(default, dict) for entry in default]
        return expected(f"setting of {job}", got, [*known, *groups, "folder"]) + f" See surrogate-nas {job} --help."
    return f"{text}. See surrogate-nas {job} --help."


def _plain_job(job: str, rest: list[str]) -> None:
    """Run a job that has ordinary options."""
    from surrogate_nas import table_job

    sys.argv = [f"surrogate-nas {job}", *rest]  # what a run folder tells of its command
    parser = argparse.ArgumentParser(f"surrogate-nas {job}")
    if job == "report":
        _report(parser, rest)
    else:
        table_job.run(parser, rest)


def _report(parser: argparse.ArgumentParser, rest: list[str]) -> None:
    """Rebuild the page of one run folder, or make one of several."""
    parser.description = (
        "Rebuild report.html from the other files of a run folder. Of several folders, of searches and comparisons of "
        "samplers or of fits and comparisons of predictors, make one page that compares them."
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="a run folder")
    parser.add_argument("--folder", type=Path, help="where the page of several goes; runs/report/TIME by default")
    chosen = parser.parse_args(rest)
    if len(chosen.runs) == 1 and chosen.folder is None:
        from surrogate_nas.report import write_report

        print(write_report(chosen.runs[0]))
        return
    from surrogate_nas.jobs.compare import side_by_side

    folder = chosen.folder or Path("runs", "report", f"{datetime.now():%Y-%m-%d_%H-%M-%S}")
    side_by_side(chosen.runs, folder)
    print(folder / "report.html")
