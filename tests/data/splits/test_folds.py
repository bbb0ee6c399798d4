"""Folds are cut from ids and groups, by labels only where a part lacks a class; what must stay whole is on one side."""

from collections import Counter
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench import ProtocolError, Schema
from mmbench.data.splits.classes import find_missing_classes, missing_class_lines
from mmbench.data.splits.fold import Fold, split_fingerprint
from mmbench.data.splits.folds import make_folds
from mmbench.data.splits.protocols import PROTOCOLS, default_protocol, find_protocol

ALL = sorted({*PROTOCOLS} - {"official", "time", "session"})
BOTH = Schema((), {"task": ("a", "b")}, ("subject", "trial"))


class People:
    """Samples of some subjects, each a list of trials with so many windows; trials have the same names in each."""

    def __init__(self, sizes: list[list[int]], order_seed: int | None = None, first: int = 0) -> None:
        rows = [
            (f"s{subject + first}", f"t{trial}", window)
            for subject, trials in enumerate(sizes)
            for trial, windows in enumerate(trials)
            for window in range(windows)
        ]
        if order_seed is not None:
            rows = [rows[index] for index in np.random.default_rng(order_seed).permutation(len(rows))]
        self.ids = np.array([f"{subject}/{trial}/{window}" for subject, trial, window in rows])
        self.groups = {
            "subject": np.array([subject for subject, _, _ in rows]),
            "trial": np.array([trial for _, trial, _ in rows]),
        }

    def folds(self, protocol: str, n_folds: int = 3, seed: int = 0) -> list[Fold]:
        return make_folds(self.ids, self.groups, PROTOCOLS[protocol], n_folds, seed)

    def named(self, folds: list[Fold]) -> dict[str, tuple[frozenset[str], ...]]:
        return {fold.name: tuple(frozenset(self.ids[rows].tolist()) for rows in parts(fold)) for fold in folds}

    def whole(self, protocol: str) -> np.ndarray:
        """What may not be torn apart."""
        group = PROTOCOLS[protocol].whole
        if group is None:
            return self.ids
        if group == "subject":
            return self.groups["subject"]
        return np.array([f"{s}|{t}" for s, t in zip(self.groups["subject"], self.groups["trial"], strict=True)])


def parts(fold: Fold) -> tuple[np.ndarray, ...]:
    return fold.train, fold.validation, fold.test


SIZES = st.lists(st.lists(st.integers(1, 3), min_size=4, max_size=7), min_size=4, max_size=7)
quick = settings(deadline=None, max_examples=40)


@pytest.mark.parametrize("protocol", ALL)
@quick
@given(sizes=SIZES, n_folds=st.integers(2, 8), seed=st.integers(0, 5), order=st.integers(0, 5))
def test_parts_share_nothing_and_make_up_the_whole(protocol, sizes, n_folds, seed, order) -> None:
    people = People(sizes, order)
    folds = people.folds(protocol, n_folds, seed)
    tested = Counter(row for fold in folds for row in fold.test.tolist())
    assert tested == Counter(range(len(people.ids)))
    whole = people.whole(protocol)
    for fold in folds:
        assert all(len(part) and (np.diff(part) > 0).all() for part in parts(fold))
        sides = [set(whole[part].tolist()) for part in parts(fold)]
        assert sum(map(len, sides)) == len(set.union(*sides))
        rows = np.concatenate(parts(fold))
        subject = people.groups["subject"]
        scope = subject == subject[fold.test[0]] if PROTOCOLS[protocol].per_subject else np.full(len(subject), True)
        assert sorted(rows.tolist()) == np.flatnonzero(scope).tolist()
    assert len({fold.name for fold in folds}) == len(folds)


@pytest.mark.parametrize("protocol", ALL)
@quick
@given(sizes=SIZES, order=st.integers(0, 100))
def test_the_order_of_samples_does_not_matter(protocol, sizes, order) -> None:
    people, shuffled = People(sizes), People(sizes, order)
    folds, again = people.folds(protocol), shuffled.folds(protocol)
    assert people.named(folds) == shuffled.named(again)
    assert split_fingerprint(folds, people.ids) == split_fingerprint(again, shuffled.ids)


@pytest.mark.parametrize("protocol", [name for name in ALL if PROTOCOLS[name].per_subject])
@quick
@given(sizes=SIZES, more=st.lists(st.integers(1, 3), min_size=4, max_size=7))
def test_another_subject_leaves_the_folds_of_each_alone(protocol, sizes, more) -> None:
    people = People(sizes, first=1)
    before = people.named(people.folds(protocol))
    for grown in (People([*sizes, more], first=1), People([more, *sizes])):
        after = grown.named(grown.folds(protocol))
        assert len(after) > len(before)
        assert {name: after[name] for name in before} == before


