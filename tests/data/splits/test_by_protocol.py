"""What holds for the split of every protocol: whole groups, disjoint parts, no influence of order or other people."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.data.splits.by_protocol import SampleIndex, make_split
from mmbench.data.splits.classes import indicate_classes
from mmbench.data.splits.fold import Fold, Split, split_fingerprint
from mmbench.data.splits.groups import group_names
from mmbench.data.splits.protocols import PROTOCOLS, Protocol, parse_protocol
from mmbench.errors import ProtocolError

ALL = [*PROTOCOLS, "group:actor"]
SIZES = st.lists(st.lists(st.integers(1, 3), min_size=4, max_size=7), min_size=4, max_size=7)
quick = settings(deadline=None, max_examples=10)


def make_index(sizes: list[list[int]], first: int = 0, order: int | None = None) -> SampleIndex:
    """Samples of people, each a list of trials with so many windows of 2 s, every 1 s; the trials are 10 s apart.

    Each person has four sessions; actors and official parts are spread over people.
    """
    rows = [
        (subject, trial, window)
        for subject, trials in enumerate(sizes, first)
        for trial, windows in enumerate(trials)
        for window in range(windows)
    ]
    if order is not None:
        rows = [rows[at] for at in np.random.default_rng(order).permutation(len(rows))]
    subject, trial, window = np.array(rows).T
    start = 10.0 * trial + window
    return SampleIndex(
        ids=np.array([f"s{s}/t{t}/w{w}" for s, t, w in rows]),
        groups={
            "subject": np.array([f"s{s}" for s in subject]),
            "trial": np.array([f"t{t}" for t in trial]),
            "session": np.array([f"day{min(t, 3)}" for t in trial]),
            "actor": np.array([f"a{(3 * s + t) % 5}" for s, t in zip(subject, trial, strict=True)]),
        },
        spans=np.stack([start, start + 2], axis=1),
        parts=np.array([("train", "train", "train", "test", "")[(s + t) % 5] for s, t, _ in rows]),
        labels=(subject + trial) % 2,
    )


def named(split: Split, index: SampleIndex) -> dict[str, tuple[frozenset[str], ...]]:
    return {fold.name: tuple(frozenset(index.ids[rows].tolist()) for rows in parts(fold)) for fold in split.folds}


def parts(fold: Fold) -> tuple[np.ndarray, ...]:
    return fold.train, fold.validation, fold.test


def with_strata(index: SampleIndex, protocol: Protocol) -> SampleIndex:
    assert index.labels is not None
    return index if protocol.folding == "time" else replace(index, strata=indicate_classes(index.labels))


@pytest.mark.parametrize("stratify", [False, True])
@pytest.mark.parametrize("name", ALL)
@quick
@given(sizes=SIZES, n_folds=st.integers(2, 6), seed=st.integers(0, 3), order=st.integers(0, 5))
def test_parts_are_disjoint_and_keep_groups_whole(name, stratify, sizes, n_folds, seed, order) -> None:
    protocol, index = parse_protocol(name), make_index(sizes, order=order)
    if stratify:
        index = with_strata(index, protocol)
    split = make_split(index, protocol, n_folds, seed)
    tested = Counter(row for fold in split.folds for row in fold.test.tolist())
    assert set(tested.values()) == {1}, "every sample is in one test part at most"
    if protocol.folding in ("k", "each"):
        assert set(tested) == set(range(len(index.ids)))
    assert len({fold.name for fold in split.folds}) == len(split.folds)
    for fold in split.folds:
        assert all(len(part) and (np.diff(part) > 0).all() for part in parts(fold))
        whole = index.ids if protocol.whole is None else group_names(index.groups, protocol.whole)
        sides = [set(whole[part].tolist()) for part in parts(fold)]
        assert sum(map(len, sides)) == len(set.union(*sides))
        if protocol.per_subject:
            assert len(set(index.groups["subject"][np.concatenate(parts(fold))].tolist())) == 1


@pytest.mark.parametrize("stratify", [False, True])
@pytest.mark.parametrize("name", ALL)
@quick
@given(sizes=SIZES, order=st.integers(0, 100))
def test_order_does_not_matter(name, stratify, sizes, order) -> None:
    protocol, index, shuffled = parse_protocol(name), make_index(sizes), make_index(sizes, order=order)
    if stratify:
        index, shuffled = with_strata(index, protocol), with_strata(shuffled, protocol)
    split, again = make_split(index, protocol), make_split(shuffled, protocol)
    assert split.notes == again.notes
    assert split_fingerprint(split.folds, index.ids) == split_fingerprint(again.folds, shuffled.ids)


@pytest.mark.parametrize("stratify", [False, True])
@pytest.mark.parametrize("name", [name for name in ALL if parse_protocol(name).per_subject])
@quick
@given(sizes=SIZES, more=st.lists(st.integers(1, 3), min_size=4, max_size=7))
def test_another_subject_leaves_the_folds_of_each_alone(name, stratify, sizes, more) -> None:
    protocol = parse_protocol(name)
    indices = [make_index(sizes, first=1), make_index([*sizes, more], first=1)]
    if stratify:
        indices = [with_strata(each, protocol) for each in indices]
    before, after = (named(make_split(each, protocol), each) for each in indices)
    assert len(after) > len(before)
    assert {fold: after[fold] for fold in before} == before


@quick
@given(sizes=SIZES, seed=st.integers(0, 3))
def test_official_parts_are_kept_and_validation_is_cut_from_training_alone(sizes, seed) -> None:
    index = make_index(sizes)
    assert index.parts is not None
    (fold,) = make_split(index, PROTOCOLS["official"], seed=seed).folds
    assert set(index.parts[fold.test]) == {"test"}
    assert np.array_equal(np.sort(np.concatenate(parts(fold)[:2])), np.flatnonzero(index.parts == "train"))
    people = [set(index.groups["subject"][part].tolist()) for part in parts(fold)[:2]]
    assert not people[0] & people[1]
    given_parts = np.where(index.groups["trial"] == "t1", "validation", "train")
    given_parts[index.groups["trial"] == "t0"] = "test"
    split = make_split(replace(index, parts=given_parts), PROTOCOLS["official"])
    assert set(given_parts[split.folds[0].validation]) == {"validation"}
    assert split.notes == ()


@quick
@given(
    counts=st.lists(st.integers(20, 30), min_size=1, max_size=4),
    n_folds=st.integers(2, 4),
    step=st.sampled_from((10.0, 1.5)),
)
def test_in_time_every_part_ends_before_the_next_begins(counts, n_folds, step) -> None:
    index = make_index([[1] * count for count in counts])
    starts = index.spans[:, :1] / 10 * step  # windows of 2 s overlap with those 1.5 s later
    split = make_split(replace(index, spans=np.hstack([starts, starts + 2])), PROTOCOLS["time"], n_folds)
    spans = np.hstack([starts, starts + 2])
    for fold in split.folds:
        for before, after in zip(parts(fold)[:2], parts(fold)[1:], strict=True):
            assert spans[before, 1].max() <= spans[after, 0].min()
    known = sum(len(part) for fold in split.folds for part in parts(fold)[:2])
    assert known > 0
    assert ("overlap in time" in " ".join(split.notes)) == (step < 2)


def test_blocks_in_time_are_consecutive_and_the_first_is_tested_by_none() -> None:
    index = make_index([[2] * 12])
    split = make_split(index, PROTOCOLS["time"], 3)
    trials = [
        [sorted({int(t[1:]) for t in index.groups["trial"][part]}) for part in parts(fold)] for fold in split.folds
    ]
    assert trials == [
        [[0, 1], [2], [3, 4, 5]],
        [[0, 1, 2, 3, 4], [5], [6, 7, 8]],
        [[0, 1, 2, 3, 4, 5, 6], [7, 8], [9, 10, 11]],
    ]
    assert split.notes == ("6 of 24 samples are tested by no fold: nothing comes before the first blocks",)


def test_windows_are_ordered_where_a_subject_is_one_recording() -> None:
    index = make_index([[12]])
    alone = replace(index, groups={"subject": index.groups["subject"]})
    for groups in (alone.groups, {}):
        split = make_split(replace(alone, groups=groups), PROTOCOLS["time"], 2)
        assert len(split.folds) == 2
        assert "overlap in time with the next part" in split.notes[1], "windows of 2 s begin every second"


def test_recordings_with_clocks_of_their_own_have_no_order() -> None:
    index = make_index([[2] * 6] * 3)
    with pytest.raises(ProtocolError, match="--protocol time: recordings of s0 overlap in time"):
        make_split(replace(index, spans=index.spans % 10), PROTOCOLS["time"])


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("official", {"parts": None}, "belong to no official split"),
        ("official", {"parts": np.full(24, "")}, "belong to no official split"),
        ("official", {"parts": np.full(24, "test")}, "has no training part"),
        ("official", {"parts": np.array(["train"] + ["test"] * 23)}, "none is left for validation"),
        ("time", {"spans": np.full((24, 2), np.nan)}, "24 of 24 samples have no time"),
        ("time", {"strata": np.ones((24, 1), dtype=bool)}, "--stratify: the parts of protocol time follow"),
        ("session", {"groups": {"subject": np.repeat("s", 24), "session": np.repeat("d", 24)}}, "only 1 session in s"),
    ],
)
def test_what_a_protocol_lacks_is_one_line(name, change, says) -> None:
    with pytest.raises(ProtocolError) as caught:
        make_split(replace(make_index([[2] * 4] * 3), **change), PROTOCOLS[name])
    assert says in caught.value.line
    assert caught.value.remedy


def test_two_in_order_of_time_are_too_few() -> None:
    with pytest.raises(ProtocolError, match="2 in order of time in s0 are too few"):
        make_split(make_index([[1] * 2]), PROTOCOLS["time"])
