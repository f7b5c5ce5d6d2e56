"""Every command and example of the README runs as it stands."""

from __future__ import annotations

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def write_files(folder: Path) -> None:
    """Write the examples that begin with the name of a file into that file."""
    for example in blocks("python"):
        if named := re.match(r"# (\w+\.py)\n", example):
            (folder / named[1]).write_text(example, encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


@pytest.mark.slow
def test_shell_commands_run_one_after_another(folder: Path) -> None:
    commands = [line for block in blocks("bash") for line in block.splitlines()]
    assert {shlex.split(command)[1] for command in commands} == {
        "search",
        "fit",
        "compare",
        "verify",
        "table",
        "report",
    }
    write_files(folder)
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "surrogate-nas"
        done = subprocess.run(
            [sys.executable, "-m", "surrogate_nas", *arguments], cwd=folder, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.mark.slow
def test_python_examples_run(folder: Path) -> None:
    examples = blocks("python")
    assert examples
    for example in examples:
        done = subprocess.run([sys.executable, "-c", example], cwd=folder, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr


def test_a_third_party_sampler_of_fifteen_lines_takes_part_in_a_comparison(tmp_path: Path) -> None:
    write_files(tmp_path)
    source = (tmp_path / "my_sampler.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 16  # fifteen and the name of the file
    (command,) = re.findall(r"^(surrogate-nas compare .*my_sampler.*)$", README, flags=re.MULTILINE)
    arguments = [sys.executable, "-m", "surrogate_nas", *shlex.split(command)[1:], "seeds=2", "budget=12"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "runs" / "mine-compared" / "runs.csv").open() as file:
        runs = [(row["method"], row["seed"], row["status"]) for row in csv.DictReader(file)]
    assert [run for run in runs if run[0] == "BestNeighbour"] == [
        ("BestNeighbour", "0", "finished"),
        ("BestNeighbour", "1", "finished"),
    ]


def test_commands_that_install_are_targets_of_the_makefile() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^    make ([\w-]+)", README, flags=re.MULTILINE)
    assert targets == ["demo", "test", "bench-quick"]
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "end"),
    [
        ("fidelities=[12,200] budget=null seconds=50000", "with valid"),
        ("budget=150", "best of 150 measured of 15625"),
    ],
)
def test_real_table_examples_run(settings: str, end: str, real_data: Path, folder: Path) -> None:
    command = f"surrogate-nas search table=nb201 dataset=cifar10 {settings}"
    assert f"\n    {command}\n" in README
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command.replace("-", "_", 1)), f"folder={end.split()[-1]}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "SURROGATE_NAS_DATA": str(real_data)},
    )
    assert done.returncode == 0, done.stderr
    assert end in done.stdout + done.stderr
