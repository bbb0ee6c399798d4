import datetime
import gzip
import io
import pickle
import re
import zipfile

import h5py
import numpy as np
import pytest

from mmbench import DataError
from mmbench_datasets.deap.ratings import check_agreement, load_ratings
from mmbench_datasets.deap.recordings import Recording, find_bad_trials, load_recording

SHAPE = (40, 40, 8064)
HEADER = "Participant_id,Trial,Experiment_id,Start_time,Valence,Arousal,Dominance,Liking,Familiarity\n"


def write_dat(path, data, labels):
    path.write_bytes(pickle.dumps({"data": data, "labels": labels}, 2))
    return path


def test_a_cut_dat_is_named(simulated, tmp_path):
    path = tmp_path / "s01.dat"
    path.write_bytes((simulated / "data_preprocessed_python/s01.dat").read_bytes()[:1_000_000])
    with pytest.raises(DataError, match=r"s01\.dat: cannot be read as a pickle of DEAP: it is truncated"):
        load_recording(path)


def test_a_cut_mat_is_named(tmp_path):
    from scipy.io import savemat

    whole = io.BytesIO()
    savemat(whole, {"data": np.zeros((40, 4, 800)), "labels": np.ones((40, 4))}, do_compression=True)
    for length in (0, 60, 200, len(whole.getvalue()) - 20):
        path = tmp_path / "s01.mat"
        path.write_bytes(whole.getvalue()[:length])
        with pytest.raises(
            DataError, match=r"s01\.mat: (is empty|.*it is not a MATLAB file of level 5|.*it is truncated|has no array)"
        ):
            load_recording(path)


def test_missing_arrays_and_wrong_shapes(tmp_path):
    labels = np.ones((40, 4))
    with pytest.raises(DataError, match="has no array 'data'"):
        load_recording(write_dat(tmp_path / "s01.dat", None, labels))
    with pytest.raises(DataError, match=r"'data' is float64 \(40, 32, 8064\), not numbers \(40, 40, 8064\)"):
        load_recording(write_dat(tmp_path / "s01.dat", np.zeros((40, 32, 8064)), labels))
    with pytest.raises(DataError, match=r"'labels' is float64 \(39, 4\)"):
        load_recording(write_dat(tmp_path / "s01.dat", np.zeros(SHAPE, "i1"), labels[1:]))


def test_nan_names_its_trial(tmp_path):
    data = np.zeros(SHAPE, "f2")
    data[6, 3, 100] = np.nan
    path = write_dat(tmp_path / "s01.dat", data, np.ones((40, 4)))
    found = find_bad_trials(path, load_recording(path))
    assert list(found) == [6]
    assert "s01.dat, trial 7: has NaN" in found[6].line


@pytest.mark.parametrize("value", [0.5, 9.5, np.nan])
def test_a_label_outside_names_its_trial(tmp_path, value):
    labels = np.full((40, 4), 5.0)
    labels[11, 1] = value
    path = write_dat(tmp_path / "s01.dat", np.zeros(SHAPE, "i1"), labels)
    found = find_bad_trials(path, load_recording(path))
    assert list(found) == [11]
    assert re.search(r"s01\.dat, trial 12: arousal is .* outside 1-9", found[11].line)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("s01.dat", b"version https://git-lfs.github.com/spec/v1\n.", "is a pointer of Git LFS"),
        ("s01.dat", gzip.compress(pickle.dumps({}, 2), mtime=0), "is compressed by gzip"),
        ("s01.dat", b"<html>404</html>", "is an HTML page"),
        (
            "s01.dat",
            pickle.dumps({"data": np.zeros(3), "labels": np.zeros(3)}, 5),
            "'data' is float64 (3,), not numbers (40, 40, 8064) or (40, 40, 7680)",
        ),
        ("s01.dat", pickle.dumps([1, 2], 2), "holds a list, not a dict"),
        (
            "s01.dat",
            pickle.dumps({"when": datetime.timedelta(1)}, 2),
            "names datetime.timedelta, which is not part of an array",
        ),
        (
            "s01.mat",
            b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512, b"\0"),
            "it is in MATLAB's format 7.3, and truncated or damaged",
        ),
        ("s01.mat", pickle.dumps({}, 2), "it is not a MATLAB file of level 5"),
    ],
)
def test_error_states_the_cause(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_recording(tmp_path / name)
    assert message in caught.value.line
    assert "\n" not in caught.value.line


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,1,5,0,1,2,3,4,\n1,1,6,0,1,2,3,4,\n", "line 3: repeats a trial"),
        ("1,1,5,0,1,2,3,4,\n1,2,5,0,1,2,3,4,\n", "line 3: repeats a trial"),
        ("1,x,5,0,1,2,3,4,\n", "line 2: not a row"),
        ("1,1,5\n", "line 2: has 3 cells, the header has 9"),
        ("1,1.5,5,0,1,2,3,4,\n", "line 2: not a row of ratings \\(1.5 is not an integer\\)"),
        ("1,inf,5,0,1,2,3,4,\n", "line 2: not a row"),
        ("1,,5,0,1,2,3,4,\n", "line 2: not a row"),
        ("1,1,5,0,1,2,3,9.5,\n", "line 2: a rating outside 1-9"),
    ],
)
def test_bad_rows_of_ratings(tmp_path, rows, message):
    path = tmp_path / "participant_ratings.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(DataError, match=message):
        load_ratings(path)


