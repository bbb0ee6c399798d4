"""Splits of somebody else, from ids alone: groups on both sides, ids in several parts, files that are no split."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.cli.app import app
from mmbench.errors import DataError, SpecError, UserError
from mmbench.reporting.terminal import render, split_audit_table
from mmbench.workflows.split_audit.overlaps import audit_split

PATTERN = "{actor}_{sentence}_{emotion}_{level}"
CLIPS = """id,label,part
1001_IEO_ANG_HI,ANG,train
1001_IEO_SAD_LO,SAD,train
1001_DFA_ANG_HI,ANG,test
1002_DFA_SAD_HI,SAD,train
1002_IEO_SAD_HI,SAD,test
1003_IEO_ANG_HI,ANG,test
1001_IEO_ANG_XX,ANG,test
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def as_file(text: str) -> Path:
        path = tmp_path / "split.csv"
        path.write_bytes(text.encode())
        return path

    return as_file


def test_groups_and_their_combinations_are_counted(write: Write) -> None:
    audit = audit_split(write(CLIPS), ["actor", "sentence"], PATTERN)
    assert audit.parts == {"train": 3, "validation": 0, "test": 4}
    counts = {
        each.groups: (each.shared, each.tested, each.groups_shared, each.groups_tested) for each in audit.overlaps
    }
    assert counts == {("actor",): (3, 4, 2, 3), ("sentence",): (4, 4, 2, 2), ("actor", "sentence"): (1, 4, 1, 4)}
    text = " ".join(render(split_audit_table(audit)).split())
    assert "7 samples: training 3, no validation part, test 4" in text
    assert "LEAK: 3 of 4 test samples (75%) share their actor with the training part" in text


def test_named_groups_of_a_regular_expression_are_the_groups(write: Write) -> None:
    audit = audit_split(write(CLIPS), from_name=r"(?P<actor>\d+)_(?P<sentence>[A-Z]+)_.*")
    by_fields = audit_split(write(CLIPS), ["actor", "sentence"], PATTERN)
    assert audit.overlaps == by_fields.overlaps
    chosen = audit_split(write(CLIPS), ["sentence"], r"(?P<actor>\d+)_(?P<sentence>[A-Z]+)_.*")
    assert [each.groups for each in chosen.overlaps] == [("sentence",)]


@pytest.mark.parametrize(
    ("from_name", "says"),
    [
        ("(?P<actor>", "not a regular expression"),
        ("(?P<a>x)(?P<a>y)", "not a regular expression"),
        (r"(?P<actor>\d+)", "line 2: the id '1001_IEO_ANG_HI' does not match"),
        (r"(?P<actor>\d+)_.*(?P<take>T)?", "line 2: has no take"),
    ],
)
def test_regular_expressions_that_do_not_fit_are_refused(write: Write, from_name: str, says: str) -> None:
    with pytest.raises(UserError, match=re.escape(says)):
        audit_split(write(CLIPS), from_name=from_name)


def test_a_group_is_a_column_or_a_part_of_the_id_not_both(write: Write) -> None:
    path = write("id,part,site\nx_1,train,a\ny_1,test,b\n")
    with pytest.raises(SpecError, match=r"'site' is a column of .* and a group of --from-name"):
        audit_split(path, from_name="{site}_{take}")


def test_the_class_is_not_a_leak(write: Write) -> None:
    audit = audit_split(write(CLIPS.replace("1001_DFA_ANG_HI,ANG", "1004_DFA_ANG_HI,ANG")), ["emotion"], PATTERN)
    (overlap,) = audit.overlaps
    assert (overlap.share, overlap.is_label, overlap.leaks, audit.leaks) == (1.0, True, False, False)
    text = render(split_audit_table(audit))
    assert "emotion is the class: every part should have each" in text
    assert "No leak found: no id is on both sides." in text


def test_classes_are_counted_by_part(write: Write) -> None:
    text = "id,label,part\na,x,train\nb,x,test\nc,y,test\nd,,test\ne,x,\n"
    audit = audit_split(write(text))
    assert audit.classes == {
        "": {"train": 0, "validation": 0, "test": 1},
        "x": {"train": 1, "validation": 0, "test": 1},
        "y": {"train": 0, "validation": 0, "test": 1},
    }
    shown = render(split_audit_table(audit)).splitlines()
    assert [line.split() for line in shown if line.startswith(("class", "x", "y", "(no"))] == [
        ["class", "training", "test"],
        ["(no", "label)", "0", "1"],
        ["x", "1", "1"],
        ["y", "0", "1"],
    ]
    assert any("2 classes in the test part but not in training: (no label), y" in line for line in shown)


