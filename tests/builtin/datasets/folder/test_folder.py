"""Folders of the user: what is understood, asked and refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from mmbench import DataError, SpecError
from mmbench.builtin.datasets.folder.dataset import Folder
from mmbench.conformance import check_dataset
from mmbench.data.dataset_files import check_dataset_files


def write_csv(folder: Path, text: str, name: str = "metadata.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def plain(n: int = 8) -> str:
    rows = [f"a{at},s{at // 2},{at}.5,{'xy'[at % 2]}" for at in range(n)]
    return "\n".join(["id,subject,pulse,label", *rows]) + "\n"


def test_a_plain_table_is_understood_and_conforms(tmp_path: Path) -> None:
    write_csv(tmp_path, plain())
    for check in check_dataset(Folder, tmp_path):
        check()
    schema = Folder().schema_of(tmp_path)
    assert schema.groups == ("subject",)
    assert schema.tasks["label"].names == ("x", "y")
    samples = [sample for unit in Folder().units(tmp_path) for sample in Folder().read(tmp_path, unit)]
    assert [sample.id for sample in samples] == [f"a{at}" for at in range(8)]
    assert samples[3].data["table"] == [{"pulse": 3.5}]


def test_semicolons_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_bytes(b"\xef\xbb\xbf" + plain().replace(",", ";").replace("\n", "\r\n").encode())
    assert Folder().check(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,pulse,label\na,1.5,x\nb,2.5,y\n", "no column says who"),
        ("id,subject,pulse,label\na,s,1.5,1\nb,t,2.5,2\n", "classes or values"),
        ("id,subject,pulse\na,s,1.5\nb,t,2.5\n", "target is not plain"),
        ('id,subject,pulse,label\na,s,"1,5",x\nb,t,"2,5",y\n', "decimal comma"),
        ("id,subject,pulse,label\na,s,1.5,x\na,t,2.5,y\n", "several rows have the id 'a'"),
        ("id,id,label\na,b,x\n", "two columns 'id'"),
        ("id,subject,pulse,label\na,s,1.5,x\nb,t,2.5,NA\nc,t,2.5,y\n", "1 cell 'NA'"),
        ("id,subject,pulse,label\na,s,1.5,x\nb,t,high,y\nc,t,2.5,y\n", "'high' in row 3"),
        ("id,subject,pulse,label\n,s,1.5,x\nb,t,2.5,y\n", "1 row without an id (row 2)"),
        ("id,subject,pulse,label\na,,1.5,x\nb,t,2.5,y\n", "without a value for group subject"),
        ("id,subject,split,pulse,label\na,s,train,1.5,x\nb,t,held,2.5,y\n", "in the part 'held' (row 3)"),
        ("file_name,subject,label\na.txt,s,x\nb.txt,t,y\n", "names no file that exists"),
        ("file_name,subject,label\na.txt,s,x\nb.png,t,y\n", "not of one known kind"),
        ("id,file_name,subject,label\na,,s,x\nb,,t,y\n", "file_name names no file"),
        ("id,subject,split,pulse,label\na,s,left,1.5,x\nb,t,right,2.5,y\n", "split names no part: row 2 has 'left'"),
        ("id,subject,pulse,label\na,s,1.5,x\nb,t,2.5,x\n", "every row has the class 'x' of label"),
        ("id,label\na,b,x\n", "3 cells"),
    ],
)
def test_what_is_not_plain_is_a_problem(tmp_path: Path, text: str, message: str) -> None:
    problems = Folder().check(write_csv(tmp_path, text))
    assert any(message in problem.message and problem.remedy for problem in problems)


def test_the_command_that_shows_all_problems_has_the_path(tmp_path: Path) -> None:
    write_csv(tmp_path, "who,pulse\ns,1.5\nt,2.5\n")
    with pytest.raises(DataError, match=rf"\(and 1 more: mmbench data check {tmp_path}\)"):
        check_dataset_files(Folder(), tmp_path)
    lines = Folder().describe(tmp_path).lines
    assert not any(line.startswith(("samples:", "no groups", "left out: 2 rows")) for line in lines)


def test_a_problem_remedy_is_a_command_only_where_options_answer(tmp_path: Path) -> None:
    (asked,) = Folder().check(write_csv(tmp_path, plain().replace("subject", "who").replace(",s", ",")))
    assert asked.remedy == f"mmbench data describe {tmp_path} --group subject=COLUMN, or --group none"
    (comma,) = Folder().check(write_csv(tmp_path, plain().replace(",", ";").replace(".", ",")))
    assert comma.remedy == "write a point, or add --ignore pulse"


def test_columns_of_text_are_as_the_user_says(tmp_path: Path) -> None:
    write_csv(tmp_path, plain())
    found = Folder().describe(tmp_path, text=("pulse",))
    assert "pulse: text" in found.lines
    for column, what in (("label", "the target"), ("subject", "a group")):
        with pytest.raises(SpecError, match=f"column {column} cannot be text: it is .*{what}"):
            Folder().describe(tmp_path, text=(column,))
    with pytest.raises(SpecError, match="cannot be text: it is ignored"):
        Folder().describe(tmp_path, text=("pulse",), ignore=("pulse",))
    with pytest.raises(SpecError, match="no column 'nobody'"):
        Folder().describe(tmp_path, text=("nobody",))


def test_levels_of_categories_are_told(tmp_path: Path) -> None:
    rows = [f"a{at},s{at},{'lr'[at % 2]},{at}.5,{'xy'[at % 2]}" for at in range(4)]
    lines = Folder().describe(write_csv(tmp_path, "\n".join(["id,subject,hand,pulse,label", *rows]))).lines
    assert "table: table (2): hand (2 levels), pulse" in lines
    assert "table: levels of hand: l, r" in lines


@pytest.mark.parametrize(("missing", "classes", "n"), [(("NA",), ("x", "y"), 8), ((), ("NA", "x", "y"), 9)])
def test_texts_of_empty_cells_are_as_the_user_says(
    tmp_path: Path, missing: tuple[str, ...], classes: tuple[str, ...], n: int
) -> None:
    found = Folder().describe(write_csv(tmp_path, plain() + "a8,s9,8.5,NA\n"), missing=missing)
    assert found.questions == []
    found.path.write_text(found.text, encoding="utf-8")
    assert Folder().schema_of(tmp_path).tasks["label"].names == classes
    assert sum(Folder().contents(tmp_path).values()) == n


def test_na_in_a_target_of_numbers_is_no_class(tmp_path: Path) -> None:
    text = plain().replace(",x", ",0").replace(",y", ",1") + "a8,s9,8.5,NA\n"
    found = Folder().describe(write_csv(tmp_path, text), task="class")
    found.path.write_text(found.text, encoding="utf-8")
    assert Folder().contents(tmp_path) == {"0": 4, "1": 4}
    assert "1 row (row 10)" in Folder().left_out(tmp_path)


def test_a_byte_that_is_not_utf8_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_bytes((plain() + "a9,s9,1.5,m\u00fcde\n").encode("latin-1"))
    (problem,) = Folder().check(tmp_path)
    assert problem.message == "is not UTF-8: byte 0xfc in line 10"


def test_rows_without_target_and_missing_files_are_counted(tmp_path: Path) -> None:
    write_csv(tmp_path, "file_name,subject,label\na.txt,s,x\nb.txt,t,y\nc.txt,t,\n")
    (tmp_path / "a.txt").write_text("some words")
    (problem,) = Folder().check(tmp_path)
    assert (Path(problem.path).name, problem.concerns) == ("b.txt", "sample")
    assert "1 row (row 4)" in Folder().left_out(tmp_path)
    read = [each for unit in Folder().units(tmp_path) for each in Folder().read(tmp_path, unit)]
    assert read[0].data["text"] == ["some words"]
    assert isinstance(read[1], DataError)


def test_a_written_description_is_read_again(tmp_path: Path) -> None:
    write_csv(tmp_path, plain().replace("subject", "who"))
    found = Folder().describe(tmp_path, groups={"speaker": "who"})
    assert found.questions == []
    found.path.write_text(found.text, encoding="utf-8")
    assert Folder().schema_of(tmp_path).groups == ("speaker",)
    with pytest.raises(SpecError, match="no column 'nobody'"):
        Folder().describe(tmp_path, target="nobody")
    found.path.write_text(found.text + "[modality.table2]\nkinds = 1\n", encoding="utf-8")
    assert "did you mean 'kind'?" in Folder().check(tmp_path)[0].message


TOML = 'format = 1\nname = "d"\ntable = "metadata.csv"\nid = "id"\n'
GROUPS = '[groups]\nsubject = "subject"\n'
LABEL = '[task.label]\nkind = "class"\ncolumns = ["label"]\nnames = ["x", "y"]\n'
PULSE = '[modality.pulse]\nkind = "table"\ncolumns = ["pulse"]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TOML + LABEL + PULSE, "does not declare [groups]"),
        (TOML + "[groups]\nsubject = 3\n" + LABEL + PULSE, 'groups.subject is neither "COLUMN" nor {from'),
        (TOML + "[groups]\nsubject = {from = 'id', pattern = 'a('}\n" + LABEL + PULSE, "not a regular expression"),
        (TOML + "[groups]\nsubject = {from = 'id', pattern = 'a'}\n" + LABEL + PULSE, "0 pairs of parentheses"),
        (TOML + "[groups]\nsubject = 'nobody'\n" + LABEL + PULSE, "no column 'nobody'"),
        (TOML + GROUPS + LABEL + PULSE.replace('"table"', '"tabel"'), "modality.pulse.kind is 'tabel', not one of"),
        (TOML + GROUPS + LABEL + '[modality.v]\nkind = "vector"\nfile = "v.npy"\n', 'write match = "order"'),
        (TOML + GROUPS + LABEL.replace('"y"', '"z"') + PULSE, "4 rows with 'y', which is not among the names of task"),
        (TOML + GROUPS + LABEL + PULSE + "may_be_constant = true\n", "pulse.may_be_constant is for timeseries only"),
        (TOML + GROUPS + LABEL + PULSE + "may_be_constant = 1\n", "pulse.may_be_constant is 1, which is not valid"),
        (TOML + GROUPS + LABEL + PULSE + "instances = true\n", "pulse.instances is True, which is not valid"),
        (TOML.replace("metadata", "other") + GROUPS + LABEL + PULSE, "is missing"),
    ],
)
def test_a_description_that_does_not_fit_is_a_problem(tmp_path: Path, text: str, message: str) -> None:
    write_csv(tmp_path, plain())
    (tmp_path / "dataset.toml").write_text(text)
    (problem,) = Folder().check(tmp_path)
    assert message in problem.message
    assert problem.remedy


def test_a_class_that_the_schema_lacks_is_named_with_file_and_row(tmp_path: Path) -> None:
    write_csv(tmp_path, plain() + "a8,s8,8.5,z\n")
    (tmp_path / "dataset.toml").write_text(TOML + GROUPS + LABEL + PULSE)
    errors = [
        each
        for unit in Folder().units(tmp_path)
        for each in Folder().read(tmp_path, unit)
        if isinstance(each, DataError)
    ]
    assert [error.message for error in errors] == ["row 10 has 'z', which is not among the names of task label"]
    assert errors[0].where == str(tmp_path / "metadata.csv")


def test_the_description_of_another_file_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path, plain(), "scores.tsv")
    (tmp_path / "scores.dataset.toml").write_text(TOML + GROUPS + LABEL + PULSE)
    (problem,) = Folder().check(tmp_path / "scores.tsv")
    assert problem.message == "describes metadata.csv, not scores.tsv"


def test_rates_and_sizes_to_which_files_are_converted_are_told(tmp_path: Path) -> None:
    write_csv(tmp_path, "id,file_name,photo_file_name,subject,label\na,a.wav,a.png,s,x\nb,b.wav,b.png,t,y\n")
    for name, rate in (("a", 8000), ("b", 16000)):
        soundfile.write(tmp_path / f"{name}.wav", np.random.default_rng(0).normal(0, 0.1, rate), rate)
        Image.new("RGB", (20, 30), "red").save(tmp_path / f"{name}.png")
    (line,) = Folder().assumptions(tmp_path)
    assert "audio: audio (1, open), resampled to 8000 Hz where the rate is another" in line
    assert "photo: image (3, 224, 224), scaled and cropped to 224 × 224 pixels" in line


def test_files_outside_of_the_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / "away.txt").write_text("far")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "linked.txt").symlink_to(tmp_path / "away.txt")
    write_csv(inner, f"file_name,subject,label\n{tmp_path / 'away.txt'},s,x\nlinked.txt,t,y\n../away.txt,u,x\n")
    lines = Folder().describe(inner).lines
    assert f"outside of the folder: 2 files, such as {tmp_path / 'away.txt'}" in lines
    read = [each for unit in Folder().units(inner) for each in Folder().read(inner, unit)]
    assert [sample.data["text"] for sample in read] == [["far"]] * 3


def test_files_beside_a_single_table_are_not_read(tmp_path: Path) -> None:
    write_csv(tmp_path, plain(), "scores.csv")
    write_csv(tmp_path, "id,extra\na1,2\n", "more.csv")
    np.save(tmp_path / "v.npy", np.zeros((8, 2)))
    schema = Folder().schema_of(tmp_path / "scores.csv")
    assert [(each.name, each.shape) for each in schema.modalities] == [("table", (1,))]
    assert Folder().sources(tmp_path / "scores.csv", "s0") == [tmp_path / "scores.csv"]


def test_lists_of_numbers_are_a_vector_and_lists_of_files_a_bag(tmp_path: Path) -> None:
    rows = [
        {"id": str(at), "subject": f"s{at}", "label": "xy"[at % 2], "emb": [at, 1, 2], "file_name": ["a.txt", "b.txt"]}
        for at in range(4)
    ]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("two")
    assert Folder().check(tmp_path) == []
    samples = [each for unit in Folder().units(tmp_path) for each in Folder().read(tmp_path, unit)]
    assert samples[3].data["emb"].tolist() == [[3, 1, 2]]
    assert samples[3].data["text"] == ["one", "two"]
    (tmp_path / "b.txt").unlink()
    assert [Path(problem.path).name for problem in Folder().check(tmp_path)] == ["b.txt"]


def test_a_changed_table_is_read_again(tmp_path: Path) -> None:
    write_csv(tmp_path, plain())
    assert len(Folder().units(tmp_path)) == 4
    write_csv(tmp_path, plain(12))
    assert len(Folder().units(tmp_path)) == 6
    write_csv(tmp_path, "id,extra\na1,2\n", "more.csv")
    assert [each.name for each in Folder().schema_of(tmp_path).modalities] == ["table", "more"]


def test_arrays_of_one_length_and_of_their_own(tmp_path: Path) -> None:
    rows = [{"subject": f"s{at}", "label": "xy"[at % 2], "words": f"word {at}"} for at in range(4)]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    np.save(tmp_path / "v.npy", np.arange(8.0).reshape(4, 2))
    np.save(tmp_path / "r.npy", np.arange(20.0).reshape(2, 10))
    np.save(tmp_path / "o.npy", np.array([0, 3, 3, 7, 10]))
    (tmp_path / "dataset.toml").write_text(
        'format = 1\nname = "d"\ntable = "metadata.jsonl"\n[groups]\nsubject = "subject"\n'
        '[task.label]\nkind = "class"\ncolumns = ["label"]\nnames = ["x", "y"]\n'
        '[modality.v]\nkind = "vector"\nfile = "v.npy"\nmatch = "order"\n'
        '[modality.w]\nkind = "text"\ncolumns = ["words"]\n'
        '[modality.r]\nkind = "timeseries"\nfile = "r.npy"\noffsets = "o.npy"\nmatch = "order"\n'
        "may_be_constant = true\n"
    )
    assert Folder().check(tmp_path) == []
    assert Folder().name_of(tmp_path) == "d"
    assert [each.name for each in Folder().schema_of(tmp_path).modalities if each.may_be_constant] == ["r"]
    samples = [each for unit in Folder().units(tmp_path) for each in Folder().read(tmp_path, unit)]
    assert samples[2].data["r"][0].tolist() == [[3, 4, 5, 6], [13, 14, 15, 16]]
    assert "r" not in samples[1].data
    assert samples[3].data["v"].tolist() == [[6, 7]]
