"""CSV files as users write them: delimiters, quotes, blanks, lines of errors."""

from pathlib import Path

import pytest

from mmbench import DataError, read_csv


def write(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_commas_semicolons_and_tabs_are_found_in_the_first_line(tmp_path: Path, delimiter: str, end: str) -> None:
    lines = ["id{0} text{0}x", 'a{0} "one, two; three\t"{0}1', "", "b{0}none{0}2"]
    found = read_csv(write(tmp_path, "\ufeff" + end.join(lines).format(delimiter) + end))
    assert found.header == ["id", "text", "x"]
    assert found.rows == [["a", "one, two; three\t", "1"], ["b", "none", "2"]]
    assert found.lines == [2, 4]


def test_delimiters_within_quotes_of_the_header_do_not_count(tmp_path: Path) -> None:
    assert read_csv(write(tmp_path, 'id;"a, b, c, d";x\n1;2;3\n')).header == ["id", "a, b, c, d", "x"]


def test_a_file_of_tabs_is_not_cut_at_commas(tmp_path: Path) -> None:
    assert read_csv(write(tmp_path, "one,two,three\n1,2\n", "table.tsv")).rows == [["1,2"]]


def test_cells_with_lines_count_these(tmp_path: Path) -> None:
    assert read_csv(write(tmp_path, 'id,text\na,"one\ntwo"\nb,three\n')).lines == [3, 4]


def test_the_index_of_pandas_has_its_name(tmp_path: Path) -> None:
    assert read_csv(write(tmp_path, ",id\n0,a\n")).header == ["Unnamed: 0", "id"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,x\na,1\nb\xfc,2\n", "table.csv: is not UTF-8: byte 0xfc in line 3"),
        (b"id,x\na,1\nb,2,3\n", "table.csv, line 3: has 3 cells, the header has 2"),
        (b"id,x\n\na\n", "table.csv, line 3: has 1 cell, the header has 2"),
        (b'id,x\na,"1\n', "table.csv, line 2: is not valid CSV"),
        (b"id,x,x\na,1,2\n", "its header has two columns 'x'"),
        (b"id,,x\na,1,2\n", "its header has a column without a name"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_csv(write(tmp_path, content))
