"""Pickles of weights that cost without bound are refused before torch builds them."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from mmbench import WeightsError
from mmbench.storage.pickles import check_pickle
from mmbench.training.pretrained import load_state_dict

LAUGHS = b"K\x01q\x00" + b"h\x00h\x00\x86q\x00" * 40
BOMBS = {
    "a key": b"\x80\x02}q\x01" + LAUGHS + b"h\x01(h\x00K\x01u.",
    "a key, alone": b"\x80\x02" + LAUGHS + b"}h\x00K\x01s.",
    "a key after a mark": b"\x80\x02" + LAUGHS + b"(h\x00K\x01d.",
    "a name": b"\x80\x02" + LAUGHS + b"h\x00)R.",  # an error would tell the whole of it
    "copies": b"\x80\x02}K\x01" + b"2\x86" * 40 + b"K\x01s.",
    "a wide one": b"\x80\x02}q\x01(" + b"K\x01" * 3000 + b"tq\x02h\x01h\x02K\x01s.",
    "a deep one": b"\x80\x02}K\x01" + b"\x85" * 9000 + b"K\x01s.",
}


def archive(content: bytes) -> bytes:
    """A file of torch.save whose pickle is another."""
    file, made = io.BytesIO(), io.BytesIO()
    torch.save({"a": torch.zeros(2)}, file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name.endswith("data.pkl") else old.read(name))
    return made.getvalue()


def legacy(content: bytes) -> bytes:
    """A file of before torch 1.6 whose third pickle is another."""
    file = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, file, _use_new_zipfile_serialization=False)
    file.seek(0)
    for _ in range(3):
        check_pickle(file)
    return file.getvalue()[: file.tell()] + content


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("packed", [archive, legacy])
def test_tuples_without_end_are_refused(tmp_path: Path, name: str, packed: object) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(packed(BOMBS[name]))  # type: ignore[operator]
    with pytest.raises(WeightsError, match=r"tuples nested too deeply|a tuple of too many values"):
        load_state_dict(path)


@pytest.mark.parametrize("is_zip", [True, False])
def test_weights_are_read(tmp_path: Path, is_zip: bool) -> None:
    state = {f"layer.{at}": torch.full((2, 3), float(at)) for at in range(300)}
    rest = {"epoch": 3, "sizes": tuple(range(5000)), ("a", 1): ((1, 2), (3, (4, 5)))}
    torch.save({"state_dict": state, **rest}, tmp_path / "w.pt", _use_new_zipfile_serialization=is_zip)
    found = load_state_dict(tmp_path / "w.pt")
    assert all(torch.equal(found[name], value) for name, value in state.items())


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_read_to_its_end(protocol: int) -> None:
    value = {"a": [1, (2.0, "x", None)], ("k", 2): {"b": b"bytes", frozenset({1, 2}): {1, 2}}, 3: bytearray(b"z")}
    file = io.BytesIO(pickle.dumps(value, protocol) + b"what follows")
    check_pickle(file)
    assert file.read() == b"what follows"
