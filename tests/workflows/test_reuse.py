"""Keys of comparisons are equal if and only if all settings that results depend on are equal."""

from dataclasses import replace
from pathlib import Path

import pytest

from mmbench.workflows.request import RunSpec
from mmbench.workflows.resolve import resolve_request
from mmbench.workflows.reuse import ComparisonKey, comparison_key, find_comparisons, find_reusable

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
SPEC = RunSpec("concat", "toy", ("prior",), protocol="subject", plugins=(TOY,))


def key_of(spec: RunSpec) -> ComparisonKey:
    return comparison_key(resolve_request(spec))


@pytest.mark.parametrize(
    "changes",
    [
        {"protocol": None},
        {"protocol": "group:subject"},
        {"stratify": False},
        {"folds": 5, "seeds": 1, "standardize": "train", "task": "side"},
        {"dataset": "toy[windows=2]"},
        {"training": {"epochs": "40"}},
        {"jobs": 1, "device": "cpu", "out": Path("elsewhere"), "data": Path("elsewhere"), "weights": "drop"},
    ],
    ids=str,
)
def test_what_no_result_depends_on_changes_nothing(changes: dict) -> None:
    assert key_of(replace(SPEC, **changes)) == key_of(SPEC)


@pytest.mark.parametrize(
    "changes",
    [
        {"protocol": "loso"},
        {"folds": 3},
        {"stratify": True},
        {"seeds": 2},
        {"standardize": "subject"},
        {"dataset": "toy[windows=3]"},
        {"training": {"epochs": 3}},
        {"units": ["s1", "s2", "s3"]},
        {"modalities": ["facts"]},
        {"encoders": {"facts": "raw"}},
        {"method": "concat[dim=8]"},
        {"against": ()},
        {"against": ("late",)},
        {"bad": "drop"},
        {"tune": 3},
        {"threads": 2},
    ],
    ids=str,
)
def test_what_a_result_depends_on_is_another_question(changes: dict) -> None:
    assert key_of(replace(SPEC, **changes)).question != key_of(SPEC).question


@pytest.mark.parametrize("protocol", ["loso", "official"])
def test_leave_one_out_and_the_official_split_have_no_number_of_folds(protocol: str) -> None:
    spec = replace(SPEC, protocol=protocol)
    assert key_of(replace(spec, folds=3)) == key_of(spec)


def test_every_part_is_named(tmp_path: Path) -> None:
    assert set(key_of(SPEC).parts) == {
        "dataset toy", "fusion concat", "fusion prior", "encoder conv1d", "encoder mlp"
    }  # fmt: skip


def test_files_are_parts(tmp_path: Path) -> None:
    weights = tmp_path / "face.safetensors"
    weights.write_bytes(b"one")
    spec = RunSpec(
        "only[modality=face]", "deap-sim", encoders={"face": f"swin[model=nano,weights={weights}]"}, protocol="loso"
    )
    before = key_of(spec)
    weights.write_bytes(b"two")
    after = key_of(spec)
    assert before.question == after.question
    assert {name for name in before.parts if before.parts[name] != after.parts[name]} == {"encoder swin"}


def test_nothing_is_remembered_where_nothing_was_run(tmp_path: Path) -> None:
    shelf = find_comparisons(tmp_path / "runs")
    assert (shelf.entries, shelf.damaged) == ((), ())
    assert find_reusable(shelf, key_of(SPEC), 1).comparison is None
