"""Why two keys differ, in words."""

from pathlib import Path

import pytest

from mmbench.storage.cache_keys import find_nearest_file, key_differences
from mmbench.storage.checksum_footer import write_footer
from mmbench.storage.hashing import key_digest

THERE = {
    "dataset": {"name": "toy", "params": {"windows": 3, "name": "x"}, "version": "1", "code": "a" * 16},
    "encoders": {"eye": {"name": "swin", "params": {"weights": "f"}, "code": "b" * 16, "weights": "c" * 64}},
    "sources": {"s1": {"s1.dat": "d" * 64, "all.csv": "e" * 64}, "s2": {"s2.dat": "f" * 64, "all.csv": "e" * 64}},
    "training": {"lr": 0.1},
    "bad": "error",
}


def changed(**parts: object) -> dict:
    return {**THERE, **parts}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, []),
        ({"dataset": {**THERE["dataset"], "params": {"windows": 20, "name": "x"}}}, ["windows 3 -> 20"]),
        ({"dataset": {**THERE["dataset"], "params": {"windows": 3, "name": "y"}}}, ["name x -> y"]),
        ({"dataset": {**THERE["dataset"], "code": "9" * 16}}, ["code of dataset toy changed since"]),
        (
            {"dataset": {**THERE["dataset"], "code": "9" * 16, "modules": {"a.py": "1"}}},
            ["code of dataset toy changed since"],
        ),
        ({"dataset": {**THERE["dataset"], "modules": {"a.py": "1"}}}, []),
        ({"dataset": {**THERE["dataset"], "version": "2"}}, ["version of dataset toy 1 -> 2"]),
        ({"bad": "drop"}, ["bad error -> drop"]),
        ({"training": {"lr": 0.2}}, ["lr of training 0.1 -> 0.2"]),
        (
            {"encoders": {"eye": {**THERE["encoders"]["eye"], "weights": "9" * 64}}},
            ["weights of encoder of eye swin changed"],
        ),
        ({"encoders": {"eye": {"name": "cnn", "code": "0" * 16}}}, ["encoder of eye swin -> cnn"]),
        ({"encoders": {}}, ["eye of encoders is gone"]),
        (
            {"sources": {"s1": {"s1.dat": "0" * 64, "all.csv": "1" * 64}, "s2": {"all.csv": "1" * 64, "n": "2" * 64}}},
            [
                "source file all.csv changed",
                "source file s1.dat changed",
                "source file n is new",
                "source file s2.dat is gone",
            ],
        ),
        ({"sources": {"s1": THERE["sources"]["s1"]}}, ["unit s2 is gone"]),
        ({"snr_db": 20}, ["snr_db none -> 20"]),
    ],
)
def test_a_difference_is_described_by_name(wanted: dict, expected: list[str]) -> None:
    assert list(key_differences(changed(**wanted), THERE)) == expected


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ({"a.py": "2", "c.npy": "1"}, "a.py changed, b.py is gone, c.npy is new"),
        ({f"{name}.py": "9" for name in "cdefg"}, "a.py is gone, b.py is gone, c.py is new, d.py is new and 3 more"),
    ],
)
def test_changed_code_is_listed_by_file(modules: dict, expected: str) -> None:
    there = changed(dataset={**THERE["dataset"], "modules": {"a.py": "1", "b.py": "1"}})
    wanted = changed(dataset={**THERE["dataset"], "code": "9" * 16, "modules": modules})
    assert list(key_differences(wanted, there)) == [f"code of dataset toy changed since: {expected}"]


def test_modules_are_no_part_of_a_key() -> None:
    assert key_digest(changed(dataset={**THERE["dataset"], "modules": {"a.py": "1"}})) == key_digest(THERE)
    params = {**THERE["dataset"], "params": {"modules": 1}}
    assert key_digest(changed(dataset=params)) != key_digest(changed(dataset={**params, "params": {"modules": 2}}))


def test_the_one_with_the_fewest_differences_is_near(tmp_path: Path) -> None:
    for name, parts in {
        "far": changed(bad="drop", training={"lr": 1}),
        "near": changed(bad="drop"),
        "bare": None,
    }.items():
        (tmp_path / name).write_bytes(b"content")
        if parts:
            write_footer(tmp_path / name, "prepared", parts)
    near = find_nearest_file(THERE, sorted(tmp_path.iterdir()))
    assert near is not None
    assert (near.path.name, near.line) == ("near", "bad drop -> error")
    assert find_nearest_file(THERE, sorted(tmp_path.iterdir()), lambda parts: False) is None


def test_many_differences_fit_one_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"content")
    write_footer(tmp_path / "x", "prepared", {**THERE, "training": dict.fromkeys("abcdef", 1)})
    near = find_nearest_file(changed(training=dict.fromkeys("abcdef", 2)), [tmp_path / "x"])
    assert near is not None
    assert near.line == "; ".join(f"{name} of training 1 -> 2" for name in "abcd") + "; 2 more"
