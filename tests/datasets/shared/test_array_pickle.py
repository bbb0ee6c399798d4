import io
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmbench import DataError
from mmbench_datasets.deap.simulate.pickle_writer import write_arrays
from mmbench_datasets.shared.array_pickle import load_arrays, load_pickle, load_pickle_tree, load_tree

ARRAYS = {"labels": np.array([[1.0, 9.0]]), "data": np.arange(2.0).reshape(1, 1, 2)}

# What Python 2.7.18 with NumPy 1.16.6 wrote for ARRAYS, cPickle.dumps(ARRAYS, 2) and, after it, protocol 0.
PYTHON2 = (
    b"\x80\x02}q\x01(U\x06labelsq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b"
    b"\x87Rq\x05(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02f8K\x00K\x01\x87Rq\x07(K\x03U\x01<NNNJ\xff\xff\xff\xff"
    b'J\xff\xff\xff\xffK\x00tb\x89U\x10\x00\x00\x00\x00\x00\x00\xf0?\x00\x00\x00\x00\x00\x00"@tbU\x04dataq\x08h\x03'
    b"h\x04K\x00\x85U\x01b\x87Rq\t(K\x01K\x01K\x01K\x02\x87h\x07\x89U\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    b"\x00\x00\x00\xf0?tbu."
)
PYTHON2_TEXT = (
    b"(dp1\nS'labels'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n(cnumpy\nndarray\np4\n(I0\ntS'b'\ntRp5\n(I1\n(I1\n"
    b"I2\ntcnumpy\ndtype\np6\n(S'f8'\nI0\nI1\ntRp7\n(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
    b"S'\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?\\x00\\x00\\x00\\x00\\x00\\x00\"@'\ntbsS'data'\np8\ng3\n(g4\n(I0\ntS'b'\n"
    b"tRp9\n(I1\n(I1\nI1\nI2\ntg7\nI00\n"
    b"S'\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?'\ntbs."
)


def written(arrays):
    file = io.BytesIO()
    write_arrays(file, arrays)
    return file.getvalue()


def test_written_files_equal_those_of_python2():
    assert written(ARRAYS) == PYTHON2


def test_large_arrays_come_back_from_pickle():
    arrays = {"labels": np.ones((40, 4)), "data": np.random.default_rng(0).normal(size=(2, 40, 300))}
    back = pickle.loads(written(arrays), encoding="latin1")
    assert all(np.array_equal(back[key], arrays[key]) for key in arrays)


@pytest.mark.parametrize(
    "content",
    [PYTHON2, PYTHON2_TEXT, *(pickle.dumps(ARRAYS, protocol) for protocol in (2, 3, 4, 5))],
    ids=["python2", "python2-text", "protocol2", "protocol3", "protocol4", "protocol5"],
)
def test_reads_every_protocol(content):
    arrays = load_arrays(content)
    assert all(np.array_equal(arrays[key], ARRAYS[key]) for key in ARRAYS)


LARGE = {"labels": np.ones((2, 4)), "data": np.random.default_rng(0).normal(size=(2, 40, 300))}


@pytest.mark.parametrize("content", [written(LARGE), *(pickle.dumps(LARGE, protocol) for protocol in range(6))])
def test_reads_large_arrays_of_every_protocol(content):
    arrays = load_arrays(content)
    assert all(np.array_equal(arrays[key], LARGE[key]) for key in LARGE)


def test_arrays_of_protocol_5_in_the_order_of_fortran():
    arrays = {"data": np.asfortranarray(LARGE["data"]), "labels": LARGE["labels"]}
    back = load_arrays(pickle.dumps(arrays, 5))
    assert all(np.array_equal(back[key], arrays[key]) for key in arrays)


@pytest.mark.parametrize("size", [100, 70_000])
def test_large_arrays_that_end_in_the_middle_are_damaged(size):
    with pytest.raises(ValueError, match=r"end|Eof|EOF|truncated|size"):
        load_arrays(written(LARGE)[:-size] + pickle.STOP)


def test_reads_the_new_name_of_numpys_core():
    content = PYTHON2.replace(b"numpy.core.multiarray", b"numpy._core.multiarray")
    assert np.array_equal(load_arrays(content)["labels"], ARRAYS["labels"])


def test_reads_fortran_order():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert np.array_equal(load_arrays(pickle.dumps({"data": array}, 2))["data"], array)


def test_code_does_not_run(tmp_path: Path):
    trap, file = tmp_path / "ran", tmp_path / "s01.dat"
    code = f"import os, pickle\nclass Evil:\n    def __reduce__(self): return os.system, ('touch {trap}',)\n"
    code += f"pickle.dump({{'data': Evil()}}, open({str(file)!r}, 'wb'), 2)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(DataError, match=r"s01\.dat: the pickle names posix\.system, .*no code was run"):
        load_pickle(file)
    assert not trap.exists()
    pickle.loads(file.read_bytes())
    assert trap.exists(), "the trap itself does not work"


@pytest.mark.parametrize(
    "name", [b"numpy.core.multiarray\nfromfile", b"builtins\neval", b"numpy\nload", b"copyreg\n_reconstructor"]
)
def test_no_other_name_is_known(name):
    with pytest.raises(DataError, match="is not part of an array of numbers; no code was run"):
        load_arrays(b"c" + name + b"\n.")


