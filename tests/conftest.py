import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mmbench.registry.methods
from mmbench.registry.plugins import load_registry
from mmbench.registry.settings import RunSettings
from mmbench.results.diagnosis.predictions import Diagnosis
from mmbench.results.records import Record, record_path, write_record
from mmbench.training.metrics import score_all
from mmbench.tuning.results import FoldTuning, TuningTrial

REPOSITORY = Path(__file__).parents[1]


SLOW = frozenset((Path(__file__).with_name("slow.txt")).read_text(encoding="utf-8").split())
"""Names of test functions, written by benchmarks/slow_tests.py."""


@pytest.hookimpl(tryfirst=True)  # before ``-m`` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests."""
    for item in items:
        if item.nodeid.partition("[")[0] in SLOW:
            item.add_marker(pytest.mark.slow)


def _shared_folder() -> Path:
    return Path(os.environ.get("MMBENCH_SHARED", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real recordings; the test is skipped where there is none."""
    folder = _shared_folder()
    if not folder.is_dir():
        pytest.skip("the real recordings are not here (set MMBENCH_SHARED)")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _one_seed() -> Iterator[None]:
    """What is not about seeds trains with one: three, the default, take three times as long and show no more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunSettings.__dataclass_fields__["seeds"], "default", 1)
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_baselines() -> Iterator[None]:
    """What is not about baselines trains the method alone: those of ``auto`` take much longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmbench.registry.methods, "auto_baselines", lambda reads, offered: ())
        yield


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests never read or fill the user's cache."""
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def toy_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of six people, as the toy dataset simulates them."""
    root = tmp_path_factory.mktemp("people")
    toy = str(Path(__file__).parent / "plugins" / "toy_plugin.py")
    load_registry((toy,)).find("datasets", "toy").component().simulate(root, subjects=6, trials=4)
    return root


@pytest.fixture(scope="session")
def widest() -> Callable[[str], int]:
    """Counts the columns that a table takes, but for the path at its end, which is to be copied and may be longer."""
    return count_columns


def count_columns(table: str) -> int:
    return max(len(line) for line in table.splitlines() if not line.startswith(("records: ", "audit: ")))


@pytest.fixture
def opened() -> Callable[[str], AbstractContextManager[Any]]:
    """Opens Optuna's storage as any of its tools would, and closes it again."""
    return open_storage


@contextmanager
def open_storage(url: str) -> Iterator[Any]:
    from optuna.storages import RDBStorage

    storage = RDBStorage(url)
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


@pytest.fixture(scope="session")
def write_comparison() -> Callable[..., Path]:
    """Writes the records of a comparison that nobody ran, and gives the path of its file."""
    return _write_comparison


def _write_comparison(
    home: Path,
    names: Sequence[str] = ("first", "second"),
    classes: Sequence[str] = ("no", "yes"),
    absent: Sequence[int] = (),
    n_units: int = 8,
    tuned: bool = True,
    diagnosed: bool = True,
    **about: Any,
) -> Path:
    """Two folds of one seed: method number m is right in a share of the samples that falls with m.

    ``absent`` are classes that no sample has; ``about`` is what else, or otherwise, the records say of the run.
    """
    random = np.random.default_rng(0)
    there = [at for at in range(len(classes)) if at not in absent]
    units = [f"s{at}" for at in range(n_units) for _ in range(12)]
    labels = [there[at % len(there)] for at in range(len(units))]
    for number, name in enumerate(names):
        folder = home / f"run{number}"
        run = {**_described(name, list(classes)), **about}
        for fold in range(2):
            mine = [at for at, unit in enumerate(units) if int(unit[1:]) % 2 == fold]
            parts = [labels[at] for at in mine], [units[at] for at in mine]
            record = _make_record(run, str(fold), *parts, 0.9 - 0.1 * number, random, tuned, diagnosed)
            write_record(record_path(folder, str(fold), 0), record)
    path = home / "comparison-0.json"
    listed = {"runs": [f"run{number}" for number in range(len(names))], "seeds": 1}
    path.write_text(json.dumps({**listed, "command": "mmbench run first made --data DIR"}))
    return path


@pytest.fixture(scope="session")
def write_suite_results(write_comparison: Callable[..., Path]) -> Callable[..., Path]:
    """Writes the results of a suite that nobody ran: one comparison for each dataset, and the file that lists them."""
    from mmbench.storage.hashing import digest
    from mmbench.workflows.suites.results import ListedDataset, SuiteFile

    def write(
        home: Path,
        datasets: Mapping[str, Sequence[str]],
        methods: Sequence[str] = ("first", "second", "third"),
        absent: Mapping[str, tuple[str, str]] | None = None,
        not_applicable: Mapping[str, Mapping[str, str]] | None = None,
        **about: Any,
    ) -> Path:
        """``datasets`` are the methods of each, the best first; ``absent`` the state and the reason of others."""
        settings = {"protocol": "subject", "task": "side", "metric": "balanced_accuracy"}
        names = [*datasets, *(absent or {})]
        content = {"name": "made", "version": 1, "datasets": {name: {**settings, "dataset": name} for name in names}}
        listed = []
        for name, best_first in datasets.items():
            path = write_comparison(home / name, best_first, dataset=name, **about)
            _put_first(path, [best_first.index(each) for each in methods if each in best_first])
            reasons = (not_applicable or {}).get(name, {})
            listed.append(ListedDataset(name, "run", "", f"{name}/{path.name}", reasons))
        listed += [ListedDataset(name, state, why, "", {}) for name, (state, why) in (absent or {}).items()]
        command = f"mmbench suite run made.toml --methods {','.join(methods)}"
        return SuiteFile(content, digest(content), "Made up", command, tuple(methods), ()).update(home, listed)

    return write


def _put_first(path: Path, order: Sequence[int]) -> None:
    """List the runs of a comparison in the order of the suite's methods."""
    plain = json.loads(path.read_text())
    path.write_text(json.dumps({**plain, "runs": [f"run{at}" for at in order]}))


def _described(name: str, classes: list[str]) -> dict[str, Any]:
    encoders = {modality: {"name": "raw", "params": {}} for modality in ("left", "right")}
    shared = ("dataset", "prepared", "task", "fingerprint", "unit", "device", "key")
    return {
        **dict(zip(shared, ("made", "0" * 64, "side", "f" * 12, "subject", "cpu", "k" * 64), strict=True)),
        "method": name,
        "protocol": "subject",
        "standardize": "train",
        "classes": classes,
        "folds": 2,
        "dropped": 0,
        "offered": ["left", "right"],
        "modalities": ["left", "right"],
        "fusion": {"name": "concat", "params": {"dim": 8}},
        "encoders": encoders,
        "straddling": {"trial": 0.25},
        "own_encoders": False,
        "card": {"access": "simulated", "title": "Made up"},
        "training": {"epochs": 4, "patience": 4},
        "units": None,
        "preset": None,
    }


def _make_record(
    run: dict[str, Any], fold: str, labels: list[int], units: list[str], skill: float, random: Any, *what: bool
) -> Record:
    n, n_classes = len(labels), len(run["classes"])
    logits = _guess(labels, n_classes, skill, random)
    tuning = _make_tuning(fold, skill) if what[0] else None
    return Record(
        run={**run, "tuning": {"trials": 3, "seconds": None, "scope": "fold"}} if tuning else run,
        fold=fold,
        seed=0,
        ids=tuple(f"{unit}-{at}" for at, unit in enumerate(units)),
        labels=tuple(labels),
        units=tuple(units),
        logits=tuple(map(tuple, logits.tolist())),
        scores=_score_epochs(np.array(labels), logits.argmax(axis=1), n_classes),
        epochs={"chosen": 1, "last": 3, "oracle": 2},
        history=tuple(
            {"train_loss": 1.0, "validation_loss": 1.0, "validation_score": 0.7 - abs(at - 1) / 10} for at in range(4)
        ),
        parameters={"total": 1000, "trainable": 1000},
        seconds=1.5,
        environment={"python": "3.11", "platform": "nowhere", "packages": {"mmbench": "0.1.0"}},
        tuning=tuning,
        diagnosis=_make_diagnosis(n, n_classes, random) if what[1] else None,
        cost={"flops": 2000, "latency_ms": 0.5, "peak_bytes": 10**6, "train_seconds": 0.7},
    )


def _score_epochs(labels: Any, chosen: Any, n_classes: int) -> dict[str, Any]:
    """The chosen epoch; a last one that gets one more sample wrong, and an oracle that gets one more right."""
    hits = np.flatnonzero(chosen == labels)
    last, oracle = chosen.copy(), chosen.copy()
    last[hits[:1]] = (labels[hits[:1]] + 1) % n_classes
    oracle[np.flatnonzero(chosen != labels)[:1]] = labels[chosen != labels][:1]
    parts = {"chosen": chosen, "last": last, "oracle": oracle}
    return {name: score_all(labels, part, n_classes) for name, part in parts.items()}


def _guess(labels: list[int], n_classes: int, skill: float, random: Any) -> Any:
    logits = random.normal(size=(len(labels), n_classes))
    right = random.random(len(labels)) < skill
    logits[np.flatnonzero(right), np.asarray(labels)[right]] += 4
    return logits


def _make_tuning(fold: str, skill: float) -> dict[str, Any]:
    scores = (skill - 0.1, skill - 0.2, skill)
    trials = tuple(TuningTrial(at, {"lr": 0.1}, "complete", score, 1.0, 0, 4, 0.1) for at, score in enumerate(scores))
    return json.loads(json.dumps(FoldTuning(fold, "study", trials).to_plain()))


def _make_diagnosis(n: int, n_classes: int, random: Any) -> dict[str, Any]:
    def draw() -> Any:
        return random.integers(0, n_classes, n)

    subsets = {"00": np.zeros(n, dtype=np.int64), "01": draw(), "10": draw()}
    shuffled = {"left": (draw(),), "right": (draw(),)}
    left_out = {"left": "not requested", "right": "not requested"}
    return Diagnosis(("left", "right"), subsets, shuffled, {}, {}, left_out).to_plain()