def test_classes_beyond_twenty_are_counted_and_in_json(write: Write) -> None:
    rows = [f"a{at},c{at:02d},train\nb{at},c{at:02d},test" for at in range(23)]
    audit = audit_split(write("\n".join(["id,label,part", *rows])))
    text = render(split_audit_table(audit))
    assert "c19" in text
    assert "c20" not in text
    assert "3 more classes: --json" in text
    assert len(audit.to_json()["classes"]) == 23


def test_a_validation_part_that_is_the_test_part_leaks(write: Write) -> None:
    same = "id,part,site\na,train,s\nb,val,t\nb,test,t\nc,val,u\nc,test,u\n"
    audit = audit_split(write(same), ["site"])
    assert (audit.validation_in_test, audit.validation_is_test, audit.leaks) == (2, True, True)
    assert audit.overlaps[0].shared == 0, "a test sample does not share its site with itself"
    assert "the validation part is the test part: the same 2 ids" in " ".join(render(split_audit_table(audit)).split())
    some = audit_split(write(same + "d,val,u\n"), ["site"])
    assert (some.validation_in_test, some.validation_is_test, some.overlaps[0].shared) == (2, False, 1)
    assert "2 validation ids also in the test part" in " ".join(render(split_audit_table(some)).split())


def test_one_file_in_two_parts_leaks_under_any_ids(write: Write) -> None:
    audit = audit_split(
        write("id,part,file_name,text_file_name\na,train,x.wav,\nb,test,y.wav,t.txt\nc,test,x.wav,t.txt\n")
    )
    assert (audit.straddling, audit.shared_files, audit.leaks) == ((), ("x.wav",), True)
    assert "LEAK: 1 file in several parts: x.wav" in render(split_audit_table(audit))


def test_every_field_of_a_pattern_is_a_group_unless_some_are_named(write: Write) -> None:
    audit = audit_split(write(CLIPS), from_name=PATTERN)
    assert len(audit.overlaps) == 15
    assert audit.overlaps[0].groups == ("actor",)
    assert audit.overlaps[-1].groups == ("actor", "sentence", "emotion", "level")
    assert audit.overlaps[-1].shared == 0


def test_groups_may_be_columns_and_parts_have_their_usual_names(write: Write) -> None:
    text = "\ufeffid,split,site\na,Training,x\nb,val,y\nc,TEST,y\nd,test,z\ne,,z\n"
    audit = audit_split(write(text), ["site"])
    assert (audit.parts, audit.unassigned) == ({"train": 1, "validation": 1, "test": 2}, 1)
    assert audit.overlaps[0].share == 0.5, "validation counts, samples in no part do not"


def test_a_column_without_a_name_is_ignored(write: Write) -> None:
    audit = audit_split(write(",id,part,site\n0,a,train,x\n1,b,test,x\n"), ["site"])
    assert audit.overlaps[0].share == 1


@settings(deadline=None, max_examples=200)
@given(text=st.one_of(st.binary(max_size=60), st.text('id,part\ntrainesab"\r\0', max_size=60).map(str.encode)))
def test_any_file_is_a_split_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"id,part\n" + text)
    with suppress(UserError):  # any other exception is a bug
        audit = audit_split(path)
        assert min(audit.parts["train"], audit.parts["test"]) > 0


