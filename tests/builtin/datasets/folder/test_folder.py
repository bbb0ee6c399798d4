"""Folders of the user: what is understood, asked and refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmbench import DataError, SpecError
from mmbench.builtin.datasets.folder.dataset import Folder
from mmbench.conformance import check_dataset


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
        ("id,subject,pulse,label\na,s,1.5,x\na,t,2.5,y\n", "more than once"),
        ("id,id,label\na,b,x\n", "two columns 'id'"),
        ("id,label\na,b,x\n", "3 cells"),
    ],
)
def test_what_is_not_plain_is_a_problem(tmp_path: Path, text: str, message: str) -> None:
    problems = Folder().check(write_csv(tmp_path, text))
    assert any(message in problem.message and problem.remedy for problem in problems)


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
    )
    assert Folder().check(tmp_path) == []
    assert Folder().name_of(tmp_path) == "d"
    samples = [each for unit in Folder().units(tmp_path) for each in Folder().read(tmp_path, unit)]
    assert samples[2].data["r"][0].tolist() == [[3, 4, 5, 6], [13, 14, 15, 16]]
    assert "r" not in samples[1].data
    assert samples[3].data["v"].tolist() == [[6, 7]]
