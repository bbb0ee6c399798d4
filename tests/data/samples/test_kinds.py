"""Series, texts, tables, videos, images and targets are checked where they enter, and each error says what to do."""

import io
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmbench import Clip, Column, DataError, Modality, Sample, Schema, Task
from mmbench.data.samples.targets import are_targets_valid, stack_targets
from mmbench.data.samples.validation import check_sample, presence

MOTION = Modality("motion", "timeseries", (2, None), instances=2, channels=("left", "right"))
NOTE = Modality("note", "text", (), instances=2)
COLUMNS = (Column("age"), Column("hand", ("left", "right")))
FACTS = Modality("facts", "table", (2,), columns=COLUMNS)
CLIP = Modality("clip", "video", (None, 3, 6, 4))
FACE = Modality("face", "image", (3, 6, 4), resize="crop")
TASKS = {
    "mood": ("low", "high"),
    "tags": Task("labels", ("loud", "young", "new")),
    "rating": Task("values", ("valence", "arousal")),
    "rate": Task("values", ("bpm",)),
}


def convert(modality: Modality, bag: Any, changes: dict[str, Counter[str]] | None = None, **more: Any) -> Sample:
    return check_sample(Sample("s", {}, {modality.name: bag}, **more), Schema((modality,), TASKS), changes)


