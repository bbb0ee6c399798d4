"""Stratified folds: whole groups, and nearly the proportions of classes, labels and values in every part."""

import numpy as np
import pytest

from mmbench.data.splits.by_protocol import SampleIndex, make_split
from mmbench.data.splits.classes import find_missing_classes, indicate_bins, indicate_classes
from mmbench.data.splits.protocols import PROTOCOLS, parse_protocol


def uneven(seed: int, n_groups: int = 40) -> tuple[SampleIndex, np.ndarray]:
    """Groups of 5 to 30 samples, each with class frequencies of its own."""
    random = np.random.default_rng(seed)
    sizes = random.integers(5, 30, n_groups)
    of = np.repeat(np.arange(n_groups), sizes)
    frequencies = random.dirichlet((0.5, 0.3, 0.1), n_groups)
    labels = np.array([random.choice(3, p=frequencies[group]) for group in of])
    ids = np.array([f"{at:04d}" for at in range(len(of))])
    groups = {"subject": np.array([f"s{group:02d}" for group in of])}
    return SampleIndex(ids, groups, np.full((len(of), 2), np.nan), None, labels), labels


def deviation(folds: list[np.ndarray], has: np.ndarray) -> float:
    """The mean difference between the proportions of a test part and of the whole."""
    return float(np.mean([np.abs(has[rows].mean(axis=0) - has.mean(axis=0)).mean() for rows in folds]))


def cut_tests(index: SampleIndex, name: str, strata: np.ndarray | None) -> list[np.ndarray]:
    stratified = SampleIndex(index.ids, index.groups, index.spans, None, index.labels, strata)
    return [fold.test for fold in make_split(stratified, parse_protocol(name)).folds]


@pytest.mark.parametrize("seed", range(4))
def test_classes_are_balanced_as_well_as_by_scikit_learn(seed: int) -> None:
    from sklearn.model_selection import StratifiedGroupKFold

    index, labels = uneven(seed)
    has = indicate_classes(labels)
    ours, plain = cut_tests(index, "subject", has), cut_tests(index, "subject", None)
    theirs = [test for _, test in StratifiedGroupKFold(5).split(labels, labels, index.groups["subject"])]
    assert deviation(ours, has) < 0.5 * deviation(plain, has)
    assert deviation(ours, has) < 1.5 * deviation(theirs, has) + 0.005
    sizes = [len(rows) for rows in ours]
    assert max(sizes) < 1.3 * min(sizes)


def test_labels_that_overlap_and_values_are_balanced() -> None:
    index, _ = uneven(0)
    random = np.random.default_rng(0)
    of = np.unique(index.groups["subject"], return_inverse=True)[1]
    labels = (random.random((len(of), 4)) < random.beta(0.4, 1.0, (40, 4))[of]).astype(np.int64)
    values = random.normal(size=(40, 1))[of] + 0.5 * random.normal(size=(len(of), 1))
    for has in (indicate_classes(labels), indicate_bins(values)):
        ours, plain = (cut_tests(index, "group:subject", strata) for strata in (has, None))
        assert deviation(ours, has) < 0.6 * deviation(plain, has)


def test_validation_is_balanced_where_tests_are_single_groups() -> None:
    index, labels = uneven(1)
    has = indicate_classes(labels)
    stratified = SampleIndex(index.ids, index.groups, index.spans, None, labels, has)
    folds = make_split(stratified, PROTOCOLS["loso"]).folds
    plain = make_split(index, PROTOCOLS["loso"]).folds
    assert [fold.name for fold in folds] == [fold.name for fold in plain]
    assert all(np.array_equal(one.test, other.test) for one, other in zip(folds, plain, strict=True))
    validations = [[fold.validation for fold in each] for each in (folds, plain)]
    assert deviation(validations[0], has) < 0.6 * deviation(validations[1], has)
    shares = [len(fold.validation) / (len(fold.validation) + len(fold.train)) for fold in folds]
    assert 0.15 < min(shares) <= max(shares) < 0.25


def test_no_part_is_empty_with_as_many_parts_as_groups() -> None:
    sizes = [50, 1, 1]
    of = np.repeat(["a", "b", "c"], sizes)
    index = SampleIndex(
        np.array([f"{at}" for at in range(52)]),
        {"subject": of},
        np.full((52, 2), np.nan),
        None,
        np.zeros(52, dtype=int),
    )
    tests = cut_tests(index, "subject", np.ones((52, 1), dtype=bool))
    assert sorted(map(len, tests)) == [1, 1, 50]


def test_a_label_that_no_sample_of_a_part_has_is_counted() -> None:
    index, _ = uneven(0)
    labels = np.zeros((len(index.ids), 2), dtype=np.int64)
    labels[:, 0] = 1
    labels[index.groups["subject"] == "s00", 1] = 1
    folds = make_split(SampleIndex(index.ids, index.groups, index.spans, None, labels), PROTOCOLS["subject"]).folds
    missing = find_missing_classes(folds, labels, (0, 1))
    assert missing["train"][1] + missing["validation"][1] == 6, "one person has it, who is in one part of each fold"
    assert 0 not in missing["train"]


def test_bins_have_equal_numbers_of_samples() -> None:
    bins = indicate_bins(np.random.default_rng(0).normal(size=(100, 2)))
    assert bins.shape == (100, 10)
    assert bins.sum(axis=0).tolist() == [20] * 10
    assert indicate_bins(np.zeros((4, 1))).sum() == 4, "equal values are in one bin"
