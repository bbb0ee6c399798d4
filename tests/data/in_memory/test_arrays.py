"""Arrays become a folder of the cache: kinds, missing instances, targets, groups, parts, and what is refused."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmbench import DataError, Modality, Sample, from_arrays
from mmbench.registry import Spec, load_registry

N = 6
Y = ["calm", "tense"] * 3
RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=(N, 2, 8)).astype(np.float32)
IMAGES = RNG.integers(0, 255, (N, 4, 5, 3)).astype(np.uint8)


def read(dataset: Any) -> list[Sample]:
    """The samples of a dataset in the order of their ids."""
    folder, component = Path(dataset), load_registry().dataset(Spec("folder"))
    assert component.check(folder) == []
    found = [sample for unit in component.units(folder) for sample in component.read(folder, unit)]
    assert all(isinstance(sample, Sample) for sample in found)
    return sorted((sample for sample in found if isinstance(sample, Sample)), key=lambda sample: sample.id)


def schema(dataset: Any) -> Any:
    return load_registry().dataset(Spec("folder")).schema_of(Path(dataset))


@pytest.fixture
def make(tmp_path: Path) -> Any:
    def make(x: Any, y: Any = Y, groups: Any = {}, **options: Any) -> Any:  # noqa: B006  # never changed
        return from_arrays({"x": x}, y, groups=groups, cache=tmp_path, **options)

    return make


def series_of(lengths: Sequence[int]) -> list[Any]:
    return [np.full((2, length), 1.0) if length else None for length in lengths]


@pytest.mark.parametrize(
    ("x", "kind", "expected"),
    [
        (np.ones((N, 3)), None, ("vector", (3,), 1)),
        (np.ones((N, 3), dtype=int), None, ("vector", (3,), 1)),
        (np.ones((N, 4, 3)), "vector", ("vector", (3,), 4)),
        (SERIES, ("timeseries", 128.0), ("timeseries", (2, 8), 1)),
        (SERIES[:, 0], ("timeseries", 128), ("timeseries", (1, 8), 1)),
        (SERIES[:, None].repeat(3, axis=1), ("timeseries", 128.0), ("timeseries", (2, 8), 3)),
        (list(SERIES), ("timeseries", 128.0), ("timeseries", (2, 8), 1)),
        (series_of([3, 4, 5, 0, 3, 3]), ("timeseries", 2.0), ("timeseries", (2, None), 1)),
        (SERIES[:, 0], ("audio", 8000.0), ("audio", (1, None), 1)),
        ([np.ones(length) for length in (3, 4, 5, 6, 3, 3)], ("audio", 8000.0), ("audio", (1, None), 1)),
        (IMAGES, None, ("image", (3, 4, 5), 1)),
        (IMAGES.transpose(0, 3, 1, 2), None, ("image", (3, 4, 5), 1)),
        (IMAGES[:, None].repeat(2, axis=1), None, ("image", (3, 4, 5), 2)),
        ([IMAGES[: 1 + at % 2] for at in range(N)], None, ("image", (3, 4, 5), 2)),
        ([[IMAGES[0], None], None, *[[IMAGES[0]]] * 4], None, ("image", (3, 4, 5), 2)),
        ([np.ones((1 + at % 3, 4)) for at in range(N)], "vector", ("vector", (4,), 3)),
        ([SERIES[: 1 + at % 3] for at in range(N)], ("timeseries", 128.0), ("timeseries", (2, 8), 3)),
        ([None, *IMAGES[1:]], None, ("image", (3, 4, 5), 1)),
        (["good", None, "bad", "", "so", "so"], None, ("text", (), 1)),
        (np.array(["good", "bad"] * 3), None, ("text", (), 1)),
        ([["a", "b"], ["c"], [], ["d"], ["e", None], ["f"]], None, ("text", (), 2)),
        (["a.png", "b.png"] * 3, "text", ("text", (), 1)),
        ({"age": [1, 2, None, 4, 5, 6], "sex": ["f", "m"] * 3}, None, ("table", (2,), 1)),
        (SERIES, Modality("x", "timeseries", (2, 8), rate=64.0, channels=("Fp1", "Fp2")), ("timeseries", (2, 8), 1)),
    ],
)
def test_kinds_follow_from_arrays_or_are_stated(make: Any, x: Any, kind: Any, expected: tuple[Any, ...]) -> None:
    dataset = make(x, kinds=None if kind is None else {"x": kind})
    (modality,) = schema(dataset).modalities
    assert (modality.kind, modality.shape, modality.instances) == expected
    assert dataset.lines[1].startswith(f"x: {expected[0]}")
    assert len(read(dataset)) == N


def test_values_arrive_as_they_were(make: Any) -> None:
    samples = read(make(SERIES, kinds={"x": ("timeseries", 128.0)}, ids=[f"id {at}" for at in range(N)]))
    np.testing.assert_array_equal(np.stack([sample.data["x"][0] for sample in samples]), SERIES)
    assert [sample.id for sample in samples] == [f"id {at}" for at in range(N)]
    texts = read(make(["déjà vu", " spaced ", '"quoted"', "a\nb", "tab\t", "😀"]))
    assert [sample.data["x"][0] for sample in texts] == ["déjà vu", " spaced ", '"quoted"', "a\nb", "tab\t", "😀"]


def test_several_modalities_stay_together(tmp_path: Path) -> None:
    facts = RNG.normal(size=(N, 3)).astype(np.float32)
    texts = [f"text {at}" for at in range(N)]
    modalities = {"signal": SERIES, "facts": facts, "image": IMAGES, "text": texts}
    dataset = from_arrays(modalities, Y, groups={}, kinds={"signal": ("timeseries", 8.0)}, cache=tmp_path)
    assert schema(dataset).modality("signal").rate == 8
    for at, sample in enumerate(read(dataset)):
        np.testing.assert_array_equal(sample.data["signal"][0], SERIES[at])
        np.testing.assert_array_equal(sample.data["facts"][0], facts[at])
        np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(sample.data["image"][0]))), IMAGES[at])
        assert sample.data["text"] == [texts[at]]


def test_a_sensor_that_may_rest(make: Any) -> None:
    still = SERIES.copy()
    still[3, 1] = 0
    for may in (False, True):
        dataset = make(still, kinds={"x": Modality("x", "timeseries", (2, 8), rate=8.0, may_be_constant=may)})
        assert schema(dataset).modality("x").may_be_constant is may
        assert np.ptp(read(dataset)[3].data["x"][0, 1]) == 0


def test_a_sample_without_a_target_is_left_out_and_counted(make: Any) -> None:
    dataset = make(np.ones((N, 2)), y=[None, *Y[1:]])
    assert [sample.id for sample in read(dataset)] == [f"row-{at:06d}" for at in range(2, N + 1)]
    assert "target: class, 2 names (calm 2, tense 3); 1 sample without" in str(dataset)


def test_instances_of_nan_and_none_are_missing(make: Any) -> None:
    series = SERIES.copy()
    series[2] = np.nan
    dataset = make(series, kinds={"x": ("timeseries", 128.0)})
    assert ["x" in sample.data for sample in read(dataset)] == [True, True, False, True, True, True]
    assert "missing in 1 sample" in str(dataset)
    bags = np.ones((N, 2, 3))
    bags[0, 1] = np.nan
    first = read(make(bags, kinds={"x": "vector"}))[0]
    assert first.present["x"].tolist() == [True, False]
    ragged = series_of([3, 4, 5, 0, 3, 3])
    ragged[0] = np.full((2, 3), np.nan)
    assert sum("x" in sample.data for sample in read(make(ragged, kinds={"x": ("timeseries", 2.0)}))) == N - 2
    masked = np.ma.masked_array(np.ones((N, 3)), mask=np.arange(N)[:, None].repeat(3, axis=1) == 1)
    assert sum("x" in sample.data for sample in read(make(masked))) == N - 1


@pytest.mark.parametrize(
    ("x", "kinds", "words"),
    [
        (
            SERIES,
            {},
            'kinds={"x": ("timeseries", 128.0)} for time series (Hz), or kinds={"x": "vector"} for bags of vectors',
        ),
        (
            SERIES,
            {"x": "timeseries"},
            'timeseries (6, 2, 8) without a rate — write kinds={"x": ("timeseries", 128.0)} with the rate in Hz',
        ),
        (SERIES[:, None], {}, "bags of time series"),
        (np.ones(N), {}, "write array[:, None]"),
        (np.float64(3), {}, "is no sequence|has the shape"),
        (np.ones((N, 2), dtype=complex), {}, "holds complex128"),
        (np.ones((N, 0)), {}, "without any value"),
        (np.ones((N, 2)) * np.nan, {}, "is missing in every sample"),
        ([None] * N, {}, "is missing in every sample"),
        ([], {}, "has 0 samples, but y has 6"),
        ((SERIES,), {}, "has 1 sample, but y has 6"),
        ("text", {}, "str is no sequence"),
        (np.array([[1.0, np.inf]] * N), {}, "sample 0 has a value that is not finite"),
        (np.array([[1.0, 2.0]] * 4 + [[1.0, np.nan]] * 2), {}, "sample 4 has a value that is not finite"),
        (IMAGES[..., :1], {}, 'image.convert("RGB")'),
        (np.concatenate([IMAGES, IMAGES[..., :1]], axis=-1), {}, 'image.convert("RGB")'),
        (np.concatenate([IMAGES, IMAGES[..., :1]], axis=-1), {"x": "image"}, "without alpha"),
        (np.full((N, 2), 1e300), {}, "sample 0 has a value that is not finite as float32"),
        (IMAGES / 255, {"x": "image"}, "not uint8"),
        ([IMAGES[0], IMAGES[1][:2], *IMAGES[2:]], {}, "(4, 5, 3) and (2, 5, 3) — resize"),
        ([IMAGES[:1], IMAGES[:2, :3], *[IMAGES[:1]] * 4], {}, "(1, 4, 5, 3) and (2, 3, 5, 3) — resize"),
        ([[IMAGES[0], None, IMAGES[0][:2]], *[None] * 5], {}, "sample 0: cannot be read as an array"),
        ([[SERIES[0], None], [SERIES[0][:, :2], None], *[None] * 4], {}, "instances of the shapes (2, 8) and (2, 2)"),
        ([np.ones((at + 1, 2)) for at in range(N)], {"x": ("timeseries", 1.0)}, "array.T turns (T, C) into it"),
        ([np.ones(at + 1) for at in range(N)], {}, 'kinds={"x": ("audio", 16000.0)} for audio'),
        (series_of([3, 4, 5, 0, 3, 3]), {}, 'kinds={"x": ("timeseries", 128.0)}'),
        ([np.ones((2, 0)), *series_of([1, 2, 3, 4, 5])], {"x": ("timeseries", 1.0)}, "sample 0 has no time step"),
        (["a", 1, "b", "c", "d", "e"], {}, "sample 0 holds"),
        (["a"] * N, {"x": "vector"}, "is of texts, not vector"),
        (["a.png", "b.png"] * 3, {}, 'write kinds={"x": "text"} for texts; give files as a column NAME_file_name'),
        ([Path("a.png")] * N, {}, "sample 0 holds a path — give files as a column NAME_file_name"),
        ([b"\xff"] * N, {}, "sample 0 holds |S1"),
        (["\ud800"] * N, {}, "not valid Unicode"),
        (SERIES, {"x": "video"}, "'video' is no kind of arrays"),
        (SERIES, {"x": 128.0}, "is not a kind"),
        (SERIES, {"x": ("timeseries", -1)}, "is no rate in Hz"),
        (np.ones((N, 2)), {"x": ("vector", 3.0)}, "vector has no rate"),
        (SERIES, {"y": "vector"}, "no modality 'y'"),
        (SERIES, {"x": ("timeseries", "128")}, "'128' is no rate in Hz"),
        (np.ones((N, 2)), {"x": Modality("z", "vector", (2,))}, "is called 'z'"),
        (IMAGES, {"x": Modality("x", "image", (3, 4, 5), resize="crop")}, "resize of a modality in memory cannot be"),
        (SERIES, {"x": Modality("x", "timeseries", (3, 8), rate=1.0)}, "has the shape (2, 8), not (3, 8)"),
        (SERIES, {"x": Modality("x", "timeseries", (2, 8), rate=1.0, channels=("a",))}, "2 channels, and 1 name"),
        (np.ones((N, 2)), {"x": Modality("x", "vector", (2,), may_be_constant=True)}, "applies to time series only"),
        ({"a": [1, 2]}, {}, "has 2 samples, but y has 6"),
        ({"a": [1, 2], "b": [1]}, {}, "columns differ in length"),
        ({"a": [f"{at}" for at in range(101)]}, {}, "101 different texts"),
        ({"a": [1, "x"] * 3}, {}, "several types"),
        ({"a": [None] * 6, "b": [1] * 6}, {}, "column 'a' is empty — leave it out"),
        ({"a": [date(2020, 1, 1)] * 6}, {}, "column 'a' holds dates or times — give numbers"),
        ({"a": np.array(["2020-01-01"] * 6, dtype="datetime64[ns]")}, {}, "column 'a' holds dates or times"),
        ({"a": [b"\xff"] * 6}, {}, "column 'a': holds bytes that are no text"),
        (np.ones((5, 2)), {}, "has 5 samples, but y has 6"),
    ],
)
def test_what_is_not_plain_is_an_error_that_says_what_to_write(make: Any, x: Any, kinds: Any, words: str) -> None:
    with pytest.raises(DataError) as caught:
        make(x, kinds=kinds)
    assert any(each in caught.value.line for each in words.split("|")), caught.value.line
    assert caught.value.remedy


def test_bags_of_unequal_size_lack_instances(make: Any) -> None:
    dataset = make([[IMAGES[0], None, IMAGES[1]], IMAGES[2:3], None, *[[IMAGES[3]]] * 3])
    assert "x: image (3, 4, 5), 3 instances a sample; missing in 1 sample; 9 instances missing" in str(dataset)
    first, second, third, *_ = read(dataset)
    assert first.present["x"].tolist() == [True, False, True]
    assert second.present["x"].tolist() == [True, False, False]
    assert "x" not in third.data
    decoded = np.asarray(Image.open(BytesIO(first.data["x"][2])))
    np.testing.assert_array_equal(decoded, IMAGES[1])


def test_images_of_pillow_are_images(make: Any) -> None:
    dataset = make([Image.fromarray(image) for image in IMAGES])
    assert dataset.lines[1] == "x: image (3, 4, 5)"
    with pytest.raises(DataError, match="convert"):
        make([Image.fromarray(image).convert("L") for image in IMAGES])


def test_texts_may_be_bytes_as_hdf5_returns_them(make: Any) -> None:
    dataset = make(np.ones((N, 2)), y=[b"calm", b"tense"] * 3, groups={"subject": np.array([b"p"] * N)})
    assert "target: class, 2 names (calm 3, tense 3)" in str(dataset)
    assert read(dataset)[0].groups == {"subject": "p"}


def test_levels_of_columns_are_told(make: Any) -> None:
    dataset = make({"age": range(N), "sex": ["f", "m"] * 3})
    assert dataset.lines[1] == "x: table (2): age, sex (2 levels)"


@pytest.mark.parametrize("name", ["", "a/b", "a.b", "x" * 101])
def test_names_that_no_file_can_hold_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="from_arrays: "):
        from_arrays({name: np.ones((N, 2))}, Y, groups={}, cache=tmp_path)
    with pytest.raises(DataError, match="name"):
        from_arrays({"x": np.ones((N, 2))}, Y, groups={"": Y}, cache=tmp_path)


@pytest.mark.parametrize("name", ["", " ", "a\n", None, 3])
def test_a_dataset_has_a_name(name: Any, make: Any) -> None:
    with pytest.raises(DataError, match='write a text, such as name="mine"'):
        make(np.ones((N, 2)), name=name)


def test_data_that_are_not_contiguous_are_written_as_their_copy(make: Any) -> None:
    wide = np.random.default_rng(1).normal(size=(2 * N, 8)).astype(np.float32)
    assert make(wide[::2, ::2]).path == make(wide[::2, ::2].copy()).path
    written = np.load(make(wide[::2].T.copy().T, name="columns").path / "modality-0.npy")
    np.testing.assert_array_equal(written, wide[::2])
    assert written.flags.c_contiguous


def test_a_sparse_matrix_and_a_tensor_with_gradient_are_refused(make: Any) -> None:
    import torch
    from scipy.sparse import csr_matrix

    with pytest.raises(DataError, match="toarray"):
        make(csr_matrix(np.ones((N, 2))))
    with pytest.raises(DataError, match="detach"):
        make(torch.ones(N, 2, requires_grad=True))
    with pytest.raises(DataError, match="float"):
        make(torch.ones(N, 2, dtype=torch.bfloat16))
    assert len(read(make(torch.ones(N, 2)))) == N


@pytest.mark.parametrize(
    "groups",
    [
        None,
        ["a"] * N,
        {"subject": ["a"]},
        {"subject": [None, *"abcde"]},
        {"subject": "s"},
        {"subject": np.ones((N, 1))},
    ],
)
def test_groups_are_stated_and_complete(make: Any, groups: Any) -> None:
    with pytest.raises(DataError, match="groups"):
        make(SERIES, groups=groups, kinds={"x": ("timeseries", 1.0)})


def test_groups_and_parts_reach_the_samples(make: Any) -> None:
    split = ["train", "train", "validation", "validation", "test", "test"]
    dataset = make(np.ones((N, 2)), groups={"subject": np.arange(N) // 2}, split=split)
    assert [sample.groups for sample in read(dataset)] == [{"subject": str(at // 2)} for at in range(N)]
    assert sorted(sample.split or "" for sample in read(dataset)) == sorted(split)
    assert "official split: train 2, validation 2, test 2" in str(dataset)
    with pytest.raises(DataError, match="sample 1 has the part 'dev' — use train, validation, test"):
        make(np.ones((N, 2)), split=["train", "dev"] * 3)
    with pytest.raises(DataError, match="'a' is there twice"):
        make(np.ones((N, 2)), ids=["a"] * N)


def test_no_modality_is_an_error(tmp_path: Path) -> None:
    slips: list[Any] = [{}, np.ones((N, 2)), [np.ones((N, 2))]]
    for modalities in slips:
        with pytest.raises(DataError, match="NAME"):
            from_arrays(modalities, Y, groups={}, cache=tmp_path)
    frame: Any = SimpleNamespace(columns=["a"], __getitem__=None)
    with pytest.raises(DataError, match=r"mmbench\.from_frame"):
        from_arrays(frame, Y, groups={}, cache=tmp_path)


def test_the_folder_is_named_by_its_content_and_restored(make: Any, tmp_path: Path) -> None:
    dataset = make(np.ones((N, 2)))
    path = Path(dataset)
    written = (path / "metadata.jsonl").stat().st_mtime_ns
    assert make(np.ones((N, 2))).path == path
    assert (path / "metadata.jsonl").stat().st_mtime_ns == written
    assert make(np.zeros((N, 2))).path != path
    assert make(np.ones((N, 2)), y=Y[::-1]).path != path
    (path / "modality-0.npy").unlink()
    (path / "dataset.toml").write_text("changed")
    assert len(read(make(np.ones((N, 2))))) == N


def test_a_dataset_shows_what_was_understood(make: Any) -> None:
    dataset = make(np.ones((N, 2)), name="<b>")
    assert str(dataset).splitlines()[:3] == [
        "<b>: 6 samples",
        "x: vector (2)",
        "target: class, 2 names (calm 3, tense 3)",
    ]
    assert repr(dataset) == "<dataset <b>: 6 samples>"
    assert dataset._repr_html_().startswith("<pre>&lt;b&gt;: 6 samples")
    assert load_registry().dataset(Spec("folder")).name_of(Path(dataset)) == "<b>"


def test_a_column_called_as_one_of_files_holds_cells(tmp_path: Path) -> None:
    cells = ["left", "right"] * 3
    data = from_arrays({"hand": {"file_name": cells}}, list("xyxyxy"), groups={}, cache=tmp_path)
    assert [sample.data["hand"][0]["hand.file_name"] for sample in read(data)] == cells