def test_ids_in_several_parts_and_twice_in_one_are_reported(write: Write) -> None:
    audit = audit_split(write("id,part\na,train\nb,train\nb,train\na,test\nc,test\nc,\n"))
    assert (audit.straddling, audit.repeated, audit.overlaps) == (("a",), ("b",), ())
    text = render(split_audit_table(audit))
    assert "LEAK: 1 id in several parts: a" in text
    assert "1 id several times in one part: b" in text
    assert "ids alone were compared: --groups and --from-name" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has the columns of no first line"),
        ("name,part\na,train\n", "has the columns name, part"),
        ("id,id,part\na,b,train\n", "its header has two columns 'id'"),
        ("id,part\na,train\nb,tset\n", "line 3: 'tset' is not a part"),
        ("id,part\na,train\nb\n", "line 3: has 1 cell, the header has 2"),
        ("id,part\na,train,x\n", "line 2: has 3 cells, the header has 2"),
        ("id,part\n,train\n", "line 2: has no id"),
        ("id,part\na,train\n", "has no sample in the test part"),
        ("id,part\na,test\n", "has no sample in the training part"),
        ('id,part\n"a,train\n', "line 2: is not valid CSV"),
    ],
)
def test_files_that_are_no_split_are_refused_by_line(write: Write, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        audit_split(write(text))


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_read(write: Write, delimiter: str) -> None:
    text = "id,part,actor\na,train,1\nb,test,1\nc,test,2\n"
    (overlap,) = audit_split(write(text.replace(",", delimiter)), ["actor"]).overlaps
    assert (overlap.tested, overlap.shared) == (2, 1)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        audit_split(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"id,part\n\xe9,train\n")
    with pytest.raises(DataError, match="UTF-8"):
        audit_split(tmp_path / "latin.csv")


@pytest.mark.parametrize("pattern", ["", "actor", "{a}{b}", "{a}_{a}", "{1a}"])
def test_patterns_that_cannot_be_told_apart_are_refused(write: Write, pattern: str) -> None:
    with pytest.raises(SpecError, match="--from-name"):
        audit_split(write(CLIPS), from_name=pattern)


def test_ids_that_do_not_match_and_unknown_groups_are_refused(write: Write) -> None:
    with pytest.raises(DataError, match="line 2: the id '1001_IEO_ANG_HI' does not match"):
        audit_split(write(CLIPS), from_name="{actor}-{sentence}")
    with pytest.raises(SpecError, match=r"--groups: .* no column 'actr' — did you mean 'actor'"):
        audit_split(write(CLIPS), ["actr"], PATTERN)
    with pytest.raises(SpecError, match="6 groups are too many"):
        audit_split(write(CLIPS), list("abcdef"))


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from(("train", "test"))), min_size=1, max_size=12))
def test_shares_are_those_of_a_plain_count(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    rows = [*rows, ("x", "train"), ("y", "test")]
    path = tmp_path_factory.mktemp("split") / "split.csv"
    path.write_text("id,part,site\n" + "".join(f"{at},{part},{site}\n" for at, (site, part) in enumerate(rows)))
    trained = {site for site, part in rows if part == "train"}
    tested = [site for site, part in rows if part == "test"]
    assert audit_split(path, ["site"]).overlaps[0].share == sum(site in trained for site in tested) / len(tested)


def test_the_published_split_of_crema_d_has_every_actor_and_sentence_on_both_sides(shared: Path) -> None:
    audit = audit_split(shared / "splits" / "cremad-ogm.csv", ["actor", "sentence"], PATTERN)
    assert [(each.shared, each.tested, each.groups_shared) for each in audit.overlaps] == [
        (744, 744, 91),
        (744, 744, 12),
        (744, 744, 545),
    ]


def test_the_shell_takes_a_split_or_a_method_and_a_dataset(write: Write) -> None:
    from typer.testing import CliRunner

    def invoke(*words: str) -> object:
        result = CliRunner().invoke(app, ["audit", *words])
        return json.loads(result.stdout) if result.exit_code in (0, 1) and result.stdout else result.exception

    path = str(write(CLIPS))
    found = invoke("--split", path, "--from-name", PATTERN, "--groups", "actor", "--json")
    assert isinstance(found, dict)
    assert found["overlaps"][0]["share"] == 0.75
    assert found["leaks"] is True
    for words, says in (
        ((), "no method and dataset"),
        (("concat",), "no method and dataset"),
        (("concat", "mfeat", "--split", path), "audits ids alone"),
        (("--split", path, "--protocol", "subject"), "audits ids alone"),
        (("--split", path, "--draws", "20"), "audits ids alone"),
        (("concat", "mfeat", "--groups", "actor"), "--groups: no split is given"),
        (("concat", "mfeat", "--from-name", "{actor}"), "--from-name: no split is given"),
    ):
        assert says in str(invoke(*words))


@pytest.mark.parametrize(
    ("text", "code"),
    [("id,part,site\na,train,x\nb,test,y\n", 0), ("id,part,site\na,train,x\nb,test,x\n", 1), ("id,part\na,train\n", 2)],
)
def test_the_exit_code_says_whether_the_split_leaks(
    write: Write, monkeypatch: pytest.MonkeyPatch, text: str, code: int
) -> None:
    from mmbench.cli.app import main

    monkeypatch.setattr("sys.argv", ["mmbench", "audit", "--split", str(write(text)), "--groups", "site"])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == code
