"""The command line: help, and one sentence for every bad input."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from surrogate_nas.table.catalog import EMBEDDED
from tests.command import surrogate_nas
from tests.conftest import CONVOLUTIONS

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
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' seeds=[]": "seeds must be a list of one or more",
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' seeds=3": "seeds must be a list of one or more",
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' tasks=[digits,digits-parity] workers=0": "workers must be",
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' tasks=[digits,digit]": "unknown data 'digit'",
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' forecast=no.safetensors": "unknown predictor 'no.safetensors'",
    f"verify 'architectures=[\"{CONVOLUTIONS}\"]' forecast=boosted": "not fitted",
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
    "fit growth=2": "protocol A scores on the split that it fits to; leave growth out, got 2",
    "fit protocol=B growth=-1": "growth must be a finite number above 0, got -1",
    "fit tasks=[digits,digits:train_seconds] predictor=multitask growth=0": "of several tasks the source of the table",
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