@pytest.mark.parametrize(
    "content",
    [
        PYTHON2[:-40],
        PYTHON2[:20],
        b"",
        b"\x80\x02]q\x01.",
        b"\x80\x02}r\xff\xff\xff\x7f",
        PYTHON2.replace(b"K\x01K\x01K\x02\x86", b"K\x01K\xffK\xff\x86"),
        PYTHON2.replace(b"U\x02f8", b"U\x02O8"),
        PYTHON2.replace(b"U\x10", b"T\xff\xff\xff\x7f"),
    ],
    ids=["cut", "cut-early", "empty", "list", "memo-bomb", "wrong-size", "objects", "length-bomb"],
)
def test_damaged_file_is_reported(content):
    with pytest.raises(ValueError):  # noqa: PT011 - what is told is the unpickler's
        load_arrays(content)


def laughs(n, start=b"K\x01"):
    """Tuples of the one before, twice: 2 ** n values in n + 1 tuples."""
    return start + b"q\x00" + b"h\x00h\x00\x86q\x00" * n


NAMES = b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\ndtype\n", b"c_codecs\nencode\n"
MEBIBYTE = b"X\x00\x00\x10\x00" + bytes(1 << 20) + b"q\x01"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            b"\x80\x02}K\x01" + b"2\x86" * 40 + b"K\x01s.",
            "that no pickle of arrays needs",
        ),  # the copies are made by an opcode
        (b"\x80\x02}" + laughs(60) + b"K\x01s.", "a tuple as a key"),
        (b"\x80\x02}(" + laughs(60) + b"K\x01u.", "a tuple as a key"),
        (b"\x80\x02(" + laughs(60) + b"K\x01d.", "a tuple as a key"),
        (b"\x80\x04\x8f(" + laughs(60) + b"\x90.", "that no pickle of arrays needs"),  # a set
        (b"\x80\x02" + laughs(60) + NAMES[1] + b"h\x00\x85R.", "a tuple where a short text is expected"),
        (b"\x80\x02" + laughs(60) + NAMES[2] + b"X\x01\x00\x00\x00ah\x00\x86R.", "a tuple where a short text"),
        (b"\x80\x02" + NAMES[0] + MEBIBYTE + b"R.", "a str as the arguments of a call"),
        (b"\x80\x02" + NAMES[0] + b"}b.", "a dict as the arguments"),
        (b"\x80\x02" + NAMES[0] + b"N\x85b.", "the state of something that has none"),
        (
            b"\x80\x02" + MEBIBYTE + (NAMES[2] + b"h\x01X\x06\x00\x00\x00latin1\x86R") * 3 + b".",
            "one text is decoded many times",
        ),
        (b"\x80\x02" + b"N" * 20_000 + b".", "more than 10000 steps"),
        (b"\x80\x02" + b"K\x01" + b"\x85" * 20_000 + b".", "more than 10000 steps"),
        (b"\x80\x02}" + b"K\x01" + b"\x85" * 9_000 + b"Ns.", "a tuple as a key"),  # its hash would overflow the stack
        (b"\x80\x02\x8b\xff\xff\xff\x7f.", "that no pickle of arrays needs"),  # an integer of 2 GB
        (b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\x00\x00.", "it is truncated"),  # bytes of 256 TB
        (b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\xff.", "it is truncated"),
        (b"\x80\x05\x97.", "that no pickle of arrays needs"),  # a buffer outside the pickle
    ],
)
def test_no_small_file_takes_long(content, why):
    with pytest.raises(ValueError, match=why):
        load_arrays(content)


def test_what_else_a_dict_holds_is_passed_over():
    content = pickle.dumps({**ARRAYS, "notes": ["a", 1.5, ("b", None)], 7: {"x": True}}, 2)
    assert set(load_arrays(content)) == set(ARRAYS)


NESTED = {"signal": {"chest": {"ECG": np.arange(3.0)}, 7: [1, 2.5, ("b", None, True)]}, "subject": "S2", "x": b"raw"}


@pytest.mark.parametrize("protocol", range(6))
def test_a_tree_keeps_containers_texts_and_numbers(protocol, tmp_path: Path):
    file = tmp_path / "S2.pkl"
    file.write_bytes(pickle.dumps(NESTED, protocol))
    tree = load_pickle_tree(file)
    assert np.array_equal(tree["signal"]["chest"].pop("ECG"), np.arange(3.0))
    assert tree == {"signal": {"chest": {}, 7: [1, 2.5, ("b", None, True)]}, "subject": "S2", "x": "raw"}


def test_a_tree_of_python2_has_str_as_keys():
    assert set(load_tree(PYTHON2)) == set(ARRAYS)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x80\x02]q\x00h\x00a.", "more than 20 containers within each other"),  # a list in itself
        (pickle.dumps([[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]], 2), "more than 20 containers"),
        (b"\x80\x02cnumpy\ndtype\n.", "something other than arrays, texts and numbers"),
        (b"\x80\x02" + b"N" * 300 + b".", "more than 200 steps"),
    ],
)
def test_trees_have_a_limit(content, why):
    with pytest.raises(ValueError, match=why):
        load_tree(content, 200)


def test_a_tree_of_lists_that_hold_the_one_before_twice_takes_no_time():
    tree = load_tree(b"\x80\x02" + laughs(18) + b".")
    for _ in range(18):
        assert tree[0] is tree[1]
        tree = tree[0]
    assert tree == 1
