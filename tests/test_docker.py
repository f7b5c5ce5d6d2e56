"""The Docker files: pinned, without root, read-only, and named correctly where they are mentioned.

Whether images build and run is shown by ``docker/check.sh``, which needs an engine.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from surrogate_nas.configuration import configuration_folder

CHECKOUT = Path(__file__).parent.parent
DOCKERFILES = sorted((CHECKOUT / "docker").glob("*.Dockerfile"))
OURS = ("verify", "verify-gpu", "search", "dashboard")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((CHECKOUT / "docker" / "compose.yaml").read_text())["services"]


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    joined = dockerfile.read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_an_image_has_a_pinned_base_and_ends_as_a_user_who_owns_no_code(dockerfile: Path) -> None:
    steps = instructions(dockerfile)
    defaults = dict(value.split("=", 1) for name, value in steps if name == "ARG" and "=" in value)
    bases = [value.split()[0] for name, value in steps if name == "FROM"]
    for base in bases:
        name, _, tag = re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], base).rpartition(":")
        assert name
        assert re.search(r"\d+\.\d+", tag)
    last = steps[max(at for at, (name, _) in enumerate(steps) if name == "FROM") :]
    assert [value for name, value in last if name == "USER"] == ["nas"]
    assert not [value for name, value in last if name == "COPY" and "--chown" in value]
    assert not re.search(r"install[^&]*\b(gcc|g\+\+|build-essential|nvcc)\b", " ".join(value for _, value in last))
    constrained = steps.index(("ENV", "PIP_CONSTRAINT=/source/constraints.txt"))
    assert constrained < min(at for at, (name, value) in enumerate(steps) if name == "RUN" and "pip install" in value)


def test_what_the_images_copy_is_let_through_to_them() -> None:
    kept = {line[1:] for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept >= {"surrogate_nas", "conf", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"}
    assert all((CHECKOUT / name).exists() for name in kept)


def test_services_run_without_root_on_read_only_code(services: dict[str, Any]) -> None:
    assert {*OURS, "postgres"} == set(services)
    for name in OURS:
        service = services[name]
        assert (service["read_only"], service["cap_drop"], service["init"]) == (True, ["ALL"], True)
        assert not re.match(r"(0|root)\b", service["user"])
        assert (CHECKOUT / "docker" / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        assert [volume.rsplit(":", 1)[-1] for volume in service["volumes"]] == ["/srv/runs", "ro"]
    assert re.search(r":\d+\.\d+", services["postgres"]["image"])
    assert "ports" not in services["postgres"]


def test_services_give_jobs_settings_that_exist(services: dict[str, Any]) -> None:
    for name in ("verify", "verify-gpu", "search"):
        program, job, *overrides = services[name]["entrypoint"]
        assert program == "surrogate-nas"
        known = yaml.safe_load((configuration_folder() / f"{job}.yaml").read_text())
        assert {override.partition("=")[0] for override in overrides} <= set(known)


def test_the_readme_names_files_and_services_that_exist(services: dict[str, Any]) -> None:
    commands = re.findall(r"^    (docker .*)$", (CHECKOUT / "README.md").read_text(), flags=re.MULTILINE)
    words = [shlex.split(command) for command in commands]
    assert {word for command in words for word in command} >= {"verify", "verify-gpu", "search", "dashboard"}
    for command in words:
        assert command[:4] == ["docker", "compose", "-f", "docker/compose.yaml"]
        service = next(word for word in command[4:] if word not in ("run", "up", "--rm", "--build", "-d"))
        assert service in services


def test_the_checking_script_is_a_valid_one() -> None:
    script = CHECKOUT / "docker" / "check.sh"
    subprocess.run(["bash", "-n", script], check=True)
    assert script.stat().st_mode & 0o111