def picture(width: int, height: int, colour: tuple[int, int, int] = (200, 10, 10)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


WAVE = np.arange(10.0).reshape(2, 5)
FLAT = np.array([[1.0, 2, 3], [7, 7, 7]])


def test_series_keep_their_lengths() -> None:
    found = convert(MOTION, [WAVE, WAVE[:, :1]])
    assert [each.shape for each in found.data["motion"]] == [(2, 5), (2, 1)]
    assert found.data["motion"][0].dtype == np.float32
    assert presence(convert(MOTION, [None, WAVE]), MOTION).tolist() == [False, True]
    marked = convert(MOTION, [WAVE * np.nan, WAVE], present={"motion": np.array([False, True])})
    assert presence(marked, MOTION).tolist() == [False, True]


def test_a_channel_may_rest_in_one_series_but_not_in_all() -> None:
    convert(MOTION, [FLAT, WAVE])
    with pytest.raises(DataError, match="channel right of motion is constant"):
        convert(MOTION, [FLAT, FLAT[:, :2]])


def test_a_sensor_at_rest_is_counted_where_that_is_no_damage() -> None:
    resting, changes = replace(MOTION, may_be_constant=True), {}  # type: dict[str, Counter[str]]
    convert(resting, [FLAT, WAVE], changes)
    convert(resting, [FLAT, FLAT[:, :2]], changes)
    convert(resting, [WAVE[:, :1], WAVE], changes)
    assert changes == {"motion": {"with a constant channel": 3}}
    with pytest.raises(DataError, match="motion holds NaN or infinite values"):
        convert(resting, [FLAT * np.nan, WAVE])


def test_texts_are_utf8() -> None:
    assert convert(NOTE, ["naïve ☺", None]).data["note"] == ["naïve ☺".encode(), None]


def test_the_largest_number_of_a_table_is_that_of_float32() -> None:
    overflow = 2.0**128 - 2.0**103
    for sign in (1, -1):
        found = convert(FACTS, [{"age": sign * np.nextafter(overflow, 0).item(), "hand": "left"}])
        assert found.data["facts"][0, 0] == sign * np.finfo(np.float32).max
        with pytest.raises(DataError, match="not finite as float32"):
            convert(FACTS, [{"age": sign * overflow, "hand": "left"}])


def test_tables_are_numbers_indices_and_nan() -> None:
    row = {"hand": "right", "age": 31}
    np.testing.assert_array_equal(convert(FACTS, [row]).data["facts"], [[31, 1]])
    np.testing.assert_array_equal(convert(FACTS, [{"hand": None, "age": None}]).data["facts"], [[np.nan, np.nan]])
    np.testing.assert_array_equal(convert(FACTS, [{"hand": "left", "age": np.nan}]).data["facts"], [[np.nan, 0]])
    assert not presence(convert(FACTS, [None]), FACTS).any()


@pytest.mark.parametrize(("rule", "corner"), [("stretch", (255, 0, 0)), ("crop", (255, 255, 255)), ("pad", (0, 0, 0))])
def test_images_are_resized_by_the_rule_and_counted(rule: str, corner: tuple[int, int, int]) -> None:
    wide = Image.new("RGB", (40, 20), (255, 255, 255))
    wide.paste((255, 0, 0), (0, 0, 8, 20))
    file = io.BytesIO()
    wide.save(file, "PNG")
    modality = Modality("face", "image", (3, 10, 10), resize=rule)  # type: ignore[arg-type]
    changes: dict[str, Counter[str]] = {}
    stored = convert(modality, [file.getvalue()], changes).data["face"][0]
    with Image.open(io.BytesIO(stored)) as image:
        assert (image.size, image.format) == ((10, 10), "PNG")
        assert image.getpixel((0, 0)) == corner
    assert changes == {"face": {f"resized to 10 × 10 ({rule})": 1}}


@pytest.mark.parametrize("rule", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("size", [(1000, 1), (1, 1000), (1, 1), (11, 10)])
def test_images_of_any_proportions_are_resized(rule: str, size: tuple[int, int]) -> None:
    modality = Modality("face", "image", (3, 10, 10), resize=rule)  # type: ignore[arg-type]
    with Image.open(io.BytesIO(convert(modality, [picture(*size)]).data["face"][0])) as image:
        assert image.size == (10, 10)
        assert np.asarray(image).max() == 200


def test_images_of_the_size_are_left_alone() -> None:
    changes: dict[str, Counter[str]] = {}
    same = picture(4, 6)
    assert convert(FACE, [same], changes).data["face"] == [same]
    assert changes == {}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_images_are_composited_on_white_and_counted(mode: str) -> None:
    changes: dict[str, Counter[str]] = {}
    clear = Image.new("RGBA", (4, 6), (0, 0, 0, 255))
    clear.putpixel((1, 2), (0, 0, 0, 0))
    for modality, size in ((FACE, (4, 6)), (FACE, (8, 12))):
        layered = clear.resize(size, Image.Resampling.NEAREST)
        (stored,) = convert(modality, [encode(layered, mode)], changes).data["face"]
        with Image.open(io.BytesIO(stored)) as image:
            assert image.mode == "RGB"
            assert image.getpixel((0, 0)) == (0, 0, 0)
            assert image.getpixel((1, 2)) > (150, 150, 150)
    assert changes == {"face": {"transparent, composited on white": 2, "resized to 4 × 6 (crop)": 1}}


def test_an_opaque_image_with_an_alpha_channel_is_left_alone() -> None:
    changes: dict[str, Counter[str]] = {}
    opaque = encode(Image.new("RGBA", (4, 6), (0, 9, 0, 255)), "RGBA")
    assert convert(FACE, [opaque], changes).data["face"] == [opaque]
    assert changes == {}


def encode(image: Image.Image, mode: str) -> bytes:
    file = io.BytesIO()
    image.convert(mode).save(file, "PNG")
    return file.getvalue()


def photograph(height: int, width: int) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, "JPEG")
    return file.getvalue()


def test_bytes_behind_an_image_are_no_damage() -> None:
    for whole in (photograph(6, 4), picture(4, 6)):
        longer = whole + b"motion photo" * 20
        assert convert(FACE, [longer]).data["face"] == [longer]


def test_changes_of_an_unusable_sample_are_not_counted() -> None:
    changes: dict[str, Counter[str]] = {}
    schema = Schema((FACE, NOTE), {"mood": ("a", "b")})
    with pytest.raises(DataError):
        check_sample(Sample("s", {}, {"face": [picture(9, 9)], "note": ["", None]}), schema, changes)
    assert changes == {}


def grey_16_bits(height: int, width: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((height, width), 30_000, np.uint16)).save(file, "PNG")
    return file.getvalue()


BAD = [
    (MOTION, [WAVE[:1], None], "motion has an instance of the shape (1, 5), not (2, time)"),
    (MOTION, [WAVE[0], None], "motion has an instance of the shape (5,), not (2, time)"),
    (MOTION, [np.zeros((2, 0)), None], "motion has an instance of length 0"),
    (MOTION, [WAVE + np.inf, None], "motion holds NaN or infinite values"),
    (MOTION, [WAVE], "motion has 1 instances, not 2"),
    (NOTE, ["", None], "note has an empty text — leave the instance out (None)"),
    (NOTE, [" \n", None], "note has an empty text"),
    (NOTE, [b"bytes", None], "note holds a bytes, not a str"),
    (NOTE, ["caf\udce9", None], "note has a text that is not UTF-8: it holds '\\udce9' at character 3"),
    (NOTE, "no", "note is a str, not a bag of 2 instances"),
    (FACTS, [{"age": 3}], "facts has no value of the column 'hand'"),
    (FACTS, [{"age": 3, "hand": "left", "hends": 1}], "unknown column 'hends' — did you mean 'hand'?"),
    (FACTS, [{"age": 3, "hand": "both"}], "unknown level 'both' in the column hand: its levels are left, right"),
    (FACTS, [{"age": 3, "hand": 0}], "unknown level 0"),
    (FACTS, [{"age": "3", "hand": "left"}], "has '3' in the numeric column age"),
    (FACTS, [{"age": 1e300, "hand": "left"}], "not finite as float32"),
    (FACTS, [[3, "left"]], "facts holds a list, not a mapping"),
    (CLIP, [Clip(3, 4)], "clip has a clip whose frames are a int, not a sequence"),  # type: ignore[arg-type]
    (CLIP, [Clip([], [])], "clip has a clip without frames"),
    (CLIP, [Clip([picture(4, 6)], [0, 1])], "a clip of 1 frames with times of the shape (2,)"),
    (CLIP, [Clip([picture(4, 6)] * 2, [1, 1])], "times are not finite and increasing"),
    (CLIP, [Clip([picture(4, 6)], [np.nan])], "times are not finite and increasing"),
    (CLIP, [Clip([picture(4, 6)], ["now"])], "times of frames that are not numbers"),
    (CLIP, [Clip([picture(5, 6)], [0])], "clip has the shape (3, 6, 5), not (3, 6, 4)"),
    (CLIP, [[picture(4, 6)]], "clip holds a list, not a Clip"),
    (Modality("clip", "video", (2, 3, 6, 4)), [Clip([picture(4, 6)], [0])], "a clip of 1 frames, not 2"),
    (FACE, [picture(9, 9)[:20]], "face cannot be opened as JPEG or PNG"),
    (FACE, [photograph(6, 4)[:-40]], "face has an image that is truncated"),
    (CLIP, [Clip([photograph(6, 4)[:-40]], [0])], "clip has an image that is truncated"),
    (FACE, [picture(4, 6)[:-28]], "face has an image that is truncated"),
    (FACE, [grey_16_bits(6, 4)], "face has grey values of 16 bits, which 8 bits would clip"),
    (FACE, [grey_16_bits(9, 9)], "face has grey values of 16 bits"),
    (CLIP, [Clip([grey_16_bits(6, 4)], [0])], "clip has grey values of 16 bits"),
]


@pytest.mark.parametrize(("modality", "bag", "why"), BAD, ids=[why[:40] for _, _, why in BAD])
def test_unusable_instances_are_one_line(modality: Modality, bag: Any, why: str) -> None:
    with pytest.raises(DataError) as caught:
        convert(modality, bag)
    assert why in caught.value.line
    assert caught.value.where == "s"


def label(**labels: Any) -> None:
    check_sample(Sample("s", labels, {}), Schema((NOTE,), TASKS))


def test_targets_of_each_kind() -> None:
    label(mood=np.int64(1), tags=[0, 1, True], rating=(0.5, -2), rate=71)
    label(tags=np.array([1, 0, 0], np.uint8), rating=np.zeros(2, np.float32), rate=[71.5])


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"tags": [0, 1]}, "the target [0, 1] of 'tags' is not a sequence of 3 labels"),
        ({"tags": [0, 1, 2]}, "the labels of 'tags' hold 2, which is neither 0 nor 1"),
        ({"tags": [0.0, 1.0, 1.0]}, "hold 0.0, which is neither 0 nor 1"),
        ({"tags": "011"}, "the target '011' of 'tags' is not a sequence of 3 labels"),
        ({"tags": 1}, "the target 1 of 'tags' is not a sequence"),
        ({"rating": [1, np.nan]}, "arousal of 'rating' is NaN — leave the label out where it is not known"),
        ({"rating": [np.inf, 1]}, "valence of 'rating' is infinite"),
        ({"rating": ["1", "2"]}, "valence of 'rating' is '1' of type str, not a number"),
        ({"rating": "12"}, "the target '12' of 'rating' is not a sequence of 2 numbers"),
        ({"rating": 3.0}, "the target 3.0 of 'rating' is not a sequence of 2 numbers"),
        ({"rating": [[1], [2, 3]]}, "valence of 'rating' is [1] of type list"),
        ({"rate": float("nan")}, "bpm of 'rate' is NaN"),
        ({"rate": "71"}, "the target '71' of 'rate' is not a number"),
        ({"rate": 1 + 2j}, "is not a number"),
        ({"rate": 1e200}, "bpm of 'rate' is 1e+200, whose square is too large"),
        ({"rate": True}, "bpm of 'rate' is True of type bool"),
    ],
)
def test_targets_that_a_task_cannot_have(labels: dict[str, Any], why: str) -> None:
    with pytest.raises(DataError) as caught:
        label(**labels)
    assert why in caught.value.line


