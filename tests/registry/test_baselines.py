"""The baselines of ``auto``, and the option that names baselines."""

from pathlib import Path

import pytest

from mmbench.errors import SpecError
from mmbench.registry import methods
from mmbench.registry.baselines import auto_baselines, parse_against
from mmbench.workflows.request import RunSpec
from mmbench.workflows.resolve import resolve_request

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")


@pytest.fixture
def labels(monkeypatch):
    monkeypatch.setattr(methods, "auto_baselines", auto_baselines)

    def resolve(method, dataset="icons", *against, **options):
        spec = RunSpec(method, dataset, against or ("auto",), plugins=(TOY,), **options)
        return [recipe.label for recipe in resolve_request(spec).recipes]

    return resolve


def test_auto_stands_for_concat_late_each_modality_and_prior(labels):
    single = ["only[modality=image]", "only[modality=text]"]
    assert labels("gated") == ["gated", "concat", "late", *single, "prior"]


def test_what_computes_the_same_as_the_first_method_is_left_out(labels):
    single = ["only[modality=image]", "only[modality=text]"]
    assert labels("concat") == ["concat", "late", *single, "prior"]
    assert labels("concat[dim=128]") == ["concat[dim=128]", "late", *single, "prior"]
    assert labels("concat[dim=64]") == ["concat[dim=64]", "concat", "late", *single, "prior"]
    assert labels("prior") == ["prior", "concat", "late", *single]
    assert labels("only[modality=text]") == ["only[modality=text]", "concat", "late", "prior"]


def test_named_baselines_come_before_those_of_auto_and_are_not_repeated(labels):
    found = labels("gated", "icons", "auto", "late", "tensor")
    assert found == ["gated", "late", "tensor", "concat", "only[modality=image]", "only[modality=text]", "prior"]


def test_of_one_modality_there_is_nothing_to_fuse(labels):
    assert labels("late", modalities=["text"]) == ["late", "concat", "prior"]
    assert labels("concat", modalities=["text"]) == ["concat", "prior"]


def test_single_modalities_are_those_that_the_method_reads():
    assert auto_baselines(("b", "c"), ("a", "b", "c"))[2:-1] == ("only[modality=b]", "only[modality=c]")
    assert auto_baselines((), ("a", "b"))[2:-1] == ("only[modality=a]", "only[modality=b]")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("none", ()),
        ("", ()),
        ("auto", ("auto",)),
        ("late,only[modality=eeg]", ("late", "only[modality=eeg]")),
        (["late", "prior"], ("late", "prior")),
        ([], ()),
    ],
)
def test_against_is_a_list_or_names_separated_by_commas(text, found):
    assert parse_against(text) == found


def test_none_with_other_methods_is_an_error():
    with pytest.raises(SpecError, match="none is named with other methods"):
        parse_against("none,late")