def test_ratings_need_their_columns(tmp_path):
    path = tmp_path / "participant_ratings.csv"
    path.write_text("Participant_id,Trial\n1,1\n")
    with pytest.raises(DataError, match="has no column Experiment_id, Valence"):
        load_ratings(path)


def test_ratings_with_blank_familiarity_and_byte_order_mark(tmp_path):
    path = tmp_path / "participant_ratings.csv"
    path.write_text("\ufeff" + HEADER + "2,7,5,0,1,2.5,3,4,\n", encoding="utf-8")
    rating = load_ratings(path)[2, 5]
    assert (rating.trial, rating.values) == (7, (1.0, 2.5, 3.0, 4.0))


def test_ratings_as_spreadsheets_save_them(tmp_path):
    """Whole numbers with a fraction of zeros, and rows of empty cells."""
    path = tmp_path / "participant_ratings.csv"
    path.write_text(HEADER + "2.0,7.0,5.0,0,1,2.5,3,4,\n,,,,,,,,\n2,8,6,0,1,2.5,3,4,\n,,,,,,,,\n")
    assert {key: rating.trial for key, rating in load_ratings(path).items()} == {(2, 5): 7, (2, 6): 8}


def test_ratings_that_are_not_the_labels(tmp_path):
    path = tmp_path / "participant_ratings.csv"
    path.write_text(HEADER + "1,2,1,0,1,2,3,4,\n")
    ratings = load_ratings(path)
    check_agreement(path, ratings, 1, np.array([[1.0, 2, 3, 4]]))
    with pytest.raises(DataError, match=r"participant 1, Experiment_id 1: ratings .* differ from the labels"):
        check_agreement(path, ratings, 1, np.array([[1.0, 2, 3, 5]]))
    with pytest.raises(DataError, match="Experiment_id 2: has no ratings"):
        check_agreement(path, ratings, 1, np.array([[1.0, 2, 3, 4], [1, 2, 3, 4]]))


@pytest.mark.parametrize("protocol", [2, 5])
def test_a_copy_without_baselines_is_read(tmp_path, protocol):
    data = np.zeros((40, 40, 7680), "i1")
    path = tmp_path / "s01.dat"
    path.write_bytes(pickle.dumps({"data": data, "labels": np.full((40, 4), 5.0)}, protocol))
    assert load_recording(path).trials.shape == data.shape


def test_trials_are_the_same_with_and_without_baselines():
    data = np.random.default_rng(0).normal(size=SHAPE).astype("f4")
    labels = np.full((40, 4), 5.0)
    whole, cut = Recording(data, labels), Recording(data[:, :, 384:], labels)
    assert whole.trials.shape == (40, 40, 7680)
    np.testing.assert_array_equal(whole.trials, cut.trials)


def test_reads_matlabs_format_7_3(tmp_path):
    random = np.random.default_rng(0)
    data, labels = random.integers(-9, 9, SHAPE, "i1"), random.uniform(1, 9, (40, 4))
    path = tmp_path / "s01.mat"
    with h5py.File(path, "w", userblock_size=512) as file:  # MATLAB writes axes in reverse order
        file["data"], file["labels"] = data.T, labels.T
    content = bytearray(path.read_bytes())
    content[:20] = b"MATLAB 7.3 MAT-file,"
    path.write_bytes(content)
    found = load_recording(path)
    np.testing.assert_array_equal(found.data, data)
    np.testing.assert_array_equal(found.labels, labels)
    with h5py.File(tmp_path / "s02.mat", "w") as file:  # as other programs write it, without MATLAB's header
        file["data"], file["labels"] = data.T, labels.T
    np.testing.assert_array_equal(load_recording(tmp_path / "s02.mat").labels, labels)
    path.write_bytes(content[:4000])
    with pytest.raises(DataError, match=r"s01\.mat: cannot be read as a MATLAB file of DEAP"):
        load_recording(path)


