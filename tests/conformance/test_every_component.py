"""Every dataset and everything of the plugins passes the conformance checks; the host's own do in ``builtin/``."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from mmbench import conformance
from mmbench.registry import load_registry


@conformance.parametrize("mmbench_milmer.plugin")
def test_milmer(check: conformance.Check) -> None:
    check()


@conformance.parametrize("mmbench_neuro.plugin")
def test_neuro(check: conformance.Check) -> None:
    check()


@conformance.parametrize("mmbench_balance.plugin")
def test_balance(check: conformance.Check) -> None:
    check()


def test_datasets(tmp_path: Path) -> None:
    outcomes = [check.run() for check in conformance.check_plugin("mmbench_datasets.plugin", cache=tmp_path)]
    assert {outcome.subject for outcome in outcomes} >= {"dataset deap", "dataset deap-sim", "dataset mfeat"}
    assert [outcome for outcome in outcomes if not outcome.ok] == []
    unread = {outcome.subject for outcome in outcomes if outcome.skipped}
    gated = {"amigos", "deap", "dreamer", "eav", "mahnob-hci", "seed-iv", "seed-v"}
    others = {"cremad", "eegmat", "fsdd", "image-folder", "mm-imdb", "mmsa", "mosi", "ravdess", "stress-predict"}
    others |= {"utd-mhad", "wesad"}
    others |= set() if find_spec("moabb") else {"moabb"}
    assert unread == {f"dataset {name}" for name in gated | others}, "the others bring their own files"


@pytest.mark.parametrize(
    ("name", "subjects"),
    [("cremad", 1), ("eav", 1), ("fsdd", 1), ("mm-imdb", 1), ("mmsa", 3), ("mosi", 2), ("ravdess", 1), ("utd-mhad", 1)],
)
def test_simulated_files(tmp_path: Path, name: str, subjects: int) -> None:
    registry = load_registry()
    registry.find("datasets", name).component().simulate(tmp_path, subjects=subjects)
    checks = conformance.check_plugin("mmbench_datasets.plugin", roots={name: tmp_path})
    outcomes = [check.run() for check in checks if check.subject == f"dataset {name}"]
    assert len(outcomes) > 8
    assert [outcome for outcome in outcomes if not outcome.ok or outcome.skipped] == []


@pytest.mark.shared
@pytest.mark.parametrize("name", ["eegmat", "fsdd", "mosi", "stress-predict", "utd-mhad"])
def test_real_recordings(shared: Path, name: str) -> None:
    checks = conformance.check_plugin("mmbench_datasets.plugin", roots={name: shared / name})
    outcomes = [check.run() for check in checks if check.subject == f"dataset {name}"]
    assert len(outcomes) > 8
    assert [outcome for outcome in outcomes if not outcome.ok or outcome.skipped] == []
