"""What a run would refuse is said where a folder is described, with the row and the number of cases."""

from pathlib import Path

import pytest

from mmbench.builtin.datasets.folder.dataset import Folder
from mmbench.data.dataset_files import check_dataset_files

ROWS = [f"a{at},s{at // 4},{at}.5,{'xy'[at % 2]}" for at in range(12)]
VALUES = [f"a{at},s{at // 4},{at}.5,{at}.25" for at in range(25)]


def write(folder: Path, rows: list[str], header: str = "id,subject,pulse,label") -> Path:
    (folder / "metadata.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS, "a3,s1,3.5,x"], "several rows have the id 'a3' (row 5, row 14)"),
        ([*ROWS, "a12,,3.5,x"], "1 row without a value for group subject (row 14)"),
        ([row[:-1] + "x" for row in ROWS], "every row has the class 'x' of label"),
        ([*VALUES, "a30,s1,3.5,inf"], "1 row whose target label is infinite or too large (row 27)"),
        ([*VALUES, "a30,s1,3.5,-1e200"], "1 row whose target label is infinite or too large (row 27)"),
        ([*ROWS, "a12,s1,inf,x", "a13,s1,-1e39,y"], "2 rows with inf in column pulse, which is not finite as float32"),
    ],
)
def test_a_description_has_the_problems_of_a_check(tmp_path: Path, rows: list[str], message: str) -> None:
    found = Folder().describe(write(tmp_path, rows))
    assert found.questions == []
    assert any(message in problem.message and problem.remedy for problem in found.problems)
    assert list(found.problems) == Folder().check(tmp_path)


def test_nothing_is_refused_of_plain_rows(tmp_path: Path) -> None:
    assert Folder().describe(write(tmp_path, ROWS)).problems == []
    assert Folder().describe(write(tmp_path, VALUES)).problems == []


def test_empty_files_are_counted_and_dropped(tmp_path: Path) -> None:
    texts = {f"t{at}.txt": "" if at == 3 else " \r\n" if at == 7 else f"answer {at}" for at in range(12)}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    write(tmp_path, [f"{name},s{at // 4},{'xy'[at % 2]}" for at, name in enumerate(texts)], "file_name,subject,label")
    (problem,) = Folder().describe(tmp_path).problems
    assert problem.path == str(tmp_path / "t3.txt")
    assert problem.message == "is empty, as 1 other of 12 files of text (t3.txt, t7.txt)"
    check_dataset_files(Folder(), tmp_path, bad="drop")
    (tmp_path / "t3.txt").write_text("said")
    (problem,) = Folder().check(tmp_path)
    assert (problem.path, problem.message) == (str(tmp_path / "t7.txt"), "is empty")


def test_samples_without_a_text_are_counted(tmp_path: Path) -> None:
    rows = [f"a{at},s{at // 4},{'' if at in (2, 5) else f'answer {at}'},{'xy'[at % 2]}" for at in range(12)]
    found = Folder().describe(write(tmp_path, rows, "id,subject,transcript,label"))
    assert "transcript: missing in 2 of 12 samples" in found.lines
    assert found.problems == []


def test_too_few_people_for_the_default_protocol_are_reported(tmp_path: Path) -> None:
    lines = Folder().describe(write(tmp_path, [f"a{at},s0,{at}.5,{'xy'[at % 2]}" for at in range(12)])).lines
    needed = "folds of whole groups need 3: add data, or choose another --protocol"
    assert f"subject: 1 value; {needed}" in lines
