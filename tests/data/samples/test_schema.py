"""Schemas are refused where they cannot be stored, and their plain form is that of earlier versions."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbench import Column, DataError, Modality, Schema, Task
from mmbench.data.samples.schema import check_schema, schema_from_plain, schema_to_plain
from mmbench.storage import digest

NOTE = Modality("note", "text", ())
TABLE = Modality("facts", "table", (2,), columns=(Column("age"), Column("hand", ("left", "right"))))


def schema_of(*modalities: Modality, **tasks: Task) -> Schema:
    return Schema(modalities, tasks or {"mood": ("a", "b")})


@pytest.mark.parametrize(
    ("modality", "why"),
    [
        (Modality("x", "smell", (2,)), "x is of the unknown kind 'smell'"),  # type: ignore[arg-type]
        (Modality("x", "timeseries", (2,)), r"x has the shape \(2,\); the shape of timeseries is \(channels, time\)"),
        (Modality("x", "text", (5,)), r"the shape of text is \(\)"),
        (Modality("x", "timeseries", (None, 5)), r"of timeseries \(channels, time\), only time may be open"),
        (Modality("x", "video", (4, 3, None, 6)), "only frames may be open"),
        (Modality("x", "vector", (None,)), "no axis may be open"),
        (Modality("x", "image", (1, 4, 4)), "images have 3 colours"),
        (Modality("x", "video", (None, 1, 4, 4)), "images have 3 colours"),
        (Modality("x", "audio", (1, None)), "x is audio without a rate in Hz"),
        (Modality("x", "audio", (1, None), rate=-1.0), "x is audio without a rate in Hz"),
        (Modality("x", "vector", (0,)), "x has a length below 1"),
        (Modality("x", "vector", (2,), instances=0), "x has a length below 1"),
        (Modality("x", "vector", (2,), resize="crop"), "a rule to resize, which does not apply to vector"),
        (Modality("x", "audio", (1, None), rate=1.0, may_be_constant=True), "x may be constant, which applies to time"),
        (Modality("x", "timeseries", (1, 2), may_be_constant="no"), "may_be_constant of x is 'no', not True or False"),  # type: ignore[arg-type]
        (Modality("x", "image", (3, 4, 4), resize="fill"), "modalities.0.resize of the schema is 'fill'"),  # type: ignore[arg-type]
        (Modality("x", "vector", (1,), columns=(Column("a"),)), "x has columns, which vector does not have"),
        (Modality("x", "table", (2,), columns=(Column("a"),)), r"the shape \(2,\) and 1 columns"),
        (Modality("x", "table", (2,), columns=(Column("a"), Column("a"))), "x has two columns 'a'"),
        (Modality("x", "table", (1,), columns=(Column("a", ("l", "l")),)), "column a of x has a level twice"),
        (Modality("x", "table", (1,), columns=(Column("a\x1b"),)), "a name cannot be printed"),
    ],
)
def test_a_modality_that_cannot_be_stored(modality: Modality, why: str) -> None:
    with pytest.raises(DataError, match=why):
        check_schema(schema_of(modality), "odd")


def test_a_task_of_an_unknown_kind() -> None:
    with pytest.raises(DataError, match="task mood is of the unknown kind 'rank'"):
        check_schema(schema_of(NOTE, mood=Task("rank", ("a",))), "odd")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("task", "why"),
    [
        (Task("values", "ab"), "names of task mood is 'ab', not a tuple"),  # type: ignore[arg-type]
        (Task("values", ("a",), metrics="mae"), "metrics of task mood is 'mae', not a tuple"),  # type: ignore[arg-type]
        (Task("labels", ("a", "b", "a")), "task mood has the name 'a' twice"),
        (Task("class", ("a", "a")), "task mood has the name 'a' twice"),
    ],
)
def test_a_task_that_cannot_be_stored(task: Task, why: str) -> None:
    with pytest.raises(DataError, match=why):
        check_schema(schema_of(NOTE, mood=task), "odd")


@pytest.mark.parametrize(
    ("schema", "message", "remedy"),
    [
        (
            Schema(NOTE, {"mood": ("a", "b")}),
            "modalities of the schema is Modality(...), not a tuple",
            "(Modality(...),)",
        ),
        (Schema((NOTE,), {"mood": ("a", "b")}, "who"), "groups of the schema is 'who', not a tuple", "('who',)"),
        (Schema((NOTE,), {"mood": "good"}), "names of task mood is 'good', not a tuple", "('good',)"),
        (Schema((Modality("v", "vector", 3),), {}), "shape of modality v is 3, not a tuple", "(3,)"),
        (Schema((replace(NOTE, channels="x"),), {}), "channels of modality note is 'x', not a tuple", "('x',)"),
        (
            Schema((Modality("t", "table", (1,), columns=Column("a")),), {}),
            "columns of modality t is Column(...), not a tuple",
            "(Column(...),)",
        ),
        (
            Schema((Modality("t", "table", (1,), columns=(Column("a", "low"),)),), {}),
            "levels of column a of t is 'low', not a tuple",
            "('low',)",
        ),
    ],
)
def test_a_tuple_without_its_comma(schema: Schema, message: str, remedy: str) -> None:
    with pytest.raises(DataError) as caught:
        check_schema(schema, "mine")
    assert (caught.value.where, caught.value.message) == ("mine", message)
    assert caught.value.remedy == f"write {remedy} with a comma"


def test_every_kind_may_be_stored() -> None:
    schema = schema_of(
        NOTE,
        TABLE,
        Modality("a", "audio", (2, None), rate=8000.0),
        Modality("b", "video", (None, 3, 4, 4), rate=5.0, resize="pad"),
        Modality("c", "timeseries", (2, None)),
        Modality("d", "timeseries", (2, 4), may_be_constant=True),
        tags=Task("labels", ("x",)),
        rating=Task("values", ("y", "z"), "rmse", ("mae",)),
    )
    assert check_schema(schema, "all") is schema
    assert schema_from_plain(json.loads(json.dumps(schema_to_plain(schema)))) == schema


def test_the_plain_form_of_an_earlier_schema_has_not_changed() -> None:
    """Prepared files are found by its digest; computed before modalities had columns, and tasks kinds."""
    schema = Schema(
        (
            Modality("eeg", "timeseries", (2, 128), instances=3, rate=128.0, channels=("Fp1", "Fp2")),
            Modality("face", "image", (3, 64, 64), instances=10),
            Modality("facts", "vector", (4,)),
        ),
        {"valence": ("low", "high"), "later": ()},
        ("subject", "trial"),
    )
    assert digest(json.loads(json.dumps(schema_to_plain(schema)))) == PIN
    assert schema_from_plain(schema_to_plain(schema)) == schema


PIN = "deb4ae992a5b5e6ad0debee09b36a1db182515560262b5fb3592e21d4cf56d74"


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), st.lists, max_leaves=8).filter(
        lambda value: value != []
    )
)
def test_anything_else_is_a_value_error(plain: object) -> None:
    for value in (plain, {"tasks": plain}, {"tasks": {"a": plain}, "modalities": plain}):
        with pytest.raises((ValueError, TypeError)):
            schema_from_plain(value)
