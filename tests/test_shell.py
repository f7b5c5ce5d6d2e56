"""Commands that a report quotes: a shell reads them as what was typed."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from surrogate_nas.shell import copyable

CELL = "architectures=['|nor_conv_1x1~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|skip_connect~2|']"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["search", "budget=40"], "search budget=40"),
        (["verify", CELL], f'verify "{CELL}"'),
        (["samplers=[random,tpe]"], "'samplers=[random,tpe]'"),
        (['{name: "a b"}'], "'{name: \"a b\"}'"),
        (["it's $HOME"], "'it'\"'\"'s $HOME'"),
        ([""], "''"),
    ],
)
def test_a_line_is_short_and_splits_into_the_arguments(arguments: list[str], line: str) -> None:
    assert copyable(arguments) == line
    assert shlex.split(line) == arguments
    told = subprocess.run(["/bin/sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True)
    assert told.stdout == "\n".join([*arguments, ""])