ROWS = [HEADER.strip().split(","), [2.0, 7.0, 5.0, 0, 1, 2.5, 3.25, 4, None], [2, 8, 6, 0, 1, 2.5, 3, 4, None]]


def test_ratings_with_semicolons_and_commas_in_numbers(tmp_path):
    path = tmp_path / "participant_ratings.csv"
    for delimiter in ";\t":
        cells = [["" if cell is None else str(cell).replace(".", ",") for cell in row] for row in ROWS]
        path.write_text("".join(delimiter.join(row) + "\n" for row in cells))
        assert load_ratings(path)[2, 5].values == (1.0, 2.5, 3.25, 4.0)


def test_names_of_columns_may_differ_in_case_and_spaces(tmp_path):
    path = tmp_path / "participant_ratings.csv"
    path.write_text(HEADER.upper().replace(",", " ,") + "2,7,5,0,1,2.5,3,4,\n")
    assert load_ratings(path)[2, 5].trial == 7


@pytest.mark.parametrize("suffix", [".xlsx", ".ods"])
def test_ratings_of_a_spreadsheet(tmp_path, suffix):
    path = tmp_path / f"participant_ratings{suffix}"
    write_spreadsheet(path, [*ROWS[:2], [None] * 9, ROWS[2]])
    ratings = load_ratings(path)
    assert {key: rating.trial for key, rating in ratings.items()} == {(2, 5): 7, (2, 6): 8}
    assert ratings[2, 5].values == (1.0, 2.5, 3.25, 4.0)
    write_spreadsheet(path, [*ROWS, ["x", *ROWS[1][1:]]])
    with pytest.raises(DataError, match=rf"participant_ratings\{suffix}, line 4: not a row of ratings"):
        load_ratings(path)


def test_what_is_no_spreadsheet_is_said(tmp_path):
    path = tmp_path / "participant_ratings.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0 and no more")
    with pytest.raises(DataError, match=r"participant_ratings\.xls: cannot be read"):
        load_ratings(path)


def write_spreadsheet(path, rows):
    """The least that Excel's or OpenDocument's format needs; there is no library for both among the dependencies."""
    with zipfile.ZipFile(path, "w") as archive:
        if path.suffix == ".ods":
            space = "urn:oasis:names:tc:opendocument:xmlns"
            cells = "".join(
                f"<table:table-row>{''.join(_ods_cell(value) for value in row)}</table:table-row>" for row in rows
            )
            names = "".join(f' xmlns:{name}="{space}:{name}:1.0"' for name in ("office", "table", "text"))
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr(
                "META-INF/manifest.xml",
                f'<manifest:manifest xmlns:manifest="{space}:manifest:1.0"/>',
            )
            archive.writestr(
                "content.xml",
                f"<office:document-content{names}><office:body><office:spreadsheet>"
                f'<table:table table:name="ratings">{cells}</table:table>'
                "</office:spreadsheet></office:body></office:document-content>",
            )
            return
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        cells = "".join(
            f'<row r="{line}">{"".join(_xlsx_cell(value, line, place) for place, value in enumerate(row))}</row>'
            for line, row in enumerate(rows, 1)
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{relation}"><sheets>'
            '<sheet name="ratings" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        links = {"_rels/.rels": ("officeDocument", "xl/workbook.xml")}
        links["xl/_rels/workbook.xml.rels"] = ("worksheet", "worksheets/sheet1.xml")
        for name, (kind, target) in links.items():
            archive.writestr(
                name,
                '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                f'<Relationship Id="rId1" Type="{relation}/{kind}" Target="{target}"/></Relationships>',
            )
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'
        )


def _ods_cell(value):
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, str):
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{value}"/>'


def _xlsx_cell(value, line, place):
    at = f'r="{chr(ord("A") + place)}{line}"'
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c {at} t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c {at}><v>{value}</v></c>"
