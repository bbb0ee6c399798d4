"""Preparation is resumed, named by content, and never takes an incomplete file for a complete one."""

import errno
import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from mmbench import DataError, SpecError, StorageError, WorkerError
from mmbench.data import store_writer
from mmbench.data.dataset_files import default_cache_folder, find_dataset_folder
from mmbench.data.preparation import Preparation, find_reading_problems, prepare
from mmbench.data.store import Store
from mmbench.registry.plugins import load_registry
from mmbench.registry.specs import parse_spec
from mmbench.storage.progress import SilentReporter, use_reporter

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
PLUGINS = (TOY,)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_files(tmp_path / "toy")
    return tmp_path / "toy"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def make_files(root: Path, **options: int) -> None:
    load_registry(PLUGINS).dataset(parse_spec("toy")).simulate(root, **{"subjects": 4, **options})


def plan(root: Path, cache: Path, dataset: str = "toy", bad: str = "error") -> Preparation:
    return Preparation(parse_spec(dataset), root, cache, PLUGINS, bad)


def reads(root: Path) -> dict[str, int]:
    log = root / "reads.log"
    return dict(Counter(log.read_text().split())) if log.exists() else {}


def kept(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "prepared").glob("*") if path.suffix != ".lock")


def content(path: Path) -> dict[str, list]:
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.update({name: item[()].tolist()} if hasattr(item, "shape") else {}))
        found["attributes"] = sorted((name, str(value)) for name, value in file.attrs.items())
    return found


