"""Canaries name components that cheat, pass those that do not, and change no result."""

import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from joblib.externals.loky import get_reusable_executor

import mmbench
import mmbench.training.metrics
from mmbench.cli import main
from mmbench.data.store import Store
from mmbench.errors import PluginError
from mmbench.registry.plugin_files import load_plugin_file
from mmbench.registry.plugins import load_registry
from mmbench.workflows.explanations import explain

HERE = Path(__file__).parents[1] / "plugins"
TOY, CHEATS = str(HERE / "toy_plugin.py"), str(HERE / "cheating_plugin.py")
QUICK = {"epochs": 3, "batch_size": 8}


class Bench:
    """Runs on the toy dataset's facts, with one place for what a test lets a cheat know."""

    def __init__(self, people: Path, cache: Path, out: Path) -> None:
        self.people, self.cache, self.out = people, cache, out

    def run(self, method: str, encoder: str = "raw", dataset: str = "toy", **options: Any) -> Any:
        options = {
            "encoders": {"facts": encoder},
            "folds": 2,
            "jobs": 1,
            "training": QUICK,
            "plugins": (TOY, CHEATS),
            **options,
        }
        options = {
            "data": self.people,
            "cache": self.cache,
            "out": self.out,
            "modalities": ["facts"],
            "training": QUICK,
            **options,
        }
        return mmbench.run(method, dataset, **options)

    def caught(self, method: str, encoder: str = "raw", **options: Any) -> str:
        """The line of the PluginError, after a look that no record was left."""
        with pytest.raises(PluginError) as error:
            self.run(method, encoder, **options)
        assert not list(self.out.glob("*/*/fold-*"))
        return error.value.line

    def write(self, name: str, text: object) -> None:
        (self.out / name).write_text(str(text))

    @property
    def prepared(self) -> Path:
        (path,) = self.cache.glob("prepared/toy-*.h5")
        return path


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture
def bench(toy_people: Path, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("CHEAT", str(tmp_path))
    yield Bench(toy_people, shelf, tmp_path)
    cheats = load_plugin_file(CHEATS)
    for kept in (cheats.BANK, cheats.Keeper.left, cheats.Hoarder.seen):
        kept.clear()


@pytest.fixture
def ready(bench: Bench) -> Bench:
    """Prepared data, and a finished run of a component that does not cheat."""
    bench.run("plain")
    (folder,) = bench.out.glob("toy-*")
    shutil.move(folder, bench.out / "earlier" / folder.name)
    return bench


def test_labels_of_the_test_part_are_in_no_frame_and_no_object(bench: Bench) -> None:
    options = {"modalities": ["facts", "signal"], "encoders": {"facts": "raw", "signal": "conv1d"}, "weights": "keep"}
    honest = bench.run("plain", **options)
    store = Store(bench.prepared)
    bench.write("n", len(store))
    (method,) = bench.run("looker", **options).methods
    for _ in explain(method, bench.cache, (TOY, CHEATS)):
        pass
    looks = {path.stem.removeprefix("look-"): np.load(path) for path in bench.out.glob("look-*.npy")}
    assert set(looks) >= {
        "mmbench.integrity.canaries-True",
        "mmbench.training.loop-True",
        "mmbench.training.loop-False",
        "mmbench.results.diagnosis.trained_model-False",
        "mmbench.training.cost_measurement-False",
        "mmbench.workflows.explanations-False",
    }
    row_of = {sample: row for row, sample in enumerate(store.ids.tolist())}
    parts = [[row_of[sample] for sample in record.ids] for record in method.records]
    labels = store.labels("side")
    telling = [
        array for array in looks["mmbench.training.loop-True"] for tested in parts if is_known(array, labels, tested)
    ]
    assert telling, "what may be known is found"
    for phase, found in looks.items():
        assert not any(np.array_equal(array, labels) for array in found), phase
        if phase.startswith("mmbench.workflows.explanations"):
            continue
        tested = parts[0]  # the first fold looks first
        assert not any(np.array_equal(array[tested], labels[tested]) for array in found), phase
    pairs = zip(honest.methods[0].records, method.records, strict=True)
    assert all(one.logits == other.logits for one, other in pairs)


def is_known(array: np.ndarray, labels: np.ndarray, tested: list[int]) -> bool:
    return np.array_equal(np.delete(array, tested), np.delete(labels, tested)) and (array[tested] == -1).all()


@pytest.mark.parametrize("door", ["h5py", "open", "numpy", "os", "thread"])
def test_the_prepared_file_is_closed(ready: Bench, door: str) -> None:
    ready.write("target", ready.prepared)
    line = ready.caught(f"opener[door={door}]")
    assert line.startswith(f"fusion opener (plugin {CHEATS}): opens the prepared data while it is trained or tested")
    assert str(ready.prepared) in line


def test_the_datasets_files_are_closed(ready: Bench) -> None:
    ready.write("target", ready.people / "s0.txt")
    assert "fusion opener" in (line := ready.caught("opener"))
    assert "opens the dataset's files" in line


@pytest.mark.parametrize("name", ["fold-*.json", "fold-*.safetensors", "folds.json"])
def test_records_and_weights_of_other_folds_are_closed(ready: Bench, name: str) -> None:
    (earlier,) = ready.out.glob("earlier/*")
    shutil.copytree(earlier, ready.out / earlier.name)
    target = next((ready.out / earlier.name).rglob(name))
    ready.write("target", target)
    door = "safetensors" if target.suffix == ".safetensors" else "open"
    with pytest.raises(PluginError, match=r"fusion opener .* opens the records of this run"):
        ready.run(f"opener[door={door}]")


def test_tokens_are_closed(bench: Bench) -> None:
    bench.run("plain", "forgetting")
    bench.write("target", next(bench.cache.glob("tokens/*.h5")))
    with pytest.raises(PluginError, match=r"fusion opener .* opens the prepared data"):
        bench.run("opener[door=h5py]")


def test_who_swallows_the_error_meets_it_again(ready: Bench) -> None:
    ready.write("target", ready.prepared)
    assert "opens the prepared data" in ready.caught("opener[door=h5py,swallow=true]")


def test_it_is_caught_in_another_process(ready: Bench) -> None:
    # Processes that an earlier test left behind do not know where this one keeps its notes.
    get_reusable_executor().shutdown(wait=True)
    ready.write("target", ready.prepared)
    assert f"fusion opener (plugin {CHEATS}): opens the prepared data" in ready.caught("opener", jobs=2)


def test_component_may_read_its_own_files(ready: Bench) -> None:
    ready.write("target", Path(__file__).parents[1] / "conftest.py")
    assert ready.run("opener").methods[0].records
    named = ready.people / "s0.txt"
    assert ready.run(f"opener[own={named}]").methods[0].records, "the user names this file"


@pytest.mark.parametrize(
    ("method", "what"),
    [("keeper", "other weights"), ("bank", "other logits"), ("stasher", "other weights")],
)
def test_nothing_is_kept_between_folds(bench: Bench, method: str, what: str) -> None:
    line = bench.caught(method)
    assert line.startswith(f"fusion {method} (plugin {CHEATS}): built again under the same seed it has {what}")


def test_what_is_kept_however_late_it_is_used_meets_no_other_fold(bench: Bench) -> None:
    together = bench.run("patient", folds=3, training={"epochs": 4, "batch_size": 4})
    apart = bench.run("patient", folds=3, training={"epochs": 4, "batch_size": 4}, jobs=2, out=bench.out / "apart")
    logits = [[record.logits for record in each.methods[0].records] for each in (together, apart)]
    assert logits[0] == logits[1]
    (path,) = bench.out.glob("toy-*/patient-*/fold-2-seed-0.json")
    path.unlink()
    assert (
        bench.run("patient", folds=3, training={"epochs": 4, "batch_size": 4}).methods[0].records[2].logits
        == (logits[0][2])
    ), "a fold does not depend on those before it"


@pytest.mark.parametrize(
    "target",
    [
        "mmbench.execution.job.save_weights",
        "mmbench.training.metrics.score_all.__code__",
        "mmbench.data.batches.Stream.batch",
    ],
)
def test_the_host_is_left_as_it_is(bench: Bench, target: str) -> None:
    line = bench.caught(f"patcher[target={target}]")
    assert line.startswith(f"patcher[target={target}]: replaces {target} while it is trained or tested")
    *module, name = target.split(".")[:4]
    assert getattr(sys.modules[".".join(module)], name).__module__.startswith("mmbench."), "nor is it here"


def test_a_plugin_that_changes_the_host_when_it_is_imported_is_not_loaded(tmp_path: Path) -> None:
    before, path = mmbench.training.metrics.score_all, tmp_path / "patching.py"
    path.write_text(
        "import mmbench.training.metrics\nfrom mmbench import hookimpl\n"
        "mmbench.training.metrics.score_all = lambda *arguments: {}\n"
        "@hookimpl\ndef register_fusions(register): pass\n"
    )
    try:
        with pytest.raises(
            PluginError, match=r"patching\.py: replaces mmbench\.training\.metrics\.score_all when it is imported"
        ):
            load_registry((str(path),))
    finally:
        mmbench.training.metrics.score_all = before


def test_nothing_of_a_process_is_left_to_another_fold(bench: Bench) -> None:
    bench.run("switcher", folds=3)
    assert "SWITCHED" not in os.environ
    seen: dict[str, set[str]] = {}
    for line in (bench.out / "switches").read_text().splitlines():
        step, _, found = line.partition(" ")
        seen.setdefault(step, set()).add(found)
    assert len(seen) > 2
    assert all(len(found) == 1 for found in seen.values()), "each fold finds the same"


@pytest.mark.parametrize("over", ["all", "large", "short", "first", "memory", "small"])
def test_a_frozen_encoder_takes_no_notice_of_its_batch(bench: Bench, over: str) -> None:
    cache, dataset = bench.out / "cache", "toy[windows=6]"  # batches of 64, 64 and 16
    line = bench.caught("plain", f"normalising[over={over}]", dataset=dataset, cache=cache)
    assert line.startswith(f"encoder normalising of facts (plugin {CHEATS}): gives ")
    assert "other tokens in a batch with other instances" in line
    left = [path.name for path in cache.glob("tokens/*normalising*") if path.suffix != ".lock"]
    assert not left, "neither tokens nor blocks of them"


def test_an_encoder_that_adapts_to_all_folds_is_caught(bench: Bench) -> None:
    line = bench.caught("plain", "hoarder")
    assert line.startswith(
        f"encoder hoarder of facts (plugin {CHEATS}): built again under the same seed it has other st"
    )


@pytest.mark.parametrize(
    ("method", "encoder", "line"),
    [
        ("plain", "drifter", f"encoder drifter of facts (plugin {CHEATS}): changes its weights or buffers while it"),
        ("tester", "raw", f"fusion tester (plugin {CHEATS}): changes its weights or buffers while it predicts"),
        ("batcher", "raw", f"fusion batcher (plugin {CHEATS}): depends on the other samples of the batch"),
        ("ageing", "scaled", "the weights of the chosen epoch no longer give its logits"),
    ],
)
def test_nothing_is_learnt_where_it_is_tested(bench: Bench, method: str, encoder: str, line: str) -> None:
    assert line in bench.caught(method, encoder)


def test_a_frozen_encoder_keeps_nothing(bench: Bench) -> None:
    line = bench.caught("plain", "remembering")
    assert line.startswith(f"encoder remembering of facts (plugin {CHEATS}): gives other tokens for the same instances")
    assert not list(bench.cache.glob("tokens/*remembering*.h5"))


@pytest.mark.parametrize("method", ["plain", "own-bank", "normed"])
@pytest.mark.parametrize("encoder", ["scaled", "forgetting", "normalising[over=none]"])
def test_components_without_faults_pass(bench: Bench, method: str, encoder: str) -> None:
    assert len(bench.run(method, encoder).methods[0].records) == 2


@pytest.mark.parametrize("method", ["keeper", "opener[swallow=true]"])
def test_in_tuning_it_is_no_failed_trial(ready: Bench, method: str) -> None:
    ready.write("target", ready.prepared)
    options = {"data": ready.people, "cache": ready.cache, "out": ready.out, "plugins": (TOY, CHEATS)}
    for _ in range(4):  # and stays one, however often it is begun again
        with pytest.raises(PluginError, match=f"fusion {method[:6]}"):
            mmbench.tune(method, "toy", modalities=["facts"], folds=2, tune=1, training=QUICK, jobs=1, **options)
        load_plugin_file(CHEATS).Keeper.left.clear()
    assert not list(ready.out.glob("toy-*/*/tuning-*.json"))


def test_random_numbers_outside_are_left_alone(bench: Bench) -> None:
    def draw() -> tuple[float, float, float]:
        return random.random(), np.random.random(), float(torch.rand(1))  # noqa: NPY002

    def sow() -> None:
        random.seed(3)
        np.random.seed(3)  # noqa: NPY002
        torch.manual_seed(3)

    sow()
    expected = draw()
    sow()
    bench.run("plain", "scaled")
    assert draw() == expected


def test_from_the_shell_it_is_one_line(
    ready: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ready.write("target", ready.prepared)
    line = ["run", "opener[swallow=true]", "toy", "--modalities", "facts", "--encoder", "facts=raw", "--folds", "2"]
    line += ["--data", str(ready.people), "--out", str(ready.out), "--plugin", TOY, "--plugin", CHEATS, "--jobs", "1"]
    monkeypatch.setenv("MMBENCH_CACHE", str(ready.cache))
    monkeypatch.setattr(sys, "argv", ["mmbench", *line, "--training", "epochs=1"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    errors = [text for text in capsys.readouterr().err.splitlines() if text.startswith("mmbench: ")]
    assert len(errors) == 1
    assert f"fusion opener (plugin {CHEATS}): opens the prepared data" in errors[0]


def test_the_plugin_is_named_as_the_list_shows_it() -> None:
    registry = load_registry((TOY, CHEATS))
    assert registry.fusions["opener"].plugin == CHEATS
    assert not registry.failures