def test_targets_are_stacked_with_rows_for_the_unlabelled() -> None:
    tasks = Schema((NOTE,), TASKS).tasks
    tags = stack_targets([None, [0, 1, 1]], tasks["tags"])
    assert (tags.dtype, tags.tolist()) == (np.int64, [[-1, -1, -1], [0, 1, 1]])
    np.testing.assert_array_equal(stack_targets([(1, 2.5), None], tasks["rating"]), [[1, 2.5], [np.nan, np.nan]])
    assert stack_targets([], tasks["rating"]).shape == (0, 2)


@pytest.mark.parametrize(
    ("task", "stored"),
    [
        ("mood", [2]),
        ("mood", [-2]),
        ("tags", [[0, -1, 1]]),
        ("tags", [[-1, 0, 0]]),
        ("tags", [[0, 2, 1]]),
        ("rating", [[np.nan, 1.0]]),
        ("rating", [[1.0, np.nan]]),
        ("rating", [[1.0, np.inf]]),
    ],
)
def test_stored_targets_that_no_task_has(task: str, stored: list) -> None:
    assert not are_targets_valid(np.array(stored), Schema((NOTE,), TASKS).tasks[task])


def test_the_part_of_a_sample_is_one_of_three() -> None:
    with pytest.raises(DataError, match="is in the part 'dev' of the official split — give one of train, validation"):
        convert(NOTE, ["x", None], split="dev")
