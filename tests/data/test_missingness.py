"""Missing and inferred instances are counted by modality and reported in one line each."""

from pathlib import Path

import h5py
import numpy as np

from mmbench import Modality, Sample, Schema
from mmbench.data.merge import merge
from mmbench.data.missingness import change_lines, count_missing, left_out_lines, missingness_lines, sum_changes
from mmbench.data.store import Store
from mmbench.data.store_writer import write_samples

SCHEMA = Schema(
    (Modality("pulse", "vector", (1,), instances=2), Modality("facts", "vector", (1,))), {"mood": ("a", "b")}
)


def part(path: Path, *guessed: tuple[bool, bool] | None) -> Path:
    samples = []
    for number, marks in enumerate(guessed):
        data = {"facts": np.ones((1, 1))} | ({} if marks is None else {"pulse": np.ones((2, 1))})
        inferred = {} if marks is None else {"pulse": np.array(marks)}
        samples.append(Sample(f"{path.stem}-{number}", {"mood": 0}, data, inferred=inferred))
    write_samples(path, samples, SCHEMA, {"key": "k"})
    return path


def test_gaps_are_counted_over_all_parts(tmp_path: Path) -> None:
    parts = [
        part(tmp_path / "one.h5", (True, False), (False, False), None),
        part(tmp_path / "other.h5", (True, True), None),
    ]
    merge(tmp_path / "all.h5", parts, SCHEMA, {"key": "k", "dropped": []})
    gaps = Store(tmp_path / "all.h5").attributes["gaps"]
    assert gaps == {"pulse": {"present": 6, "inferred": 3, "without": 2}}
    assert missingness_lines(gaps) == ["pulse: 50.0% of the instances inferred, 2 samples without"]


def test_no_line_where_nothing_is_missing(tmp_path: Path) -> None:
    with h5py.File(part(tmp_path / "one.h5", (False, False))) as file:
        assert missingness_lines(count_missing(file, SCHEMA)) == []


def test_a_modality_missing_in_every_sample() -> None:
    assert missingness_lines({"pulse": {"present": 0, "inferred": 0, "without": 3}}) == ["pulse: 3 samples without"]


def test_left_out_lines_are_grouped_by_reason() -> None:
    many = {f"s{number}": "no labels" for number in range(1, 6)}
    assert left_out_lines({"12 of 90 s": "too short"} | many) == [
        "left out: 12 of 90 s: too short",
        "left out: s1, s2, ... s5 (5): no labels",
    ]
    assert left_out_lines({"s1": "no labels", "s2": "no labels"}) == ["left out: s1, s2: no labels"]
    assert left_out_lines({}) == []


def test_changes_of_all_parts_are_summed_and_told_by_modality() -> None:
    schema = Schema(
        (Modality("voice", "audio", (1, None), rate=8000.0), Modality("face", "image", (3, 8, 8))), {"mood": ("a", "b")}
    )
    parts = [{"voice": {"clipped": 1}}, {"voice": {"clipped": 2}, "face": {"resized to 8 × 8 (pad)": 1}}, {}]
    assert change_lines(sum_changes(parts), schema) == [
        "3 recordings of voice clipped",
        "1 image of face resized to 8 × 8 (pad)",
    ]
    assert change_lines({}, schema) == []
