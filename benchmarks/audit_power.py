"""Detection and false-positive rates of the audit, on clean data and on data with injected leaks.

``python benchmarks/audit_power.py --draws 100`` prints the table of docs/explanation/leaks.md: rows of clean data, then
of leaks. Columns are shares of draws in which the audit reports that a protocol leaks by near-duplicates, by mixtures
of samples or by missing inputs, or warns that subjects may be one person. The control with randomly assigned labels is
measured in ``tests/workflows/audit/test_randomised_control.py``. Each draw takes 400 samples, or three quarters of the
people, and other folds; in draws with leaks labels are random, so that only a leak predicts them. ``--data DIR`` adds
the recordings in its folders eegmat and stress-predict.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.data.dataset_files import default_cache_folder
from mmbench.data.splits.folds import make_folds
from mmbench.data.splits.protocols import PROTOCOLS
from mmbench.workflows.audit.audited_data import load_audited_data, resolve_protocols
from mmbench.workflows.audit.copied_samples import find_copied_samples, make_feature_space
from mmbench.workflows.audit.findings import MARGIN
from mmbench.workflows.audit.merged_subjects import find_merged_subjects
from mmbench.workflows.audit.missingness import probe_missingness
from mmbench.workflows.audit.random_labels import Samples, find_label_units
from mmbench.workflows.request import RunSpec

Index = NDArray[np.int64]
Random = np.random.Generator
N_SAMPLES = 400


@dataclass(frozen=True)
class Data:
    """Features ``(n, D)`` by modality, class indices ``(n,)``, people ``(n,)``; None without people."""

    features: Mapping[str, NDArray[np.float32]]
    labels: Index
    people: NDArray[np.str_] | None
    is_vector: bool

    def at(self, rows: Index) -> "Data":
        """The samples of these rows."""
        people = None if self.people is None else self.people[rows]
        return Data({name: x[rows] for name, x in self.features.items()}, self.labels[rows], people, self.is_vector)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", default="", help="only rows whose name contains this text")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'':74s}{'draws':>5s}  {'near':>5s}  mixed  missing  merged")
    for name, each, put in _rows(dict(_read_all(options.data))):
        if options.rows in name:
            print(_row(name, each, put, options.draws), flush=True)


def _rows(data: Mapping[str, Data]) -> Iterator[tuple[str, Data, Callable[[Data, Random], Data]]]:
    for name, each in data.items():
        yield f"{name}, as it is", each, _unchanged
        yield f"{name}, absent by person or at random", each, _drop_at_random
    for name, each in data.items():
        for leak, (put, needs) in LEAKS.items():
            if "features" not in name and needs(each):
                yield f"{name}, {leak}", each, put


def _unchanged(data: Data, random: Random) -> Data:
    return data


def _read_all(folder: Path | None) -> Iterator[tuple[str, Data]]:
    random = np.random.default_rng(0)
    normal = random.normal(size=(2000, 20))
    yield "5 normal features", _make_data(normal[:, :5])
    yield "20 normal features", _make_data(normal)
    yield "10 features, t with 3 degrees of freedom", _make_data(random.standard_t(3, size=(2000, 10)))
    yield "20 features of 4 sources", _make_data(np.tanh(normal[:, :4] @ random.normal(size=(4, 20))) + 0.05 * normal)
    yield "mfeat without its 6 copies", _without_copies(_read("mfeat", None))
    for name in ("eegmat", "stress-predict"):
        if folder and (folder / name).is_dir():
            yield name, _read(name, folder / name)


def _without_copies(data: Data) -> Data:
    """Without exact copies: `mfeat` contains six digits twice."""
    _, first = np.unique(np.concatenate(list(data.features.values()), axis=1), axis=0, return_index=True)
    return data.at(np.sort(first))


def _make_data(x: NDArray[np.float64]) -> Data:
    return Data({"one": x[:, ::2].astype(np.float32), "other": x[:, 1::2].astype(np.float32)}, _signs(x), None, True)


def _signs(x: NDArray[np.float64]) -> Index:
    return (x[:, 0] > 0).astype(np.int64)


def _read(name: str, folder: Path | None) -> Data:
    cache = default_cache_folder()
    spec = RunSpec("concat", name, data=folder, cache=cache, out=cache / "audit-power", jobs=1)
    case, _ = load_audited_data(*resolve_protocols(spec))
    features = {modality: shown.x for modality, shown in case.plain.items()}
    return Data(features, case.samples.labels, case.samples.groups.get("subject"), bool(case.vectors))


def _row(name: str, data: Data, put: Callable[[Data, Random], Data], draws: int) -> str:
    found = np.array([_audit(put(_sample(data, random), random), random) for random in _randoms(draws)])
    shares = "  ".join(f"{share:5.2f}" for share in found.mean(axis=0))
    return f"{name:74s} {draws:4d}  {shares}"


def _randoms(draws: int) -> Iterator[Random]:
    for draw in range(draws):
        yield np.random.default_rng(draw)


def _sample(data: Data, random: Random) -> Data:
    if data.people is None:
        return data.at(random.choice(len(data.labels), N_SAMPLES, replace=False))
    people = random.permutation(np.unique(data.people))
    chosen = people[: max(2, len(people) * 3 // 4)]
    return data.at(np.flatnonzero(np.isin(data.people, chosen)))


def _audit(data: Data, random: Random) -> tuple[bool, bool, bool, bool]:
    """Whether the audit reports near-duplicates, mixtures, informative missing inputs, and merged subjects."""
    n = len(data.labels)
    ids = random.permutation([f"{at:05d}" for at in range(n)])  # other folds in each draw
    groups = {} if data.people is None else {"subject": data.people}
    samples = Samples(ids, data.labels, groups, np.full((n, 2), np.nan))
    folds = make_folds(ids, groups, PROTOCOLS["subject" if groups else "pooled-segment"])
    recordings = None if data.people is None else np.unique(data.people, return_inverse=True)[1]
    space = make_feature_space(data.features, data.labels, recordings, data.is_vector)
    alike = find_copied_samples(space, folds, 0.0)
    present = {name: ~np.isnan(x[:, :1]) for name, x in data.features.items()}
    n_classes = int(data.labels.max()) + 1
    missing = probe_missingness(present, data.labels, find_label_units(samples, n_classes), folds, n_classes)
    merged = find_merged_subjects(space.x[space.whole], data.people[space.whole]) if data.people is not None else []
    return (
        (alike.near or 0.0) >= MARGIN,
        (alike.mixed or 0.0) >= MARGIN,
        missing is not None and missing.predicts_label,
        bool(merged),
    )


def _drop_at_random(data: Data, random: Random) -> Data:
    """One modality is missing for half of the people or samples, independent of the labels."""
    of = np.arange(len(data.labels)) if data.people is None else np.unique(data.people, return_inverse=True)[1]
    return _without(data, (random.random(of.max() + 1) < 0.5)[of])


def _without(data: Data, rows: NDArray[np.bool_]) -> Data:
    first = sorted(data.features)[0]
    x = data.features[first].copy()
    x[rows] = np.nan
    return replace(data, features={**data.features, first: x})


def _randomise_labels(data: Data, random: Random) -> Data:
    return replace(data, labels=random.integers(0, 2, len(data.labels)))


def _joined(data: Data, more: Data) -> Data:
    features = {name: np.concatenate([x, more.features[name]]) for name, x in data.features.items()}
    people = None if data.people is None or more.people is None else np.concatenate([data.people, more.people])
    return Data(features, np.concatenate([data.labels, more.labels]), people, data.is_vector)


def copy_with_noise(noise: float, share: float) -> Callable[[Data, Random], Data]:
    """Add copies of a share of the samples, with noise of ``noise`` standard deviations, and their labels."""

    def put(data: Data, random: Random) -> Data:
        data = _randomise_labels(replace(data, people=None), random)
        chosen = data.at(random.choice(len(data.labels), int(share * len(data.labels)), replace=False))
        off = {
            name: (x + noise * data.features[name].std(axis=0) * random.normal(size=x.shape)).astype(np.float32)
            for name, x in chosen.features.items()
        }
        return _joined(data, replace(chosen, features=off))

    return put


def mix_neighbours(data: Data, random: Random) -> Data:
    """Add half as many samples, each between a sample and one of its five neighbours of the same class (SMOTE)."""
    data = _randomise_labels(data, random)
    space = make_feature_space(data.features, data.labels, None, is_vector=True).x
    apart = np.linalg.norm(space[:, None] - space[None], axis=2)
    apart[data.labels[:, None] != data.labels[None]] = np.inf
    near = np.argsort(apart, axis=1)[:, 1:6]
    ones = random.choice(len(data.labels), len(data.labels) // 2)
    others, part = near[ones, random.integers(0, 5, len(ones))], random.random((len(ones), 1))
    mixed = {name: (x[ones] + part * (x[others] - x[ones])).astype(np.float32) for name, x in data.features.items()}
    return _joined(data, Data(mixed, data.labels[ones], None, data.is_vector))


def drop_by_class(likely: float) -> Callable[[Data, Random], Data]:
    """One modality is missing with this probability in one class, and with 1 minus it in the other."""

    def put(data: Data, random: Random) -> Data:
        data = _randomise_labels(data, random)
        return _without(data, random.random(len(data.labels)) < np.where(data.labels == 0, likely, 1 - likely))

    return put


def split_people(data: Data, random: Random) -> Data:
    """Divide the windows of every person at random into two subjects."""
    assert data.people is not None
    suffix = random.integers(0, 2, len(data.labels)).astype(str)
    return replace(data, people=np.char.add(np.char.add(data.people, "/"), suffix))


def select_features(data: Data, random: Random) -> Data:
    """Of 2,000 features of noise, the 20 that correlate most with all labels."""
    data = _randomise_labels(data, random)
    x = random.normal(size=(len(data.labels), 2000)).astype(np.float32)
    gap = x[data.labels == 1].mean(axis=0) - x[data.labels == 0].mean(axis=0)
    return replace(data, features={"selected": x[:, np.argsort(-np.abs(gap))[:20]]})


def _always(data: Data) -> bool:
    return True


def _is_vector(data: Data) -> bool:
    return data.is_vector


def _has_people(data: Data) -> bool:
    return data.people is not None


LEAKS: Mapping[str, tuple[Callable[[Data, Random], Data], Callable[[Data], bool]]] = {
    **{
        f"copies with noise of {noise} sd, 30 %": (copy_with_noise(noise, 0.3), _always)
        for noise in (0.05, 0.1, 0.2, 0.3)
    },
    "copies with noise of 0.1 sd, 5 %": (copy_with_noise(0.1, 0.05), _always),
    "SMOTE before the split": (mix_neighbours, _is_vector),
    "a modality absent in 95 % of one class": (drop_by_class(0.95), _always),
    "a modality absent in 60 % of one class": (drop_by_class(0.6), _always),
    "people split into two subjects": (split_people, _has_people),
    "features selected on all labels": (select_features, _is_vector),
}

if __name__ == "__main__":
    main()
