"""Runs under the official split, whole groups and in order of time, on samples without subjects."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench.data import read_fold_file
from mmbench.data.splits.fold import PARTS
from mmbench.errors import ProtocolError
from mmbench.reporting.terminal import comparison_table, render
from mmbench.results.loading import load_comparison
from mmbench.storage.progress import SilentReporter, use_reporter

SENTENCES = str(Path(__file__).parents[1] / "plugins" / "parts_plugin.py")
Row = dict[str, Any]
Folder = Callable[[Sequence[Row]], Path]


def make_rows(part: Callable[[int, int], str], n_speakers: int = 8, n_sentences: int = 6) -> list[Row]:
    """Every speaker speaks every sentence, one after another."""
    return [
        {
            "id": f"p{speaker}-{sentence}",
            "speaker": f"p{speaker}",
            "sentence": f"t{sentence}",
            "part": part(speaker, sentence),
            "class": (speaker + sentence) % 2,
            "loud": int(sentence % 3 == 0),
            "start": 2 * (speaker * n_sentences + sentence),
        }
        for speaker in range(n_speakers)
        for sentence in range(n_sentences)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    def write(rows: Sequence[Row]) -> Path:
        root = tmp_path / "files"
        root.mkdir(exist_ok=True)
        with (root / "sentences.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return root

    return write


def run(root: Path, protocol: str | None, dataset: str = "sentences", **options: Any) -> Any:
    result = mmbench.run(
        "concat",
        dataset,
        against=["prior"],
        data=root,
        out=root.parent / "runs",
        cache=root.parent / "cache",
        plugins=(SENTENCES,),
        protocol=protocol,
        training={"epochs": 2},
        jobs=1,
        **options,
    )
    assert not result.failed
    return result


def by_speaker(speaker: int, _: int) -> str:
    return "test" if speaker < 2 else "train"


def folds_of(result: Any) -> list[dict[str, Any]]:
    file = read_fold_file(result.path.parent / "folds.json")
    return [{"name": name, **{part: list(file.samples(name, part)) for part in PARTS}} for name in file.ranges]


def test_the_official_split_is_one_fold_and_validation_is_cut_from_whole_speakers(folder: Folder) -> None:
    rows = make_rows(by_speaker)
    rows[-1]["part"] = ""
    result = run(folder(rows), "official")
    (fold,) = folds_of(result)
    assert sorted(fold["test"]) == sorted(row["id"] for row in rows if row["part"] == "test")
    assert rows[-1]["id"] not in {*fold["train"], *fold["validation"]}
    assert len(fold["train"]) + len(fold["validation"]) == 35
    speakers = [{name.split("-")[0] for name in fold[part]} for part in ("train", "validation", "test")]
    assert sum(map(len, speakers)) == len(set.union(*speakers)) == 8
    said = (
        "1 sample belongs to no part of the official split",
        "the official split has no validation part: 1 of the 6 speakers of its training part is held out for "
        "validation",
    )
    assert tuple(result.run["split_notes"]) == said
    text = " ".join(render(comparison_table(result)).split())
    assert all(line in text for line in said)


def test_groups_on_both_sides_of_an_official_split_are_reported(folder: Folder) -> None:
    result = run(
        folder(make_rows(lambda speaker, sentence: "test" if (speaker + sentence) % 4 == 0 else "train")), "official"
    )
    assert result.run["straddling"] == {"speaker": 1.0, "sentence": 1.0, "speaker and sentence": 0.0}
    doubled = make_rows(lambda speaker, _: "test" if speaker == 7 else "train")
    for row in doubled[-6:-3]:
        row["speaker"] = "p0"
    result = run(folder(doubled), "official")
    assert result.run["straddling"] == {"speaker": 0.5, "sentence": 1.0, "speaker and sentence": 0.5}
    text = " ".join(render(comparison_table(load_comparison(result.path))).split())
    assert (
        "LEAK: 50% of the test samples share their speaker and sentence with the training part; scores do not" in text
    )


def test_a_validation_part_of_the_dataset_is_kept(folder: Folder) -> None:
    rows = make_rows(lambda speaker, _: {0: "test", 1: "validation"}.get(speaker, "train"))
    result = run(folder(rows), "official")
    assert {name[:2] for name in folds_of(result)[0]["validation"]} == {"p1"}
    assert "split_notes" not in result.run


class Heard(SilentReporter):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def test_a_number_of_folds_that_the_protocol_does_not_have_is_named(folder: Folder) -> None:
    root = folder(make_rows(lambda speaker, _: {0: "test"}.get(speaker, "train")))
    line = "folds=3 does not apply to the protocol official (the parts of the dataset's own split)"
    for protocol, folds, said in (("official", 3, True), ("official", None, False), ("group:speaker", 3, False)):
        heard = Heard()
        with use_reporter(heard):
            run(root, protocol, folds=folds)
        assert (line in heard.lines) == said


def test_without_parts_the_official_split_is_refused(folder: Folder) -> None:
    with pytest.raises(ProtocolError, match="--protocol official: the samples belong to no official split"):
        run(folder(make_rows(lambda *_: "")), "official")
    with pytest.raises(ProtocolError, match="the official split has no test part"):
        run(folder(make_rows(lambda *_: "train")), "official")


def test_any_declared_group_is_held_out_whole_and_the_first_is_the_default(folder: Folder) -> None:
    root = folder(make_rows(lambda *_: ""))
    for protocol, at in (("group:speaker", 0), ("group:sentence", 1), (None, 0)):
        result = run(root, protocol, folds=3)
        folds = folds_of(result)
        assert len(folds) == 3
        for fold in folds:
            groups = [{name.split("-")[at] for name in fold[part]} for part in ("train", "validation", "test")]
            assert sum(map(len, groups)) == len(set.union(*groups))
        assert result.run["protocol"] == (protocol or "group:speaker")
        assert result.run["straddling"] == {"speaker": float(at == 1), "sentence": float(at == 0)}
    with pytest.raises(ProtocolError, match="sentences declares no actor to hold out whole"):
        run(root, "group:actor")


def test_where_the_default_leaves_an_official_split_unused_the_table_says_so(folder: Folder) -> None:
    root = folder(make_rows(lambda speaker, _: {0: "test", 1: "validation"}.get(speaker, "train")))
    result = run(root, None, folds=3)
    line = (
        "protocol group:speaker by default (whole groups of one speaker held out, k folds, one model): the official "
        "split (train 36, validation 6, test 6) is not used; --protocol official uses it"
    )
    assert result.run["protocol"] == "group:speaker"
    assert result.run["split_notes"] == [line]
    assert line in " ".join(render(comparison_table(load_comparison(result.path))).split())
    for protocol, name in (("official", "sentences"), ("group:sentence", "sentences"), (None, "published")):
        assert "split_notes" not in run(root, protocol, name).run
    unsplit = folder(make_rows(lambda *_: "train"))
    assert "split_notes" not in run(unsplit, None, folds=3).run, "one part alone is no split"


def test_a_dataset_may_declare_its_default_protocol(folder: Folder) -> None:
    root = folder(make_rows(by_speaker))
    assert run(root, None, "published").run["protocol"] == "official"
    assert run(root, "group:speaker", "published", folds=2).run["protocol"] == "group:speaker"


@pytest.mark.parametrize("task", ["mood", "tones", "pitch"])
def test_tasks_of_every_kind_are_stratified(folder: Folder, task: str) -> None:
    root = folder(make_rows(lambda *_: ""))
    plain, balanced = (run(root, None, task=task, folds=3, stratify=each) for each in (False, True))
    assert "stratify" not in plain.run
    assert balanced.run["stratify"] is True
    assert "stratified" in " ".join(render(comparison_table(balanced)).split())
    assert ("lacking" in balanced.run, bool(balanced.run["lacking"])) == (True, False)


def test_a_label_that_few_speakers_have_is_told_to_be_missing(folder: Folder) -> None:
    rows = make_rows(lambda *_: "")
    for row in rows:
        row["loud"] = int(row["speaker"] == "p3")
    result = run(folder(rows), None, task="tones", folds=3)
    missing = result.run["lacking"]
    assert missing["train"].keys() | missing["validation"].keys() == {"loud"}
    assert "has no sample of loud" in " ".join(render(comparison_table(result)).split())


def test_in_order_of_time_each_block_is_tested_after_training_on_what_came_before(folder: Folder) -> None:
    rows = make_rows(lambda *_: "")
    start = {row["id"]: row["start"] for row in rows}
    result = run(folder(rows), "time", folds=3)
    folds = folds_of(result)
    for fold in folds:
        times = [[start[name] for name in fold[part]] for part in ("train", "validation", "test")]
        assert max(times[0]) < min(times[1]) <= max(times[1]) < min(times[2])
    assert result.run["split_notes"] == [
        "12 of 48 samples are tested by no fold: nothing comes before the first blocks"
    ]


def test_samples_without_a_time_cannot_be_ordered(folder: Folder) -> None:
    rows = make_rows(lambda *_: "")
    rows[3]["start"] = ""
    with pytest.raises(ProtocolError, match="--protocol time: 1 of 48 samples has no time"):
        run(folder(rows), "time")


def test_an_audit_examines_every_protocol_that_applies_and_the_official_split(folder: Folder) -> None:
    rows = make_rows(lambda speaker, sentence: "test" if (speaker + sentence) % 4 == 0 else "train", 10, 8)
    root = folder(rows)
    options: dict[str, Any] = {"data": root, "out": root.parent / "runs", "cache": root.parent / "cache", "jobs": 1}
    result = mmbench.audit("concat", "sentences", plugins=(SENTENCES,), **options)
    names = [audit.protocol for audit in result.protocols]
    assert names == ["pooled-segment", "group:speaker", "group:sentence", "official"]
    assert result.find("official").structure.straddling["speaker"] == 1.0
    assert result.find("group:speaker").structure.straddling == {"speaker": 0.0, "sentence": 1.0}
    assert result.strictest in ("group:speaker", "group:sentence")
    assert all(audit.probe.score > 0.6 for audit in result.protocols), "scores are those of tested samples"
