"""A plugin as `mmbench new plugin` writes it installs, is found, passes its tests, runs, and is tidy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmbench.cli import main
from mmbench.errors import SpecError, StorageError
from mmbench.scaffold import make_plugin, parse_name
from mmbench.scaffold.writing import TEMPLATES, fill_templates

NAME = "sleep-study"
LONG = "a-name-of-forty-characters-and-no-letter"


def _done(*command: str | Path, folder: Path, path: Path | None = None) -> str:
    """What a command prints, once it has ended well; ``path`` goes before where Python looks for modules."""
    found = os.pathsep.join(str(each) for each in (path, *sys.path) if each)
    environment = {**os.environ, "PYTHONPATH": found, "MMBENCH_CACHE": str(folder.parent / "cache")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plugin(NAME, tmp_path_factory.mktemp("new") / NAME)


@pytest.fixture(scope="module")
def site(plugin: Path) -> Path:
    """Where pip has installed the plugin, built by its own backend."""
    target = plugin.parent / "site"
    pip = (sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index")
    _done(*pip, "--target", target, ".", folder=plugin)
    return target


def test_its_own_tests_pass_with_warnings_as_errors(plugin: Path, site: Path) -> None:
    assert " passed" in _done(sys.executable, "-m", "pytest", "-W", "error", folder=plugin, path=site)


def test_it_runs_from_the_shell(plugin: Path, site: Path) -> None:
    line = f"run {NAME}-model {NAME}-data --against prior --folds 2 --training epochs=1 --jobs 1 --quiet"
    printed = _done(sys.executable, "-m", "mmbench", *line.split(), folder=plugin, path=site)
    assert f"{NAME}-data · state (2 classes)" in printed
    assert "SIMULATED" in printed


@pytest.mark.parametrize("name", ["a", NAME, LONG])
def test_file_is_well_formatted_for_any_length_of_name(name: str, tmp_path: Path) -> None:
    home = make_plugin(name, tmp_path / name)
    for command in (("ruff", "check", "."), ("ruff", "format", "--check", ".")):
        _done(sys.executable, "-m", *command, folder=home)


def test_its_types_are_strict(plugin: Path, site: Path) -> None:
    # What `make check` has found out about torch need not be found out again.
    cache = Path(__file__).parents[2] / ".mypy_cache"
    assert "Success" in _done(sys.executable, "-m", "mypy", "--cache-dir", cache, folder=plugin, path=site)


def test_every_template_is_filled() -> None:
    files = fill_templates(parse_name(NAME))
    assert len(files) == sum(1 for file in TEMPLATES.rglob("*") if file.is_file())
    assert not any("$" in text for text in files.values())
    assert Path("sleep_study/py.typed") in files


@pytest.mark.parametrize(
    ("given", "distribution", "module"),
    [("Sleep_Study", "sleep-study", "sleep_study"), ("a..b", "a-b", "a_b"), ("x2", "x2", "x2")],
)
def test_names_are_normalised(given: str, distribution: str, module: str) -> None:
    name = parse_name(given)
    assert (name.distribution, name.module) == (distribution, module)


@pytest.mark.parametrize(
    "given",
    ["", "-a", "a-", "a b", "a/b", "../a", "ä", "a\n", "3d", "class", "Match", "json", "torch", "mmbench", "a" * 41],
)
def test_names_that_cannot_be_used_are_refused(given: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as raised:
        make_plugin(given, tmp_path / "here")
    assert raised.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept")
    for folder in (tmp_path, tmp_path / "kept.txt"):
        with pytest.raises(SpecError, match="--to"):
            make_plugin(NAME, folder)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["kept"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert (make_plugin(NAME, tmp_path / "empty") / "pyproject.toml").is_file()


def test_what_is_not_whole_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StorageError, match="full"):
        make_plugin(NAME, tmp_path / NAME)
    assert list(tmp_path.iterdir()) == []


def test_the_shell_says_where_it_is_in_one_line_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mmbench", "new", "plugin", NAME])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert capsys.readouterr().out.startswith(f"{NAME}: ")
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err == f"mmbench: {NAME}: is not empty — name another folder with --to\n"