@quick
@given(sizes=SIZES, first=st.sampled_from(ALL), second=st.sampled_from(ALL), seeds=st.tuples(*[st.integers(0, 2)] * 2))
def test_fingerprints_are_equal_where_splits_are_and_nowhere_else(sizes, first, second, seeds) -> None:
    people = People(sizes)
    one, two = people.folds(first, seed=seeds[0]), people.folds(second, seed=seeds[1])
    same = people.named(one) == people.named(two)
    assert (split_fingerprint(one, people.ids) == split_fingerprint(two, people.ids)) == same


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_sample_less_in_any_part_is_another_fingerprint(part: str) -> None:
    people = People([[2] * 5] * 5)
    fold, *rest = people.folds("subject")
    cut = Fold(
        fold.name, **{name: getattr(fold, name)[int(name == part) :] for name in ("train", "validation", "test")}
    )
    assert split_fingerprint([cut, *rest], people.ids) != split_fingerprint([fold, *rest], people.ids)


@pytest.mark.parametrize("protocol", [name for name in ALL if not PROTOCOLS[name].one_out])
def test_the_seed_changes_who_is_tested_with_whom(protocol: str) -> None:
    people = People([[3] * 8] * 8)
    tests = [
        {frozenset(people.ids[fold.test].tolist()) for fold in people.folds(protocol, seed=seed)} for seed in (0, 1)
    ]
    assert tests[0] != tests[1]


def test_the_seed_changes_validation_where_each_is_left_out_once() -> None:
    people = People([[3] * 4] * 12)
    one, two = (people.named(people.folds("loso", seed=seed)) for seed in (0, 1))
    assert {name: test for name, (_, _, test) in one.items()} == {name: test for name, (_, _, test) in two.items()}
    assert one != two


def test_leaving_one_out_leaves_each_out() -> None:
    people = People([[2] * 4] * 7)
    folds = people.folds("loso", n_folds=2)
    assert sorted(fold.name for fold in folds) == sorted(set(people.groups["subject"].tolist()))
    assert all(set(people.groups["subject"][fold.test].tolist()) == {fold.name} for fold in folds)


def test_equal_trial_names_of_two_people_are_two_trials() -> None:
    people = People([[3] * 4] * 5)
    folds = people.folds("pooled-trial", n_folds=5)
    assert len(folds) == 5
    tested = [set(people.whole("pooled-trial")[fold.test].tolist()) for fold in folds]
    assert max(map(len, tested)) == 4


def test_sizes_are_balanced_and_validation_has_its_share() -> None:
    people = People([[1] * 5] * 20)
    for fold in people.folds("subject", n_folds=5):
        counts = [len(set(people.groups["subject"][part].tolist())) for part in parts(fold)]
        assert counts == [13, 3, 4]


@pytest.mark.parametrize("protocol", ALL)
def test_fewer_groups_than_folds_give_a_fold_a_group(protocol: str) -> None:
    people = People([[1] * 4] * 4)
    scopes = 4 if PROTOCOLS[protocol].per_subject else 1
    groups = len(set(people.whole(protocol).tolist()))
    assert len(people.folds(protocol, n_folds=100)) == (groups if scopes == 1 else 4 * 4)


@pytest.mark.parametrize(
    ("protocol", "sizes", "n_folds", "says"),
    [
        ("subject", [[3] * 5] * 2, 5, "only 2 subject"),
        ("loso", [[3] * 5] * 2, 5, "only 2 subject"),
        ("trial", [[3] * 5, [3] * 2], 5, "only 2 trials in s1"),
        ("segment", [[3] * 5, [2]], 5, "only 2 samples in s1"),
        ("pooled-trial", [[9]], 5, "only 1 trial"),
        ("pooled-segment", [[2]], 5, "only 2 sample"),
        ("pooled-segment", [], 5, "no samples"),
        ("segment", [], 5, "no samples"),
        ("subject", [[3] * 5] * 3, 2, "3 subjects in 2 folds"),
        ("subject", [[3] * 5] * 9, 1, "1 fold is too few"),
        ("loso", [[3] * 5] * 9, 0, "0 folds"),
    ],
)
def test_impossible_splits_are_refused_with_a_remedy(protocol, sizes, n_folds, says) -> None:
    with pytest.raises(ProtocolError) as caught:
        People(sizes).folds(protocol, n_folds)
    assert says in caught.value.line
    assert caught.value.remedy


def test_a_protocol_needs_its_groups() -> None:
    nobody, people = Schema((), {}, ()), Schema((), {}, ("subject",))
    assert find_protocol("pooled-segment", nobody, "digits").name == "pooled-segment"
    assert find_protocol("loso", people, "arithmetic").name == "loso"
    with pytest.raises(ProtocolError, match="arithmetic declares no trial") as caught:
        find_protocol("trial", people, "arithmetic")
    assert "loso" in caught.value.remedy
    assert "pooled-trial" not in caught.value.remedy
    with pytest.raises(ProtocolError, match="declares no subject and no trial"):
        find_protocol("trial", nobody, "digits")
    with pytest.raises(ProtocolError, match="no protocol 'losso'"):
        find_protocol("losso", people, "arithmetic")


