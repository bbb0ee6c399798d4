"""A sample is checked where it enters, and the error names it."""

import io
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mmbench import DataError, Modality, Sample, Schema
from mmbench.data.samples.schema import check_schema
from mmbench.data.samples.validation import check_sample, inference, presence
from mmbench.training.model import check_modality_names

PULSE = Modality("pulse", "timeseries", (2, 5), instances=2, channels=("left", "right"))
FACE = Modality("face", "image", (3, 6, 4), instances=2)
FACTS = Modality("facts", "vector", (3,))
SCHEMA = Schema((PULSE, FACE, FACTS), {"mood": ("low", "high")}, ("subject",))


def large() -> bytes:
    """A PNG that claims to have 60,000 × 60,000 pixels, at which Pillow raises an error of its own."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + struct.pack(">I", 9) + b"IDAT"
    return b"\x89PNG\r\n\x1a\n" + chunks + bytes(13)


def picture(width: int = 4, height: int = 6) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 10, 10)).save(file, "JPEG")
    return file.getvalue()


def sample() -> Sample:
    random = np.random.default_rng(0)
    data = {"pulse": random.normal(size=(2, 2, 5)), "face": [picture(), None], "facts": np.zeros((1, 3))}
    return Sample("s1-t1", {"mood": 1}, data, {"subject": "s1"})


def with_data(**data: object) -> Sample:
    return replace(sample(), data={**sample().data, **data})


def pulse(change: Callable[[np.ndarray], None]) -> Sample:
    values = sample().data["pulse"].copy()
    change(values)
    return with_data(pulse=values)


def spoil(values: np.ndarray, where: object, value: float) -> None:
    values[where] = value


def test_a_whole_sample_passes() -> None:
    check_sample(sample(), SCHEMA)


def test_a_missing_modality_and_a_missing_label_pass() -> None:
    check_sample(replace(sample(), data={}, labels={}), SCHEMA)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (with_data(taste=np.ones((1, 3))), "taste"),
        (replace(sample(), groups={}), "declares no subject"),
        (replace(sample(), groups={"subject": ""}), "declares no subject"),
        (replace(sample(), groups={"subject": "\x07"}), "cannot be stored in records"),
        (replace(sample(), labels={"mood": 2}), "label 2 of 'mood' is outside 0-1"),
        (replace(sample(), labels={"mood": -1}), "label -1"),
        (replace(sample(), labels={"mood": 0.5}), "label 0.5"),
        (replace(sample(), labels={"taste": 0}), "'taste'"),
        (with_data(pulse=np.ones((1, 2, 5))), "1 instances, not 2"),
        (with_data(pulse=np.ones((2, 2, 4))), "(2, 2, 4), not (2, 2, 5)"),
        (with_data(facts=np.ones((1, 3, 1))), "shape"),
        (with_data(facts=np.array([[0, np.inf, 0]])), "facts holds NaN or infinite"),
        (with_data(facts=np.array([[0, 1e300, 0]])), "facts holds NaN or infinite"),
        (pulse(lambda values: spoil(values, (1, 1, 3), np.nan)), "pulse holds NaN"),
        (pulse(lambda values: spoil(values, (slice(None), 1), 4.0)), "channel right of pulse is constant"),
        (with_data(face=[picture(), large()]), "as JPEG or PNG (DecompressionBombError)"),
        (replace(sample(), span=(2.0, 1.0)), "has the span (2.0, 1.0)"),
        (replace(sample(), span=(float("nan"), 1.0)), "which is not a start and an end in seconds"),
        (replace(sample(), span=(0.0, float("inf"))), "which is not a start and an end in seconds"),
        (replace(sample(), span=("a", "b")), "which is not a start and an end in seconds"),
        (replace(sample(), span=(0.0, 1.0, 2.0)), "which is not a start and an end in seconds"),
        (replace(sample(), labels={"mood": np.True_}), "label np.True_ of 'mood' is of type bool, not int"),
        (replace(sample(), labels={"mood": 0.0}), "label 0.0 of 'mood' is of type float, not int"),
        (replace(sample(), labels={"mood": "0"}), "label '0' of 'mood' is of type str, not int"),
        (replace(sample(), groups={"subject": 3}), "subject is 3 of type int, not str"),
        (with_data(facts=3.0), "facts is a float, not a bag of 1 instances"),
        (with_data(facts=[[1.0, 2.0, "x"]]), "facts does not hold real numbers"),
        (with_data(facts=[[1.0, [2.0], 3.0]]), "facts does not hold real numbers"),
        (with_data(facts=np.ones((1, 3), complex)), "facts does not hold real numbers in one array: they are complex"),
        (with_data(face=[picture(), "text"]), "face holds a str, not the bytes of a JPEG or PNG file"),
        (
            with_data(face=[picture(), b""]),
            "face cannot be opened as JPEG or PNG (UnidentifiedImageError): it is empty",
        ),
        (
            with_data(face=[picture(), b"GIF89a.."]),
            "face cannot be opened as JPEG or PNG (UnidentifiedImageError): it begins with b'GIF89a..'",
        ),
        (with_data(face=[b"no picture", None]), "face"),
        (with_data(face=[picture(7, 6), None]), "(3, 6, 7), not (3, 6, 4)"),
        (with_data(face=[picture()]), "1 instances, not 2"),
        (replace(sample(), present={"pulse": np.array([True])}), "present"),
        (replace(sample(), inferred={"pulse": np.array([True])}), "inferred of pulse is not bool (2,)"),
        (replace(sample(), inferred={"pulse": np.array([1.0, 0.0])}), "inferred of pulse is not bool (2,)"),
        (replace(sample(), inferred={"taste": np.array([True, True])}), "inferred instances of taste, but no data"),
        (replace(sample(), inferred={"face": np.array([False, True])}), "face is inferred and absent"),
    ],
)
def test_invalid_sample_is_named_with_the_reason(bad: Sample, says: str) -> None:
    with pytest.raises(DataError) as caught:
        check_sample(bad, SCHEMA)
    assert caught.value.where == "s1-t1"
    assert says in caught.value.line


def test_what_is_absent_is_not_judged() -> None:
    spoilt = pulse(lambda values: spoil(values, 1, np.nan))
    check_sample(replace(spoilt, present={"pulse": np.array([True, False])}), SCHEMA)


def test_a_channel_may_rest_in_one_instance() -> None:
    check_sample(pulse(lambda values: spoil(values, (0, 1), 4.0)), SCHEMA)


def test_all_instances_may_be_constant_where_the_modality_says_so() -> None:
    bad = pulse(lambda values: spoil(values, (slice(None), 1), 4.0))
    changes: dict[str, Counter[str]] = {}
    schema = replace(
        SCHEMA, modalities=tuple(replace(each, may_be_constant=each == PULSE) for each in SCHEMA.modalities)
    )
    check_sample(bad, schema, changes)
    assert changes["pulse"] == {"with a constant channel": 2}
    changes.clear()
    check_sample(sample(), schema, changes)
    assert not any(changes.values())


def test_a_vector_may_be_constant() -> None:
    check_sample(with_data(facts=np.full((1, 3), 7.0)), SCHEMA)


def test_inference() -> None:
    guessed = replace(sample(), inferred={"face": np.array([True, False])})
    check_sample(guessed, SCHEMA)
    assert inference(guessed, FACE).tolist() == [True, False]
    assert inference(guessed, PULSE).tolist() == [False, False]


def test_presence() -> None:
    here = replace(sample(), present={"pulse": np.array([False, True])})
    assert presence(here, PULSE).tolist() == [False, True]
    assert presence(here, FACE).tolist() == [True, False]
    assert presence(here, FACTS).tolist() == [True]
    assert presence(replace(here, data={}), PULSE).tolist() == [False, False]


def test_an_id_that_moves_a_terminal_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be stored in records"):
        check_sample(replace(sample(), id="s1\x1b[2J"), SCHEMA)


@pytest.mark.parametrize(
    ("names", "tasks", "groups", "why"),
    [
        (("a.b", "c"), ("side",), (), r"the name 'a\.b' of a modality is empty or has a dot or slash in it"),
        (("a/b", "c"), ("side",), (), "the name 'a/b' of a modality"),
        ((".",), ("side",), (), "of a modality is empty"),
        (("",), ("side",), (), "the name '' of a modality"),
        (("x", "x"), ("side",), (), "two modalities have the name 'x'"),
        (("é" * 51,), ("side",), (), "longer than 100 bytes"),
        (("x",), (".",), (), "of a task is not valid"),
        (("x",), ("",), (), "of a task is not valid"),
        (("x",), ("side",), ("a//b",), "of a group is not valid"),
        (("x",), ("a", "a/b"), (), "'a' is a prefix of the name 'a/b'"),
        (("x",), ("side",), ("site", "site"), "two groups have the name"),
    ],
)
def test_names_that_cannot_be_kept(
    names: tuple[str, ...], tasks: tuple[str, ...], groups: tuple[str, ...], why: str
) -> None:
    schema = Schema(tuple(Modality(name, "vector", (2,)) for name in names), dict.fromkeys(tasks, ("a", "b")), groups)
    with pytest.raises(DataError, match=why) as caught:
        check_schema(schema, "odd")
    assert (caught.value.where, caught.value.remedy) == ("odd", "rename it in the dataset")


def test_names_that_can_be_kept() -> None:
    names = ("[x]", "a b", "é", "a=b", "-x", "a,b", "x" * 100)
    schema = Schema(tuple(Modality(name, "vector", (2,)) for name in names), {"a/b": ("no", "yes")}, ("a/b", "a.b"))
    assert check_schema(schema, "odd") is schema
    with pytest.raises(DataError, match="a modality is called 'type', which is an attribute of torch's ModuleDict"):
        check_modality_names(("x", "type"), "odd")
    check_modality_names(names, "odd")
