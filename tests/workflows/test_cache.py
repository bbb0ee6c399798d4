"""The cache is listed correctly, and cleaning removes only unused files of mmbench."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from mmbench import SpecError, from_arrays
from mmbench.cli.app import app
from mmbench.data.preparation import Preparation, prepare
from mmbench.features.cache import Encoding, encode
from mmbench.registry.specs import parse_spec
from mmbench.storage.files import mark_in_use
from mmbench.storage.stale_files import machine_id
from mmbench.workflows.cache import CacheEntry, clean_cache, list_cache

TOY = Path(__file__).parents[1] / "plugins" / "toy_plugin.py"
DAY = 86400


@pytest.fixture(scope="module")
def filled(toy_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with prepared data of the toy and tokens of it, and the plugin it is from."""
    folder = tmp_path_factory.mktemp("filled")
    shutil.copy(TOY, folder / "toy_plugin.py")
    plugins = (str(folder / "toy_plugin.py"),)
    store = prepare(Preparation(parse_spec("toy"), toy_people, folder / "cache", plugins))
    encode(Encoding(store.path, "signal", parse_spec("spectrum"), plugins, "cpu"), folder / "cache")
    return folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def cache(home: Path) -> Path:
    return home / "cache"


def listed(home: Path) -> list[CacheEntry]:
    return list_cache(home / "cache", (str(home / "toy_plugin.py"),))


def clean(home: Path, **options: object) -> list[str]:
    done = clean_cache(home / "cache", plugins=(str(home / "toy_plugin.py"),), **options)
    return sorted(item.kind for item in done.removed)


def change_the_plugin(home: Path) -> None:
    # A module is loaded once by its path.
    (home / "toy_plugin.py").rename(home / "other.py")
    (home / "other.py").write_text(TOY.read_text() + "\n# changed\n")


def test_entries_are_listed(home: Path) -> None:
    prepared, tokens = listed(home)
    assert (prepared.kind, prepared.what, prepared.state, prepared.why) == ("prepared", "toy, 6 units", "current", "")
    assert (tokens.kind, tokens.what, tokens.state, tokens.why) == ("tokens", "signal with spectrum", "current", "")
    assert prepared.size == prepared.path.stat().st_size
    assert 0 <= prepared.age < DAY


def test_changed_code_and_dependent_entries_are_outdated(home: Path) -> None:
    change_the_plugin(home)
    prepared, tokens = list_cache(home / "cache", (str(home / "other.py"),))
    assert (prepared.state, prepared.why) == (
        "outdated",
        "code of dataset toy changed since: other.py is new, toy_plugin.py is gone",
    )
    assert (tokens.state, tokens.why) == ("outdated", "of prepared data that are outdated")
    assert [item.state for item in list_cache(home / "cache")] == ["not known", "current"]


def test_a_damaged_or_older_file_is_outdated(home: Path) -> None:
    for item in listed(home):
        item.path.write_bytes(item.path.read_bytes()[:500])
    assert [item.why for item in listed(home)] == ["incomplete, damaged or of another version"] * 2


def litter(cache: Path) -> list[Path]:
    """What killed processes and damage leave, for files of the cache."""
    (prepared,) = cache.glob("prepared/toy-*.h5")
    (tokens,) = cache.glob("tokens/signal-*.h5")
    left = [
        prepared.with_name(f".part-0123abcd-{prepared.name}"),
        tokens.with_name(f".part-0123abcd-.{tokens.stem}.128.npy"),
        prepared.with_name(f".part-{machine_id()}0123abcd-{prepared.name}"),
        cache / f".part-{machine_id()}0123abcd-digests.json",
        tokens.with_name(f"{tokens.name}.damaged"),
        prepared.with_name(f".{prepared.stem}.unit.h5.damaged"),
    ]
    for path in left:
        path.write_bytes(b"half")
    remains = prepared.with_name(".tokens-abc123")
    remains.mkdir()
    (remains / "tokens").write_bytes(b"x" * 1000)
    return [*left, remains]


def foreign(cache: Path) -> list[Path]:
    names = ("mine.h5", "prepared/notes.txt", "tokens/results-2024.h5", "data/toy/s0.txt", "prepared/.hidden", "x.npy")
    paths = [cache / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    return paths


def test_clean_without_options_removes_stale_files_only(home: Path, cache: Path) -> None:
    left, mine = litter(cache), foreign(cache)
    assert clean(home, dry_run=True) == ["damaged", "damaged", *["left over"] * 5]
    assert all(path.exists() for path in left)
    assert clean(home) == ["damaged", "damaged", *["left over"] * 5]
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in mine)
    assert [item.kind for item in listed(home)] == ["prepared", "tokens", "files"]


def test_clean_all_keeps_files_of_others(home: Path, cache: Path) -> None:
    mine = foreign(cache)
    assert clean(home, everything=True) == ["prepared", "tokens"]
    assert all(path.read_text() == "mine" for path in mine)


