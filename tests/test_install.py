"""The Dockerfile, the Makefile and the extra `all` install what the repository has, and run the same demo."""

import json
import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from mmbench.registry.own_distributions import own_distributions

ROOT = Path(__file__).parents[1]
INSTRUCTION = re.compile(r"^([A-Z]+) (.+)$", re.MULTILINE)
PROJECTS = {".": "mmbench", "datasets": "mmbench-datasets", "plugins/milmer": "mmbench-milmer"}


@pytest.fixture
def instructions() -> list[tuple[str, str]]:
    return INSTRUCTION.findall((ROOT / "Dockerfile").read_text())


def project(folder: str) -> dict[str, object]:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]


def recipe(target: str) -> list[str]:
    """The words of the commands of a target of the Makefile."""
    lines = (ROOT / "Makefile").read_text().partition(f"\n{target}")[2].partition("\n\n")[0].splitlines()[1:]
    return shlex.split(" ".join(line.strip().rstrip("\\") for line in lines).replace("$(BIN)/", ""))


def test_the_image_installs_what_the_demo_of_the_makefile_installs(instructions: list[tuple[str, str]]) -> None:
    (pip,) = (shlex.split(text) for name, text in instructions if name == "RUN" and " pip install " in text)
    copied = {str(Path(word).relative_to("source")) for word in pip if word.startswith("./source")}
    made = recipe("$(VENV)/.installed:")
    assert copied == {word for before, word in pairwise(made) if before == "-e"} == set(PROJECTS)
    assert pip[pip.index("-c") + 1] == f"source/{made[made.index('-c') + 1]}"
    assert (ROOT / made[made.index("-c") + 1]).is_file()
    assert [project(folder)["name"] for folder in PROJECTS] == list(PROJECTS.values())


def test_the_image_runs_the_demo_of_the_makefile_as_a_user_without_rights(instructions: list[tuple[str, str]]) -> None:
    names = [name for name, _ in instructions]
    assert json.loads(dict(instructions)["CMD"]) == recipe("demo:")
    assert dict(instructions)["USER"] == "mmbench"
    assert f"--create-home {dict(instructions)['USER']}" in dict(reversed(instructions))["RUN"]
    first_install = next(at for at, (_, text) in enumerate(instructions) if "venv" in text)
    assert names.index("USER") < first_install, "the packages belong to the user"
    assert names.count("USER") == 1


def test_the_image_has_every_file_that_it_installs() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    needed = {"constraints.txt", "pyproject.toml", "README.md", "LICENSE", "mmbench", "datasets", "plugins"}
    assert not needed & set(ignored)
    assert all((ROOT / name).exists() for name in needed)


def test_the_python_of_the_image_is_one_that_every_distribution_takes(instructions: list[tuple[str, str]]) -> None:
    version = re.fullmatch(r"python:(3\.\d+)-slim", dict(instructions)["FROM"])
    assert version
    assert {project(folder)["requires-python"] for folder in PROJECTS} == {f">={version[1]}"}


def test_the_extra_all_has_every_distribution_of_the_repository() -> None:
    extras = project(".")["optional-dependencies"]
    assert isinstance(extras, dict)
    assert [re.split(r"[>=]", requirement)[0] for requirement in extras["all"]] == list(own_distributions())
    found = {project(str(path.parent.relative_to(ROOT)))["name"] for path in ROOT.glob("plugins/*/pyproject.toml")}
    assert found | {"mmbench-datasets"} == set(own_distributions())
