"""Options of Python functions agree with `RunSpec`, and common slips work or say what to write."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmbench
from mmbench import SpecError, from_arrays
from mmbench.workflows.arguments.options import _READERS, make_spec
from mmbench.workflows.arguments.signatures import RunOptions
from mmbench.workflows.request import RunSpec

OWN = {"method", "dataset", "against"}
OPTIONS = {each.name for each in fields(RunSpec)} - OWN


def spec(method: Any = "concat", dataset: Any = "icons", against: Any = "none", **options: Any) -> RunSpec:
    return make_spec(method, dataset, against, options)


@pytest.mark.parametrize("function", [mmbench.run, mmbench.tune, mmbench.ablate, mmbench.audit])
def test_signatures_list_the_options_of_a_run_with_their_defaults(function: Callable[..., Any]) -> None:
    options = [each for each in inspect.signature(function).parameters.values() if each.kind is each.KEYWORD_ONLY]
    assert {each.name: each.annotation for each in options} == RunOptions.__annotations__
    assert spec(**{each.name: each.default for each in options}) == RunSpec("concat", "icons")
    assert [each.name for each in options if "<" in repr(each.default) or "Path" in repr(each.default)] == []


def test_every_option_has_a_type_a_reader_and_an_explanation() -> None:
    assert {*RunOptions.__annotations__} == {*_READERS} == OPTIONS
    assert [name for name in OPTIONS if f"``{name}``" not in (mmbench.run.__doc__ or "")] == []


def test_defaults_are_those_of_the_spec() -> None:
    assert spec() == RunSpec("concat", "icons")
    assert spec(**dict.fromkeys(OPTIONS)) == RunSpec("concat", "icons")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"against": "late"}, {"against": ("late",)}),
        ({"against": "late, prior"}, {"against": ("late", "prior")}),
        ({"against": ["late", "prior"]}, {"against": ("late", "prior")}),
        ({"against": []}, {"against": ()}),
        ({"seeds": np.int64(2)}, {"seeds": 2}),
        ({"modalities": "mor,zer"}, {"modalities": ("mor", "zer")}),
        ({"modalities": "mor"}, {"modalities": ("mor",)}),
        ({"units": np.array(["1", "2"])}, {"units": ("1", "2")}),
        ({"plugins": "plugin.py"}, {"plugins": ("plugin.py",)}),
        ({"plugins": [Path("plugin.py")]}, {"plugins": ("plugin.py",)}),
        ({"out": "results"}, {"out": Path("results")}),
        ({"encoders": {"mor": "raw"}}, {"encoders": {"mor": "raw"}}),
        ({"tune_seconds": 3}, {"tune_seconds": 3.0}),
        ({"dataset": Path("data/mine")}, {"dataset": "data/mine"}),
        ({"dataset": Path("icons")}, {"dataset": str(Path.cwd() / "icons")}),
    ],
)
def test_natural_arguments_work(given: dict[str, Any], expected: dict[str, Any]) -> None:
    found = spec(**given)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"epochs": 5}, 'option epochs: is a setting of training — write training={"epochs": 5}'),
        ({"sed": 5}, "option sed: is not an option — write seeds=5"),
        ({"fold": 5}, "option fold: is not an option — write folds=5"),
        ({"plugin": "a.py"}, "write plugins='a.py'"),
        ({"encoder": dict.fromkeys("abcdefghij", "raw")}, "write encoders=..."),
        ({"tune_s": 5}, "did you mean 'tune_scope' or 'tune_seconds' or 'tune_storage'?"),
        ({"wishes": 5}, "choose from bad, cache"),
        ({"methods": "late"}, 'write the method first, such as mmbench.run("concat", DATASET)'),
        ({"baselines": "late"}, 'write against=["late", "prior"]'),
        ({"seeds": [0, 1, 2]}, "it is a number: write seeds=3"),
        ({"seeds": True}, "write a whole number"),
        ({"seeds": "3"}, "write a whole number, such as seeds=3"),
        ({"folds": 2.5}, "write a whole number"),
        ({"stratify": "yes"}, "write True or False"),
        ({"device": 0}, "option device: invalid value 0 — write a text"),
        ({"training": "epochs=5"}, 'write training={"epochs": 5}'),
        ({"training": 5}, 'write training={"epochs": 5}'),
        ({"encoders": "mor=raw"}, "write encoders={\"mor\": 'raw'}"),
        ({"encoders": ["raw"]}, 'write encoders={"MODALITY": "NAME"}'),
        ({"modalities": 3}, "write a list of names"),
        ({"trainer": 5}, "trainer: int is no trainer — give the name of a trainer"),
        ({"modalities": {"mor": 1}}, "write a list of names"),
        ({"plugins": [3]}, "write a list of paths"),
        ({"out": 3}, "write a path"),
        ({"tune_seconds": "3"}, "write a number"),
        ({"against": None}, 'write against="none", or leave it out'),
        ({"against": 3}, "method: int is no method"),
        ({"against": ["none", "late"]}, "none is named with other methods"),
        ({"method": 3}, "int is no method — give the name of a method"),
        ({"method": ["concat", "late"]}, 'give one method, and the others as against=["NAME", ...]'),
        ({"method": Path("data/mine"), "dataset": "concat"}, "give the method first, then the dataset"),
        ({"dataset": {"x": [1]}}, "dict is no dataset — write mmbench.from_arrays"),
        ({"dataset": np.ones(3)}, "ndarray is no dataset — write mmbench.from_arrays"),
        ({"dataset": None}, "NoneType is no dataset — give the name of a dataset"),
    ],
)
def test_slips_are_errors_that_say_what_to_write(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec(**given)
    assert words in caught.value.line


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((), {"methods": "late", "dataset": "icons"}, 'mmbench.run("concat", DATASET)'),
        (("late",), {}, "mmbench.run: missing a required argument: 'dataset' — write mmbench.run(METHOD, DATASET)"),
        (("late", "icons"), {"dataset": "icons"}, "multiple values for argument 'dataset'"),
        (("late", "icons", "none", 5), {}, "too many positional arguments"),
    ],
)
def test_missing_arguments_are_errors_that_say_what_to_write(arguments: Any, options: Any, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        mmbench.run(*arguments, **options)
    assert words in caught.value.line


def test_a_frame_is_no_dataset() -> None:
    class Frame:
        columns = ("a",)

    with pytest.raises(SpecError, match=r"Frame is no dataset — write mmbench\.from_frame"):
        spec(dataset=Frame())


def test_baselines_have_no_place_in_functions_without_them() -> None:
    with pytest.raises(SpecError, match=r"compare with mmbench\.run"):
        mmbench.ablate("concat", "icons", against="late")  # type: ignore[call-arg]  # a slip


def test_data_that_were_removed_from_the_cache_are_made_again(tmp_path: Path) -> None:
    dataset = from_arrays({"x": [[1.0], [2.0]]}, ["a", "b"], groups={}, cache=tmp_path)
    assert spec(dataset=dataset).dataset == str(dataset.path)
    (tmp_path / "memory").rename(tmp_path / "elsewhere")
    with pytest.raises(SpecError, match="make the dataset again with from_arrays"):
        spec(dataset=dataset)