def test_the_default_is_the_strictest_possible() -> None:
    assert default_protocol(BOTH) == "subject"
    assert default_protocol(Schema((), {}, ())) == "pooled-segment"


@pytest.mark.parametrize("protocol", ALL)
def test_a_protocol_reads_no_other_group_than_it_needs(protocol: str) -> None:
    people = People([[2] * 4] * 5)

    class Watched(dict):
        read: ClassVar[set[str]] = set()

        def __getitem__(self, name: str) -> np.ndarray:
            self.read.add(name)
            return super().__getitem__(name)

    groups = Watched(people.groups, session=people.ids)
    make_folds(people.ids, groups, PROTOCOLS[protocol])
    assert groups.read == set(PROTOCOLS[protocol].needs)


def one_label(people: People, labels: list[int]) -> np.ndarray:
    """The label of each sample where each person has one."""
    return np.array([labels[int(name[1:])] for name in people.groups["subject"]])


@pytest.mark.parametrize("protocol", ALL)
@quick
@given(sizes=SIZES, n_folds=st.integers(2, 8), seed=st.integers(0, 5))
def test_labels_change_nothing_where_every_part_has_every_class(protocol, sizes, n_folds, seed) -> None:
    people = People(sizes)
    plain = people.folds(protocol, n_folds, seed)
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, len(people.ids))
    cut = make_folds(people.ids, people.groups, PROTOCOLS[protocol], n_folds, seed, labels=labels)
    scopes = {fold.name.partition("/")[0] if PROTOCOLS[protocol].per_subject else "" for fold in plain}
    for scope in scopes:
        before, after = ([fold for fold in folds if fold.name.startswith(scope)] for folds in (plain, cut))
        rows = np.concatenate(parts(before[0]))
        if not find_missing_classes(before, labels, np.unique(labels[rows])):
            assert split_fingerprint(after, people.ids) == split_fingerprint(before, people.ids)


@quick
@given(
    labels=st.lists(st.integers(0, 2), min_size=6, max_size=14),
    n_folds=st.integers(2, 6),
    seed=st.integers(0, 5),
    protocol=st.sampled_from(["subject", "loso"]),
)
def test_groups_stay_whole_and_fewer_parts_lack_a_class(labels, n_folds, seed, protocol) -> None:
    people = People([[2]] * len(labels))
    of = one_label(people, labels)
    folds = make_folds(people.ids, people.groups, PROTOCOLS[protocol], n_folds, seed, labels=of)
    again = make_folds(people.ids, people.groups, PROTOCOLS[protocol], n_folds, seed, labels=of)
    assert split_fingerprint(folds, people.ids) == split_fingerprint(again, people.ids)
    assert Counter(row for fold in folds for row in fold.test.tolist()) == Counter(range(len(people.ids)))
    for fold in folds:
        sides = [set(people.groups["subject"][part].tolist()) for part in parts(fold)]
        assert all(sides)
        assert sum(map(len, sides)) == len(labels)

    def count(folds: list[Fold]) -> int:
        return sum(sum(each.values()) for each in find_missing_classes(folds, of, np.unique(of)).values())

    assert count(folds) <= count(people.folds(protocol, n_folds, seed))


@pytest.mark.parametrize("protocol", ["subject", "loso"])
@pytest.mark.parametrize("seed", range(6))
def test_four_patients_among_twenty_are_in_every_part(protocol: str, seed: int) -> None:
    people = People([[3]] * 20)
    of = one_label(people, [1] * 4 + [0] * 16)
    folds = make_folds(people.ids, people.groups, PROTOCOLS[protocol], 5, seed, labels=of)
    assert find_missing_classes(folds, of, (0, 1)) == {}
    assert find_missing_classes(people.folds(protocol, 5, seed), of, (0, 1)) != {}, "plain folds lack them"


def test_parts_without_a_class_are_counted_and_reported() -> None:
    people = People([[5]] * 8)
    of = one_label(people, [1, 1, 0, 0, 0, 0, 0, 0])
    folds = make_folds(people.ids, people.groups, PROTOCOLS["subject"], 5, labels=of)
    assert find_missing_classes(folds, of, (0, 1)) == {"validation": {1: 2}}, "one is tested, one trained on"
    assert missing_class_lines({"train": {}, "validation": dict.fromkeys("abcdef", 2) | {"c": 1}}, 5) == [
        "the validation part of 1 to 2 of 5 folds has no sample of a, b, ... f (6 in all): "
        "the epoch is chosen without them",
    ]
    assert missing_class_lines({"train": {"b": 1}, "validation": {"a": 2}}, 5) == [
        "the training part of 1 of 5 folds has no sample of b: the models there cannot learn it",
        "the validation part of 2 of 5 folds has no sample of a: the epoch is chosen without it",
    ]
    assert find_missing_classes(folds, of, (0, 1, 2))["train"] == {2: 5}
