"""How to repeat a run."""

from __future__ import annotations

from collections.abc import Callable

from surrogate_nas.report.run import Run
from surrogate_nas.report.section import repeat
from tests.report.conftest import search_result, verify_result


def test_command_configuration_seed_machine_and_versions_are_told(run_of: Callable[..., Run]) -> None:
    values = repeat.section(run_of(search_result())).values
    assert values["command"] == "surrogate-nas search table=synthetic budget=12 seed=7"
    assert values["configuration"] == "budget: 12\nseed: 7\n"
    assert values["circumstances"] == {
        "started": "2026-02-03T10:11:12+00:00",
        "seed": "7",
        "processor": "x86_64",
        "cores": "2",
        "python": "3.11.2",
        "platform": "Linux",
    }


def test_packages_that_are_not_installed_are_left_out(run_of: Callable[..., Run]) -> None:
    assert repeat.section(run_of(search_result())).values["versions"] == {"surrogate-nas": "0.1.0", "torch": "2.6.0"}


def test_a_job_without_one_seed_tells_none(run_of: Callable[..., Run]) -> None:
    assert "seed" not in repeat.section(run_of(verify_result())).values["circumstances"]
