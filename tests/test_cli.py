"""The command line: what a run leaves behind, and one sentence for every bad input."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surrogate_nas.table.catalog import DATA_FOLDER, EMBEDDED
from tests.conftest import CONVOLUTIONS

COMMAND = [sys.executable, "-m", "surrogate_nas"]
QUICK = ("budget=16", "verification.top=1", "verification.seeds=[1]")


def surrogate_nas(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != DATA_FOLDER} | environment
    return subprocess.run([*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, env=env)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of one short search, verification included."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    done = surrogate_nas("search", *QUICK, "seed=1", f"folder={folder}", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_search_leaves_config_result_trials_log_and_report(run_folder: Path) -> None:
    left = {path.name for path in run_folder.iterdir()}
    assert {"config.yaml", "result.json", "trials.csv", "trainings.csv", "search.log", "report.html"} <= left
    assert not [name for name in left if name.endswith(".part")]


def test_result_says_what_was_found_and_what_it_cost(run_folder: Path) -> None:
    result = json.loads((run_folder / "result.json").read_text())
    assert result["table"] == "nb201-digits"
    assert (result["dataset"], result["sampler"], result["seed"], result["budget"]) == ("digits", "surrogate", 1, 16)
    assert result["queries"] == 16
    assert set(result["best"]) == {"architecture", "valid", "test"}
    assert result["seconds"]["wall"] > 0
    assert 0 < result["seconds"]["training"] < result["seconds"]["training_all"]
    assert len(result["random_search"]["mean"]) == 16
    (verified,) = result["verification"]
    assert verified["architecture"] == result["best"]["architecture"]
    assert verified["valid"]["std"] is None  # one seed
    assert verified["table"]["valid"] == pytest.approx(result["best"]["valid"])
    assert "surrogate-nas search" in result["command"]


def test_trials_are_a_line_a_query_in_order(run_folder: Path) -> None:
    with (run_folder / "trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    assert [int(trial["query"]) for trial in trials] == list(range(1, 17))
    best = max(float(trial["valid"]) for trial in trials)
    assert (
        float(trials[-1]["best_valid"]) == best == json.loads((run_folder / "result.json").read_text())["best"]["valid"]
    )
    assert all(trial["architecture"].startswith("|") for trial in trials)


def test_the_same_command_resumes_its_run_and_pays_nothing_again(run_folder: Path) -> None:
    before = json.loads((run_folder / "result.json").read_text())
    trials = (run_folder / "trials.csv").read_bytes()
    again = surrogate_nas("search", *QUICK, "seed=1", f"folder={run_folder}", cwd=run_folder.parent)
    assert again.returncode == 0, again.stderr
    after = json.loads((run_folder / "result.json").read_text())
    assert after["verification"] == before["verification"]
    assert (run_folder / "trials.csv").read_bytes() == trials


def test_a_report_is_rebuilt_from_the_other_files(run_folder: Path) -> None:
    (run_folder / "report.html").unlink()
    done = surrogate_nas("report", str(run_folder), cwd=run_folder.parent)
    assert done.returncode == 0, done.stderr
    assert (run_folder / "report.html").stat().st_size > 10_000


def test_another_search_in_the_same_folder_is_refused_and_nothing_is_lost(run_folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in run_folder.iterdir() if path.is_file()}
    refused = surrogate_nas("search", *QUICK, "seed=2", f"folder={run_folder}", cwd=run_folder.parent)
    assert refused.returncode == 2
    assert "belongs to another search: seed is 1 there and 2 here" in refused.stderr
    assert {path.name: path.read_bytes() for path in run_folder.iterdir() if path.is_file()} == before


def test_verify_trains_given_architectures(tmp_path: Path) -> None:
    done = surrogate_nas(
        "verify",
        f"architectures=['{CONVOLUTIONS}']",
        "seeds=[1,2]",
        "recipe.epochs=1",
        "data.train=200",
        "table=nb201-digits",
        "folder=run",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads((tmp_path / "run" / "result.json").read_text())["verification"]
    assert cell["architecture"] == CONVOLUTIONS
    assert cell["seeds"] == [1, 2]
    assert 0 < cell["valid"]["mean"] < 100
    assert cell["failures"] == []


def test_a_training_that_diverges_is_a_recorded_failure(tmp_path: Path) -> None:
    done = surrogate_nas(
        "verify",
        f"architectures=['{CONVOLUTIONS}']",
        "seeds=[1]",
        "recipe.epochs=1",
        "recipe.learning_rate=1e30",
        "data.train=200",
        "folder=run",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads((tmp_path / "run" / "result.json").read_text())["verification"]
    assert cell["valid"] is None
    assert "diverged" in cell["failures"][0]


BAD_INPUT = {
    "searhc": "unknown job 'searhc'. Did you mean 'search'?",
    "search budget=0": "budget must be a whole number, 1 to",
    "search budget=1000000": "budget must be a whole number, 1 to",
    "search budget=many": "got 'many'",
    "search buget=10": "unknown setting of search 'buget'. Did you mean 'budget'?",
    "search seed=-1": "seed must be a whole number",
    "search table=nb202": "unknown table 'nb202'",
    "search dataset=cifar": "unknown data set 'cifar'. Known: digits",
    "search split=validation": "unknown split 'validation'. Did you mean 'valid'?",
    "search epochs=200": "Known: 4",
    "search sampler=bayesian": "unknown sampler 'bayesian'. Known: bananas, evolution",
    "search sampler.starts=many": "starts must be of type int, got 'many'",
    "search sampler.stars=4": "unexpected keyword argument 'stars'",
    "search folder=/dev/null/run": "cannot write to the run folder",
    "search verification.data=mnist": "unknown data 'mnist'. Known: cifar10, ",
    "search verification.top=-1": "verification.top must be a whole number",
    "search objectives=[flops_millions]": "objectives are accuracy and up to 2 different costs",
    "search objectives=[accuracy,latency] sampler=random": "unknown cost 'latency'. Known: params_millions",
    "search objectives=[accuracy,flops_millions] sampler=evolution": "serves one objective",
    "search fidelities=[2,4]": "fidelities spend a budget of training seconds: add seconds=NUMBER",
    "search fidelities=[2,4] seconds=9": "unknown length of training (epochs) '2'. Known: 4",
    "search budget=null": "needs a budget of measurements, or of seconds",
    "search sampler=hyperband": "needs several lengths of training",
    "search constraint.params_millions=0.001": "leaves no candidate",
    "search warm_start=known.csv": "known.csv cannot be read",
    "search warm_start=nb201-digits": "digits",
    "search budget=[": "See surrogate-nas search --help",
    "verify": "verify needs architectures=VALUE",
    "verify architectures=[]": "needs at least one architecture",
    "verify architectures=[cell]": "'cell' is no architecture of space 'nb201'. Expected |op~0|",
    "verify architectures=[cell] space=darts": "unknown space 'darts'. Known: nb201",
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' data=npz": "data needs a value for path",
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' data=npz data.path=no.npz": "cannot read images from no.npz",
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' recipe.epochs=0": "epochs must be a finite number of at least 1",
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' recipe=darts": "unknown recipe 'darts'",
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' seeds=[a]": "seeds must be",
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' device=tpu": "device must be auto, cpu or a torch device",
    "fit train_size=0": "train_size must be",
    "fit train_size=1000000": "train_size must be",
    "fit tasks=[digits,digits]": "tasks must be two different ones or more",
    "fit tasks=[digits,digit:train_seconds]": "unknown data set 'digit'. Did you mean 'digits'?",
    "fit tasks=[digits,digits:train_seconds]": "predictor 'ensemble' learns one task",
    "fit tasks=[digits,digits:train_seconds] dataset=digits predictor=multitask": "leave dataset out",
    "fit tasks=[digits,digits:train_seconds] train_size=[9,9,9] predictor=multitask": "one for each of 2 tasks",
    "fit train_size=[9,9]": "train_size must be a whole number",
    "fit protocol=C": "unknown protocol 'C'. Known: A, B",
    "fit predictor=bosted": "unknown predictor 'bosted'. Did you mean 'boosted'?",
    "fit predictor=boosted predictor.trees=many": "trees must be of type int, got 'many'",
    "compare": "compare takes either samplers=[NAME, ...] or predictors=[NAME, ...]",
    "compare samplers=[random] budget=0": "budget must be a whole number, at least 1",
    "compare samplers=[no_such_file.Mine]": "sampler 'no_such_file.Mine' cannot be imported",
    "compare samplers=[random] tables=[nb202]": "unknown table 'nb202'",
    "compare predictors=[bosted]": "unknown predictor 'bosted'. Did you mean 'boosted'?",
    "table info nb202": "unknown table 'nb202'",
    "table build x --classes 0": "--classes must be",
    "table build x --data mnist": "unknown data 'mnist'",
    "report nowhere": "nowhere",
}


@pytest.mark.parametrize("command", BAD_INPUT)
def test_bad_input_is_one_sentence_and_exit_code_2(command: str, tmp_path: Path) -> None:
    done = surrogate_nas(*shlex.split(command), cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert BAD_INPUT[command] in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    (complaint,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(complaint) < 500


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_table_is_refused(damage: str, tmp_path: Path) -> None:
    content = bytearray((EMBEDDED / "nb201-digits.parquet").read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    else:
        content[len(content) // 3] ^= 0xFF
    (tmp_path / "t.parquet").write_bytes(content)
    for job in (("search", "table=t.parquet"), ("table", "info", "t.parquet")):
        done = surrogate_nas(*job, cwd=tmp_path)
        assert done.returncode == 2
        assert re.search("is no whole Parquet file|was altered after it was written", done.stderr)
        assert "Traceback" not in done.stderr


def test_ctrl_c_leaves_a_run_that_says_how_to_go_on(tmp_path: Path) -> None:
    command = [*COMMAND, "search", "budget=60", "verification.top=0", "folder=run"]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "run" / "study.journal"
    while running.poll() is None and not (journal.exists() and journal.stat().st_size > 20_000):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, complaint = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; nothing is lost. Go on with: surrogate-nas search budget=60" in complaint
    assert "Traceback" not in complaint
    resumed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert resumed.returncode == 0, resumed.stderr
    whole = surrogate_nas("search", "budget=60", "verification.top=0", "folder=whole", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    assert (tmp_path / "run" / "trials.csv").read_bytes() == (tmp_path / "whole" / "trials.csv").read_bytes()


@pytest.mark.slow
def test_sigterm_leaves_a_checkpoint_from_which_the_same_command_goes_on(tmp_path: Path) -> None:
    def verify(folder: str) -> list[str]:
        settings = ("recipe.epochs=12", "data.train=300", "data.views=1", "seeds=[1]", f"folder={folder}")
        return [*COMMAND, "verify", f"architectures=['{CONVOLUTIONS}']", *settings]

    running = subprocess.Popen(verify("run"), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while running.poll() is None and not list(tmp_path.glob("run/checkpoints/*.npz")):
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    _, complaint = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; nothing is lost. Go on with: surrogate-nas verify" in complaint
    assert len(list(tmp_path.glob("run/checkpoints/*.npz"))) == 1
    for folder in ("run", "whole"):
        done = subprocess.run(verify(folder), cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "curves.csv").read_bytes() == (tmp_path / "whole" / "curves.csv").read_bytes()
    assert not list(tmp_path.glob("run/checkpoints/*.npz"))


def test_a_sweep_runs_every_combination(tmp_path: Path) -> None:
    done = surrogate_nas(
        "search", "-m", "sampler=random,tpe", "seed=0,1", "budget=12", "verification.top=0", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(path.read_text()) for path in tmp_path.glob("runs/search/*/*/result.json")]
    assert {(result["sampler"], result["seed"]) for result in results} == {
        ("random", 0),
        ("random", 1),
        ("tpe", 0),
        ("tpe", 1),
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("search", "--help"),
        ("verify", "--help"),
        ("fit", "--help"),
        ("compare", "--help"),
        ("table", "--help"),
    ],
)
def test_help_names_what_can_be_set(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = surrogate_nas(*arguments, cwd=tmp_path)
    assert done.returncode == 0
    assert "surrogate-nas" in done.stdout
    assert not list(tmp_path.iterdir())


def test_tables_are_listed_and_shown(tmp_path: Path) -> None:
    assert "nb201-digits" in surrogate_nas("table", "list", cwd=tmp_path).stdout
    shown = surrogate_nas("table", "info", "nb201-digits", cwd=tmp_path).stdout
    assert "The file is whole." in shown
    assert "digits valid after 4 epochs" in shown
