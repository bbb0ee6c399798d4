"""``name[param=value]`` is read, written and bound, and what cannot be says why."""

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench import SpecError
from mmbench.registry.specs import Spec, bind_parameters, did_you_mean, join_list, parse_pairs, parse_spec, split_list


class Component:
    name = "thing"

    def __init__(
        self,
        inputs: object,
        *,
        size: int = 3,
        rate: float = 0.5,
        deep: bool = False,
        mode: Literal["mean", "max"] = "mean",
        path: str | None = None,
    ) -> None:
        raise AssertionError("binding builds nothing")


class Demanding:
    name = "demanding"

    def __init__(self, *, folder: str) -> None: ...


@pytest.mark.parametrize(
    ("text", "name", "params"),
    [
        ("milmer", "milmer", {}),
        ("milmer[]", "milmer", {}),
        (" milmer [ a = 1 , b=x ] ", "milmer", {"a": "1", "b": "x"}),
        ("late[inner=concat[dim=3,x=2],b=4]", "late", {"inner": "concat[dim=3,x=2]", "b": "4"}),
        ("timm[weights=a=b.pt]", "timm", {"weights": "a=b.pt"}),
        ('faces[path="a, b [c]"]', "faces", {"path": "a, b [c]"}),
        ("""faces[path='a, "b" ]', k = "it's" ]""", "faces", {"path": 'a, "b" ]', "k": "it's"}),
        (r'x[a="\"\\",b=C:\data\new]', "x", {"a": '"\\', "b": r"C:\data\new"}),
        ("x[a=bob's,b=ann's]", "x", {"a": "bob's", "b": "ann's"}),
        ('late[inner=concat[path="a]b,c"],b=4]', "late", {"inner": 'concat[path="a]b,c"]', "b": "4"}),
        ("image-folder[person=^([^]]+)]", "image-folder", {"person": "^([^]]+)"}),
    ],
)
def test_reads(text: str, name: str, params: dict[str, str]) -> None:
    assert parse_spec(text) == Spec(name, params)


@pytest.mark.parametrize("text", ["", "[a=1]", "a[b]", "a[b=1", "a]b", "a[=1]", "a[b=1,b=2]", "a b", "a[1b=2]"])
def test_invalid_specs_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert repr(text) in caught.value.line
    assert "write name" in caught.value.remedy


VALUES = st.one_of(
    st.booleans(),
    st.integers(),
    st.none(),
    st.floats(allow_nan=False),
    st.text(),
    st.text(alphabet=",[]\"'\\\\= a\n", max_size=6),
)


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True), VALUES, max_size=4))
def test_what_is_written_reads_the_same(params: dict[str, object]) -> None:
    spec = Spec("name", params)
    again = parse_spec(str(spec))
    assert str(again) == str(spec)
    assert list(again.params) == list(params)
    for name, value in params.items():
        if isinstance(value, str):
            assert again.params[name] == value


@given(st.lists(st.text(alphabet=",[]\"'\\\\= ab", min_size=1, max_size=5), max_size=3))
def test_lists_that_are_joined_split_the_same(names: list[str]) -> None:
    assert split_list(join_list(names)) == names


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('x[a="b]', "a quote is not closed"),
        ("x[a=b],c=d]", "its brackets do not match"),
        ("x[a=b[c,d=e]", "its brackets do not match"),
    ],
)
def test_what_cannot_be_split_asks_for_quotes(text: str, why: str) -> None:
    with pytest.raises(SpecError, match=why) as caught:
        parse_spec(text)
    assert '"quotes"' in caught.value.remedy


def test_values_that_need_no_quotes_are_written_as_they_always_were() -> None:
    for text in ("a[person=^(S[0-9]+)]", "x[a=it's,b=a b]", "late[inner=concat[dim=3,x=2],b=4]", r"x[a=C:\d]"):
        assert str(parse_spec(text)) == text


def test_binding_converts_to_the_annotations_over_the_defaults() -> None:
    given = {"size": "7", "deep": "true", "mode": "max", "path": "none"}
    assert bind_parameters(Component, given) == {"size": 7, "rate": 0.5, "deep": True, "mode": "max", "path": None}
    assert bind_parameters(Component, {"path": "a.pt"})["path"] == "a.pt"
    assert bind_parameters(Component, {}) == {"size": 3, "rate": 0.5, "deep": False, "mode": "mean", "path": None}


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"sise": "7"}, "did you mean 'size'?"),
        ({"inputs": "7"}, "no parameter 'inputs'"),
        ({"size": "seven"}, "thing[size]: invalid value 'seven'"),
        ({"size": "1.5"}, "thing[size]"),
        ({"size": "none"}, "thing[size]"),
        ({"deep": "perhaps"}, "thing[deep]"),
        ({"mode": "min"}, "'mean' or 'max'"),
    ],
)
def test_invalid_parameters_are_refused(params: dict[str, str], says: str) -> None:
    with pytest.raises(SpecError) as caught:
        bind_parameters(Component, params)
    assert says in caught.value.line


def test_a_parameter_without_default_must_be_given() -> None:
    assert bind_parameters(Demanding, {"folder": "x"}) == {"folder": "x"}
    with pytest.raises(SpecError, match="needs folder") as caught:
        bind_parameters(Demanding, {})
    assert "demanding[folder=...]" in caught.value.remedy


def test_lists_split_outside_of_brackets_only() -> None:
    assert split_list("concat, only[modality=eeg,x=1] ,,prior") == ["concat", "only[modality=eeg,x=1]", "prior"]
    assert split_list("") == []


def test_pairs() -> None:
    assert parse_pairs(["eeg=de[bands=3,x=1]", " a = b "], "--encoder") == {"eeg": "de[bands=3,x=1]", "a": "b"}
    for text in ("eeg", "=de", "eeg="):
        with pytest.raises(SpecError, match="--encoder"):
            parse_pairs([text], "--encoder")


def test_did_you_mean() -> None:
    assert did_you_mean("milmar", ["late", "milmer"]) == "did you mean 'milmer'?"
    assert did_you_mean("MAE", ["mae", "rmse"]) == "did you mean 'mae'?"
    assert did_you_mean("acc2", ["acc2_has0", "acc2_non0", "acc7"]) == "did you mean 'acc2_has0' or 'acc2_non0'?"
    assert did_you_mean("xyz", ["late", "concat"]) == "choose from concat, late"
    assert did_you_mean("xyz", []) == "none is available"