def test_what_is_unused_or_old_goes(home: Path, cache: Path) -> None:
    assert clean(home, unused=True) == []
    assert clean(home, older_than=1) == []
    (tokens,) = cache.glob("tokens/signal-*.h5")
    os.utime(tokens, (tokens.stat().st_atime, tokens.stat().st_mtime - 2 * DAY))
    assert clean(home, older_than=1, unused=True) == []
    assert clean(home, older_than=1) == ["tokens"]
    change_the_plugin(home)
    plugins = (str(home / "other.py"),)
    assert clean_cache(cache, unused=True, older_than=1, plugins=plugins).removed == ()
    assert [item.kind for item in clean_cache(cache, unused=True, plugins=plugins).removed] == ["prepared"]
    with pytest.raises(SpecError, match="--older-than: -1 is negative"):
        clean_cache(cache, older_than=-1)


def test_units_and_blocks_of_unfinished_files(
    home: Path, cache: Path, toy_people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    plugins = (str(home / "toy_plugin.py"),)
    (store,) = cache.glob("prepared/toy-*.h5")
    monkeypatch.setattr("mmbench.data.preparation.merge", stop)
    monkeypatch.setattr("mmbench.features.token_file.add_checksums", stop)
    with pytest.raises(KeyboardInterrupt):
        prepare(Preparation(parse_spec("toy[windows=3]"), toy_people, cache, plugins))
    with pytest.raises(KeyboardInterrupt):
        encode(Encoding(store, "facts", parse_spec("raw"), plugins, "cpu"), cache)
    assert [item.kind for item in listed(home)] == ["prepared", *["unit"] * 6, "tokens", "block"]
    units = listed(home)[1:7]
    assert sorted(item.what for item in units) == [f"toy[windows=3] s{number}" for number in range(6)]
    assert clean(home, unused=True) == []
    change_the_plugin(home)
    removed = clean_cache(cache, unused=True, plugins=(str(home / "other.py"),)).removed
    assert sorted(item.kind for item in removed) == ["block", "prepared", "tokens", *["unit"] * 6]


def hold(lock: Path) -> "subprocess.Popen[str]":
    code = f"""
from filelock import FileLock
with FileLock({str(lock)!r}):
    print("held", flush=True)
    input()
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_a_process_is_making_stays(home: Path, cache: Path, dry_run: bool) -> None:
    (tokens,) = cache.glob("tokens/signal-*.h5")
    block = tokens.with_name(f".{tokens.stem}.0.npy")
    block.write_bytes(b"half")
    with hold(tokens.with_name(f".{tokens.name}.lock")) as process:
        done = clean_cache(cache, everything=True, dry_run=dry_run, plugins=(str(home / "toy_plugin.py"),))
        process.communicate("\n")
    assert sorted(item.kind for item in done.kept) == ["block", "tokens"]
    assert tokens.exists()
    assert block.exists()


def test_what_a_run_uses_stays(home: Path, cache: Path) -> None:
    with mark_in_use(cache):
        done = clean_cache(cache, everything=True)
        assert (len(done.removed), len(done.kept)) == (0, 2)
    assert not list(cache.glob(".using-*"))


def test_a_killed_run_keeps_nothing(home: Path, cache: Path) -> None:
    with hold(cache / ".using-1-dead") as process:
        assert clean_cache(cache, everything=True).removed == ()
        process.kill()
        process.communicate()
    assert clean(home, everything=True) == ["prepared", "tokens"]
    assert not list(cache.glob(".using-*"))


def test_the_shell_lists_and_cleans(home: Path, cache: Path) -> None:
    options = ["--cache", str(cache), "--plugin", str(home / "toy_plugin.py")]
    shell = CliRunner()
    table = shell.invoke(app, ["cache", "list", *options]).stdout
    assert "signal with spectrum" in table
    assert "2 files" in table
    items = json.loads(shell.invoke(app, ["cache", "list", "--json", *options]).stdout)
    assert [item["kind"] for item in items] == ["prepared", "tokens"]
    assert "would be removed" in shell.invoke(app, ["cache", "clean", "--all", "--dry-run", *options]).stdout
    with FileLock(cache / ".using-1-x"):
        output = shell.invoke(app, ["cache", "clean", "--all", *options]).stdout
    assert "in use by a running process" in output
    done = json.loads(shell.invoke(app, ["cache", "clean", "--all", "--json", *options]).stdout)
    assert (len(done["removed"]), done["kept"]) == (2, [])
    assert list_cache(cache) == []


def test_an_empty_cache(tmp_path: Path) -> None:
    assert list_cache(tmp_path / "none") == []
    assert clean_cache(tmp_path / "none", everything=True).removed == ()


def test_data_from_memory_are_listed_and_removed(tmp_path: Path) -> None:
    dataset = from_arrays({"x": [[1.0], [2.0]]}, ["a", "b"], groups={}, name="mine", cache=tmp_path)
    (entry,) = list_cache(tmp_path)
    assert (entry.kind, entry.what) == ("memory", "data from memory: mine")
    assert not clean_cache(tmp_path, older_than=1).removed
    with mark_in_use(tmp_path):
        assert clean_cache(tmp_path, everything=True).kept
    assert clean_cache(tmp_path, everything=True).removed
    assert not dataset.path.exists()
    again = from_arrays({"x": [[1.0], [2.0]]}, ["a", "b"], groups={}, name="mine", cache=tmp_path)
    (again.path / "dataset.toml").unlink()  # as after an interrupt
    assert [entry.kind for entry in clean_cache(tmp_path).removed] == ["left over"]