def run_apart(what: Preparation, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    code = f"""
from pathlib import Path
from mmbench import UserError
from mmbench.data.preparation import Preparation, prepare
from mmbench.registry.specs import parse_spec
{before}
try:
    root, cache = Path({str(what.root)!r}), Path({str(what.cache)!r})
    prepare(Preparation(parse_spec({str(what.dataset)!r}), root, cache, {PLUGINS!r}))
except UserError as error:
    print(type(error).__name__, error.line, flush=True)
"""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def test_prepared_dataset_holds_the_samples_of_the_reader(root: Path, cache: Path) -> None:
    made = prepare(plan(root, cache))
    dataset = load_registry(PLUGINS).dataset(parse_spec("toy"))
    samples = [sample for unit in dataset.units(root) for sample in dataset.read(root, unit)]
    assert made.ids.tolist() == [sample.id for sample in samples]
    assert made.labels("side").tolist() == [sample.labels["side"] for sample in samples]
    assert made.groups["trial"].tolist() == [sample.groups["trial"] for sample in samples]
    assert made.schema == dataset.schema()
    values, present = made.source("signal").read(np.arange(len(made)))
    for row, sample in enumerate(samples):
        assert present[row].tolist() == sample.present["signal"].tolist()
        here = sample.present["signal"]
        np.testing.assert_array_equal(values[row][here], sample.data["signal"][here].astype(np.float32))
        assert not values[row][~here].any()
    facts = made.source("facts").read(np.arange(len(made)))[1][:, 0]
    assert facts.tolist() == ["facts" in sample.data for sample in samples]
    assert made.attributes["gaps"] == {
        "facts": {"present": int(facts.sum()), "inferred": 0, "without": len(facts) - int(facts.sum())}
    }
    assert not facts.all()


def test_second_run_reuses_the_results_of_the_first(root: Path, cache: Path) -> None:
    first = prepare(plan(root, cache))
    second = prepare(plan(root, cache))
    assert first.path == second.path
    assert reads(root) == {"s0": 1, "s1": 1, "s2": 1, "s3": 1}
    assert kept(cache) == [first.path.name]


def test_the_number_of_processes_does_not_change_a_byte(root: Path, tmp_path: Path) -> None:
    one = prepare(plan(root, tmp_path / "one"), jobs=1)
    two = prepare(plan(root, tmp_path / "two"), jobs=2)
    assert one.path.name == two.path.name
    assert one.path.read_bytes() == two.path.read_bytes()


def test_interrupted_preparation_resumes_by_unit(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_STOP", "s2")
    with pytest.raises(DataError, match="s2: the reader stopped"):
        prepare(plan(root, cache))
    assert reads(root) == {"s0": 1, "s1": 1, "s2": 1}
    monkeypatch.delenv("TOY_STOP")
    resumed = prepare(plan(root, cache))
    assert reads(root) == {"s0": 1, "s1": 1, "s2": 2, "s3": 1}
    assert kept(cache) == [resumed.path.name]
    fresh = prepare(plan(root, cache.with_name("fresh")))
    assert content(resumed.path) == content(fresh.path)


@pytest.mark.parametrize(
    ("before", "environment"),
    [
        ("", {"TOY_KILL": "s2"}),
        (
            # The third file is written but not finished.
            "import os, signal; from mmbench.data import store_writer\n"
            "write, seen = store_writer.write_final_attributes, []\n"
            "def kill(*args):\n"
            "    seen.append(1)\n"
            "    os.kill(os.getpid(), signal.SIGKILL) if len(seen) == 3 else write(*args)\n"
            "store_writer.write_final_attributes = kill",
            {},
        ),
        (
            # All units are done and being joined.
            "import os, signal; from mmbench.data import merge as merging\n"
            "merging._allocate = lambda *args: os.kill(os.getpid(), signal.SIGKILL)",
            {},
        ),
    ],
    ids=["reading", "writing", "joining"],
)
def test_killed_preparation_resumes_by_unit(root: Path, cache: Path, before: str, environment: dict) -> None:
    killed = run_apart(plan(root, cache), before, **environment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not [name for name in kept(cache) if not name.startswith(".")]
    done = {name: count for name, count in reads(root).items() if count}
    resumed = prepare(plan(root, cache))
    assert len(resumed) == 24
    finished = set(done) - {"s2"} if len(done) < 4 else set(done)
    assert {unit: reads(root)[unit] for unit in finished} == dict.fromkeys(finished, 1)
    assert finished >= {"s0", "s1"}
    fresh = prepare(plan(root, cache.with_name("fresh")))
    assert content(resumed.path) == content(fresh.path)
    assert kept(cache) == [resumed.path.name]


def test_two_processes_at_once_read_each_unit_once(root: Path, cache: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda _: run_apart(plan(root, cache)), range(2)))
    assert [(outcome.stdout, outcome.stderr) for outcome in outcomes] == [("", "")] * 2
    assert reads(root) == {"s0": 1, "s1": 1, "s2": 1, "s3": 1}
    assert kept(cache) == [prepare(plan(root, cache)).path.name]


def test_the_key_follows_content_parameters_and_choices(root: Path, cache: Path) -> None:
    keys = {prepare(plan(root, cache)).key}
    keys.add(prepare(plan(root, cache, "toy[windows=3]")).key)
    keys.add(prepare(plan(root, cache, bad="drop")).key)
    (root / "s1.txt").write_text("t0 100\nt1 777\nt2 102\n")
    keys.add(prepare(plan(root, cache)).key)
    (root / "s9.txt").write_text("t0 900\nt1 901\n")
    keys.add(prepare(plan(root, cache)).key)
    assert len(keys) == 5


def test_a_default_spelt_out_is_the_same_key(root: Path, cache: Path) -> None:
    assert prepare(plan(root, cache)).key == prepare(plan(root, cache, "toy[windows=2]")).key


def test_the_key_does_not_follow_the_folder(root: Path, cache: Path) -> None:
    first = prepare(plan(root, cache)).key
    moved = root.rename(root.with_name("moved"))
    os.utime(moved / "s0.txt")
    assert prepare(plan(moved, cache)).key == first


def test_only_a_changed_unit_has_another_key(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_STOP", "s3")
    with pytest.raises(DataError):
        prepare(plan(root, cache))
    monkeypatch.delenv("TOY_STOP")
    (root / "s1.txt").write_text("t0 100\nt1 777\n")
    prepare(plan(root, cache))
    assert reads(root) == {"s0": 1, "s1": 2, "s2": 1, "s3": 2}


def test_the_key_follows_the_code_of_the_dataset(root: Path, cache: Path, tmp_path: Path) -> None:
    keys = []
    for number in range(2):
        copy = tmp_path / f"copy{number}" / "toy_plugin.py"
        copy.parent.mkdir()
        copy.write_text(Path(TOY).read_text() + "\n" * number)
        keys.append(prepare(Preparation(parse_spec("toy"), root, cache, (str(copy),))).key)
    assert keys[0] != keys[1]
    assert keys[0] == prepare(plan(root, cache)).key


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("nan", "s0-t1-1: signal holds NaN or infinite values"),
        ("constant", "s0-t1-1: channel right of signal is constant"),
        ("shape", "s0-t1-1: signal has the shape"),
        ("group", "s0-t1-1: declares no trial"),
        ("label", "s0-t1-1: label 2 of 'side' is outside 0-1"),
        ("duplicate", "two samples have the id 'the same'"),
    ],
)
def test_a_bad_sample_ends_the_preparation_by_name(root: Path, cache: Path, fault: str, says: str) -> None:
    with pytest.raises(DataError) as caught:
        prepare(plan(root, cache, f"toy[fault={fault}]"))
    assert says in caught.value.line
    assert not [name for name in kept(cache) if not name.startswith(".")]


def test_two_samples_of_a_unit_with_one_id_are_named_before_it_is_written(root: Path, cache: Path) -> None:
    (root / "s2.txt").write_text("t0 200\nt0 201\n")
    with pytest.raises(DataError) as caught:
        prepare(plan(root, cache))
    assert caught.value.line == (
        "toy: two samples of unit s2 have the id 's2-t0-0' — correct the dataset's reader or its files"
    )
    assert len(kept(cache)) == 2, "the units s0 and s1"
    made = prepare(plan(root, cache, bad="drop"))
    assert set(made.groups["subject"].tolist()) == {"s0", "s1", "s3"}
    assert find_reading_problems(plan(root, cache))[1][0].message.startswith("two samples of unit s2")


def test_a_bad_sample_in_another_process_is_named(root: Path, cache: Path) -> None:
    with pytest.raises(DataError, match=r"s\d-t1-1: signal holds NaN"):
        prepare(plan(root, cache, "toy[fault=nan]"), jobs=2)


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.mark.parametrize("fault", ["nan", "constant", "shape", "group", "label"])
def test_dropping_leaves_bad_samples_out_and_counts_them(root: Path, cache: Path, fault: str) -> None:
    listener = Listener()
    with use_reporter(listener):
        made = prepare(plan(root, cache, f"toy[fault={fault}]", bad="drop"))
    assert len(made) == 24 - 4
    assert "s0-t1-1" not in made.ids
    assert len(made.attributes["dropped"]) == 4
    assert [message for message in listener.messages if message.startswith("left out: s0-t1-1")]


def test_many_exclusions_take_few_lines(root: Path, cache: Path) -> None:
    listener = Listener()
    with use_reporter(listener):
        prepare(plan(root, cache, "toy[fault=unit]", bad="drop"))
    assert listener.messages[-2:] == ["left out: 1 more sample", "6 unusable samples were left out; 18 samples left"]


def test_a_unit_of_which_nothing_is_left(root: Path, cache: Path) -> None:
    made = prepare(plan(root, cache, "toy[fault=unit]", bad="drop"))
    assert set(made.groups["subject"].tolist()) == {"s0", "s2", "s3"}
    values, present = made.source("signal").read(np.arange(len(made)))
    assert present.dtype == bool
    assert values[present].any()


def test_nothing_left_at_all_is_one_line(root: Path, cache: Path) -> None:
    with pytest.raises(DataError, match="no usable sample"):
        prepare(plan(root, cache, "toy[fault=everything]", bad="drop"))


def test_a_damaged_trial_is_named(root: Path, cache: Path) -> None:
    (root / "s2.txt").write_text("t0 200\nt1 xxx\n")
    with pytest.raises(DataError, match=r"s2\.txt: trial t1 is damaged — simulate it again"):
        prepare(plan(root, cache))


def test_problems_of_the_folder_come_first(root: Path, cache: Path) -> None:
    for name in ("s1.txt", "s2.txt"):
        (root / name).write_text("")
    with pytest.raises(
        DataError, match=r"s\d\.txt: holds nothing \(and 1 more: mmbench data check toy\) — simulate it"
    ):
        prepare(plan(root, cache))
    assert reads(root) == {}


def test_an_empty_folder(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no unit"):
        prepare(plan(tmp_path / "empty", cache))


@pytest.mark.parametrize("share", [0, 0.4, 0.9])
def test_a_truncated_prepared_file_is_renamed_and_made_again(root: Path, cache: Path, share: float) -> None:
    path = prepare(plan(root, cache)).path
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match="not a complete prepared file") as caught:
        Store(path)
    assert caught.value.where == str(path)
    listener = Listener()
    with use_reporter(listener):
        assert prepare(plan(root, cache)).path.read_bytes() == whole
    assert listener.messages[0].startswith(f"{path} is not a complete prepared file (")
    assert listener.messages[0].endswith(f"): renamed to {path.name}.damaged and made again")
    assert path.with_name(f"{path.name}.damaged").stat().st_size == int(share * len(whole))


def test_a_truncated_unit_is_read_again(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_STOP", "s2")
    with pytest.raises(DataError):
        prepare(plan(root, cache))
    monkeypatch.delenv("TOY_STOP")
    part = sorted((cache / "prepared").glob(".*.unit.h5"))[0]
    part.write_bytes(part.read_bytes()[:1000])
    assert len(prepare(plan(root, cache))) == 24
    assert sorted(reads(root).values()) == [1, 1, 2, 2]


def test_full_disk_is_an_error_of_one_line_and_keeps_finished_work(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, seen = store_writer._write_index, []

    def full(*args: object) -> None:
        seen.append(args)
        if len(seen) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(*args)

    monkeypatch.setattr(store_writer, "_write_index", full)
    with pytest.raises(StorageError, match="the disk is full — free some space"):
        prepare(plan(root, cache))
    assert len(kept(cache)) == 2
    assert len(prepare(plan(root, cache))) == 24
    assert reads(root) == {"s0": 1, "s1": 1, "s2": 2, "s3": 1}


def test_space_is_reserved_before_hdf5_writes(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=130_000))
    assert len(prepare(plan(root, cache))) == 24
    with pytest.raises(
        StorageError, match=r"the disk is full: 0.2 MB are needed and 0.1 MB are free — free some space"
    ):
        prepare(plan(root, cache, "toy[length=900]"))
    assert not [name for name in kept(cache) if name.startswith(".part-")]


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a small disk is mounted by root on Linux")
def test_a_small_disk(root: Path, cache: Path) -> None:
    cache.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", cache], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        failed = run_apart(plan(root, cache, "toy[length=300]"))
        assert (failed.returncode, failed.stderr) == (0, "")
        assert failed.stdout.startswith("StorageError")
        assert "the disk is full" in failed.stdout
        assert not [name for name in kept(cache) if not name.endswith(".unit.h5")]
    finally:
        subprocess.run(["umount", cache], check=True)


@pytest.mark.parametrize("limit", [1000, 12_000, 30_000])
def test_a_file_that_cannot_grow_is_never_taken_for_whole(root: Path, cache: Path, limit: int) -> None:
    pytest.importorskip("resource", reason="limits on file sizes are of Unix")
    before = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    failed = run_apart(plan(root, cache, "toy[length=100]"), before)
    assert failed.stdout.startswith("StorageError")
    assert "the disk is full" in failed.stdout
    assert not [name for name in kept(cache) if not name.endswith(".unit.h5")]
    assert len(prepare(plan(root, cache, "toy[length=100]"))) == 24


@pytest.mark.skipif(sys.platform != "linux", reason="/sys takes no new files, even from root")
def test_a_cache_that_cannot_be_written(root: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        prepare(plan(root, Path("/sys/mmbench")))


def test_options_of_a_dataset_are_checked(root: Path, cache: Path) -> None:
    with pytest.raises(SpecError, match="did you mean 'windows'"):
        prepare(plan(root, cache, "toy[window=3]"))


def test_where_a_dataset_lies(root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, toy = load_registry(PLUGINS), parse_spec("toy")
    assert find_dataset_folder(registry, toy, root, cache) == root
    with pytest.raises(DataError, match="toy: Toy is not here — give --data DIR"):
        find_dataset_folder(registry, toy, None, cache)
    with pytest.raises(DataError, match="no such folder"):
        find_dataset_folder(registry, toy, tmp_path / "gone", cache)
    monkeypatch.setenv("MMBENCH_DATA", str(tmp_path))
    assert find_dataset_folder(registry, toy, None, cache) == root
    assert find_dataset_folder(registry, parse_spec("mfeat"), None, cache).is_dir()


def test_the_cache_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBENCH_CACHE", "/somewhere")
    assert default_cache_folder() == Path("/somewhere")
    monkeypatch.delenv("MMBENCH_CACHE")
    assert default_cache_folder().name == "mmbench"


def test_opening_needs_no_more_than_the_path(root: Path, cache: Path) -> None:
    assert Store(prepare(plan(root, cache)).path).ids.shape == (24,)


def test_a_worker_that_is_killed_is_one_line_and_a_resume(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_KILL", "s2")
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor(max_workers=2).shutdown(wait=True)  # the next workers see the environment
    with pytest.raises(WorkerError, match="a worker process died") as caught:
        prepare(plan(root, cache), jobs=2)
    assert "\n" not in caught.value.line
    monkeypatch.delenv("TOY_KILL")
    assert len(prepare(plan(root, cache), jobs=1)) == 24


def test_text_of_another_encoding_is_one_line(root: Path, cache: Path) -> None:
    (root / "s1.txt").write_bytes(b"t0 1\nt\xe9 2\n")
    with pytest.raises(DataError, match="a file holds text that is not UTF-8: byte 0xe9 at 6 — convert it to UTF-8"):
        prepare(plan(root, cache))


def test_units_of_a_call_share_a_dataset_and_the_next_call_lists_anew(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dataset that lists a whole folder does so once, not once a unit."""
    make_files(tmp_path / "toy", subjects=5)
    built: list[str] = []
    find = load_registry(PLUGINS).find("datasets", "toy").component
    original = find().__init__

    def counted(self: object, **options: object) -> None:
        built.append("toy")
        original(self, **options)

    monkeypatch.setattr(find(), "__init__", counted)
    prepare(plan(tmp_path / "toy", cache))
    first = len(built)
    assert first < 5
    make_files(tmp_path / "toy", subjects=6)
    assert len(set(prepare(plan(tmp_path / "toy", cache)).groups["subject"].tolist())) == 6
    assert len(built) == 2 * first


def test_a_preparation_counts_nothing_that_only_a_check_tells(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some datasets read every file to count, which each run that finds its prepared data would repeat."""

    def count(*_: object) -> dict[str, int]:
        raise AssertionError("a preparation counts")

    dataset = load_registry(PLUGINS).find("datasets", "toy").component
    for name in ("counts", "contents"):
        monkeypatch.setattr(dataset, name, count)
    assert len(prepare(plan(root, cache))) == len(prepare(plan(root, cache))) > 0
