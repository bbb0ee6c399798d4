"""Splits of somebody else, from ids alone: groups on both sides, ids in several parts, files that are no split."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.cli.app import app
from mmbench.errors import DataError, SpecError, UserError
from mmbench.reporting.terminal import render, split_audit_table
from mmbench.workflows.audit.split_files import audit_split

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
    assert "LEAK: 75% of the test samples share their actor with the training part" in text


def test_every_field_of_a_pattern_is_a_group_unless_some_are_named(write: Write) -> None:
    audit = audit_split(write(CLIPS), pattern=PATTERN)
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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has the columns of no first line"),
        ("name,part\na,train\n", "has the columns name, part"),
        ("id,id,part\na,b,train\n", "has the columns id, id, part"),
        ("id,part\na,train\nb,tset\n", "line 3: 'tset' is not a part"),
        ("id,part\na,train\nb\n", "line 3: has another number of columns"),
        ("id,part\na,train,x\n", "line 2: has another number of columns"),
        ("id,part\n,train\n", "line 2: has no id"),
        ("id,part\na,train\n", "has no sample in the test part"),
        ("id,part\na,test\n", "has no sample in the training part"),
        ('id,part\n"a,train\n', "is not a CSV file"),
    ],
)
def test_files_that_are_no_split_are_refused_by_line(write: Write, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        audit_split(write(text))


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        audit_split(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"id,part\n\xe9,train\n")
    with pytest.raises(DataError, match="UTF-8"):
        audit_split(tmp_path / "latin.csv")


@pytest.mark.parametrize("pattern", ["", "actor", "{a}{b}", "{a}_{a}", "{1a}"])
def test_patterns_that_cannot_be_told_apart_are_refused(write: Write, pattern: str) -> None:
    with pytest.raises(SpecError, match="--pattern"):
        audit_split(write(CLIPS), pattern=pattern)


def test_ids_that_do_not_match_and_unknown_groups_are_refused(write: Write) -> None:
    with pytest.raises(DataError, match="line 2: the id '1001_IEO_ANG_HI' does not match"):
        audit_split(write(CLIPS), pattern="{actor}-{sentence}")
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
        return result.exception if result.exception else json.loads(result.stdout)

    path = str(write(CLIPS))
    found = invoke("--split", path, "--pattern", PATTERN, "--groups", "actor", "--json")
    assert isinstance(found, dict)
    assert found["overlaps"][0]["share"] == 0.75
    for words, says in (
        ((), "no method and dataset"),
        (("concat",), "no method and dataset"),
        (("concat", "mfeat", "--split", path), "audits ids alone"),
        (("--split", path, "--protocol", "subject"), "audits ids alone"),
        (("--split", path, "--draws", "20"), "audits ids alone"),
        (("concat", "mfeat", "--groups", "actor"), "--groups: no split is given"),
    ):
        assert says in str(invoke(*words))
