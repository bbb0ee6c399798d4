"""The canaries hold for trainers: one that cheats is named, and nothing that it keeps reaches another fold."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmbench
from mmbench.data.store import Store
from mmbench.errors import PluginError
from mmbench.registry import code_digest, load_registry
from mmbench.results.loading import compare

HERE = Path(__file__).parents[1] / "plugins"
TOY, CHEATS, TRAINERS = (str(HERE / name) for name in ("toy_plugin.py", "cheating_plugin.py", "cheating_trainers.py"))


class Bench:
    """Runs of a fusion that does not cheat on the toy dataset's facts."""

    def __init__(self, people: Path, out: Path) -> None:
        self.people, self.out = people, out

    def run(self, trainer: str | None, method: str = "plain", **options: Any) -> Any:
        options = {
            "data": self.people,
            "cache": self.out / "cache",
            "out": self.out,
            "modalities": ["facts"],
            "encoders": {"facts": "raw"},
            "folds": 2,
            "jobs": 1,
            "training": {"epochs": 3, "batch_size": 8},
            "plugins": (TOY, CHEATS, TRAINERS),
            **options,
        }
        return mmbench.run(method, "toy", (), trainer=trainer, **options)

    def caught(self, trainer: str) -> str:
        """The line of the PluginError, after a look that no record was left."""
        with pytest.raises(PluginError) as error:
            self.run(trainer)
        assert not list(self.out.glob("*/*/fold-*"))
        return error.value.line

    def store(self) -> Store:
        (path,) = self.out.glob("cache/prepared/toy-*.h5")
        return Store(path)


@pytest.fixture
def bench(toy_people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("CHEAT", str(tmp_path))
    return Bench(toy_people, tmp_path)


def test_one_that_does_not_cheat_gives_the_bits_of_the_host(bench: Bench) -> None:
    one, other = (bench.run(trainer).methods[0] for trainer in (None, "honest"))
    assert one.folder != other.folder
    pairs = zip(one.records, other.records, strict=True)
    assert all(a.logits == b.logits and a.history == b.history for a, b in pairs)


def test_it_finds_no_label_of_the_test_part(bench: Bench) -> None:
    (honest,) = bench.run("honest").methods
    store = bench.store()
    (bench.out / "n").write_text(str(len(store)))
    bench.run("searching")
    found, labels = np.load(bench.out / "found.npy"), store.labels("side")
    row_of = {sample: row for row, sample in enumerate(store.ids.tolist())}
    tested = [row_of[sample] for sample in honest.records[0].ids]  # the first fold looks first
    others = np.delete(np.arange(len(store)), tested)
    assert any(np.array_equal(array[others], labels[others]) for array in found), "what may be known is found"
    assert not any(np.array_equal(array[tested], labels[tested]) for array in found)


def test_the_prepared_data_are_closed(bench: Bench) -> None:
    bench.run("honest", out=bench.out / "earlier")
    (bench.out / "target").write_text(str(bench.store().path))
    line = bench.caught("opening")
    assert line.startswith(
        f"trainer opening (plugin {TRAINERS}): opens the prepared data while it is trained or tested"
    )


def test_what_it_keeps_meets_no_other_fold(bench: Bench) -> None:
    (honest,) = bench.run("honest", folds=3).methods
    (keeping,) = bench.run("starting", folds=3).methods
    assert (bench.out / "starts").read_text().split() == ["0", "0", "0"]
    assert [record.logits for record in honest.records] == [record.logits for record in keeping.records]


@pytest.mark.parametrize(
    ("what", "problem"),
    [("hook", "leaves a network that gives other outputs when its weights are restored"), ("layer", "adds or removes")],
)
def test_it_leaves_nothing_but_weights(bench: Bench, what: str, problem: str) -> None:
    assert bench.caught(f"hooking[what={what}]").startswith(f"trainer hooking (plugin {TRAINERS}): {problem}")


def test_the_host_is_left_as_it_is(bench: Bench) -> None:
    assert "replaces mmbench.execution.job.save_weights" in bench.caught("patching")


def test_its_declared_space_is_tuned_and_a_second_run_trains_nothing(bench: Bench) -> None:
    first = bench.run("stepping", tune=2)
    paths = sorted(bench.out.glob("toy-*/plain-*/fold-*.json"))
    before = {path: path.stat().st_mtime_ns for path in paths}
    chosen = [json.loads(path.read_text())["tuning"]["chosen"] for path in paths]
    assert all(params["trainer.rate"] in (0.1, 0.2) for params in chosen)
    again = bench.run("stepping", tune=2)
    assert {path: path.stat().st_mtime_ns for path in paths} == before
    assert first.methods[0].score == again.methods[0].score


def test_the_record_names_it_with_its_version(bench: Bench) -> None:
    (method,) = bench.run("stepping[rate=0.2]").methods
    cls = load_registry((TRAINERS,)).trainers["stepping"].component
    trainer = method.run["trainer"]
    assert (trainer["name"], trainer["params"]) == ("stepping", {"rate": 0.2})
    assert (trainer["version"], trainer["code"]) == (cls.version, code_digest(cls))


def test_trainers_that_differ_are_in_the_names_of_runs(bench: Bench) -> None:
    for trainer in (None, "stepping"):
        bench.run(trainer)
    (folder,) = bench.out.glob("toy-*")
    found = compare(folder, sorted(folder.glob("plain-*")))
    assert {method.name for method in found.methods} == {"plain (trainer=adamw)", "plain (trainer=stepping[rate=0.1])"}
