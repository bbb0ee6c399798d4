"""Files of the cache that another program wrote, with a footer that fits: read as they are, or refused in one line."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mmbench.data.preparation import Preparation, prepare
from mmbench.data.sources import ArraySource
from mmbench.data.store import Store
from mmbench.data.store_writer import add_checksums
from mmbench.errors import DamagedError
from mmbench.registry.plugins import load_registry
from mmbench.registry.specs import parse_spec
from mmbench.storage.checksum_footer import write_footer
from mmbench.storage.checksums import ChecksummedFile
from mmbench.storage.hdf5 import HDF5_ERRORS

TOY = str(Path(__file__).parents[2] / "plugins" / "toy_plugin.py")
X, PRESENT = "modalities/signal/x", "modalities/signal/present"
N = 8  # samples
Change = Callable[[h5py.File], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("crafted")
    load_registry((TOY,)).find("datasets", "toy").component().simulate(home / "people", subjects=2, trials=2)
    return prepare(Preparation(parse_spec("toy"), home / "people", home / "cache", (TOY,))).path


def put(name: str, **options: Any) -> Change:
    """A dataset in place of the one that is there."""

    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, **options)

    return change


def link(name: str, to: Any) -> Change:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = to

    return change


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((N, 3, 2, 8), "f4")
    layout[:] = h5py.VirtualSource("other.h5", X, (N, 3, 2, 8))
    del file[X]
    file.create_virtual_dataset(X, layout)


def tell(name: str, value: Any) -> Change:
    return lambda file: file.attrs.__setitem__(name, value)


def retell(**values: Any) -> Change:
    """Another schema; ``modality`` is what is changed of the first."""

    def change(file: h5py.File) -> None:
        schema = json.loads(file.attrs["schema"])
        schema["modalities"][0] |= values.pop("modality", {})
        file.attrs["schema"] = json.dumps({**schema, **values})

    return change


CHANGES: Mapping[str, Change] = {
    "texts as numbers": put(X, data=[b"a"] * N),  # NumPy took them for addresses, and the process died
    "references as numbers": put(X, shape=(N, 3, 2, 8), dtype=h5py.ref_dtype),
    "lists of any length": put(X, shape=(N,), dtype=h5py.vlen_dtype("f4")),
    "no numbers": put(X, data=np.float32(1)),
    "few samples": put(X, data=np.zeros((2, 3, 2, 8), "f4")),
    "other shape": put(X, data=np.zeros((N, 2), "f4")),
    "whole numbers": put(X, data=np.zeros((N, 3, 2, 8), "i4")),
    "filters": put(X, shape=(N, 3, 2, 1 << 22), dtype="f4", compression="gzip", chunks=(1, 1, 1, 1 << 22)),
    "petabytes": put(X, shape=(1 << 40, 3, 2, 8), dtype="f4"),
    "petabytes of texts": put("ids", shape=(1 << 40,), dtype=h5py.string_dtype(), chunks=(1,)),
    "external link": link(X, h5py.ExternalLink("other.h5", X)),
    "soft link": link(X, h5py.SoftLink(f"/{X}")),
    "virtual": virtual,
    "external storage": put(X, shape=(N, 3, 2, 8), dtype="f4", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)]),
    "group for dataset": lambda file: (file.__delitem__(X), file.create_group(X)),
    "dataset for group": put("modalities", data=1),
    "nothing": lambda file: file.__delitem__(X),
    "presence of one": put(PRESENT, data=np.ones((1, 1), bool)),
    "presence in numbers": put(PRESENT, data=np.full((N, 3), 7)),
    "inference of one": put("modalities/signal/inferred", data=np.ones((1, 1), bool)),
    "ids in numbers": put("ids", data=np.arange(N)),
    "ids that are alike": put("ids", data=["a"] * N),
    "ids that move a terminal": put("ids", data=[f"\x1b[{at}J" for at in range(N)]),
    "few groups": put("groups/subject", data=["a"]),
    "labels that are no class": put("labels/side", data=np.full(N, 99)),
    "labels below none": put("labels/side", data=np.full(N, -9)),
    "few labels": put("labels/side", data=np.zeros(2, np.int64)),
    "spans": put("spans", data=np.zeros(3)),
    "schema of a list": tell("schema", "[]"),
    "schema of a number": tell("schema", 3),
    "schema without end": tell("schema", "[" * 5000),
    "tasks": retell(tasks={"side": 3}),
    "groups": retell(groups=3),
    "kind": retell(modality={"kind": "evil"}),
    "images": retell(modality={"kind": "image", "shape": [3, 4, 4]}),
    "shape below one": retell(modality={"shape": [-1, 8]}),
    "shape of gigabytes": retell(modality={"shape": [2, 10**9]}),
    "instances": retell(modality={"instances": -1}),
    "name": retell(modality={"name": "a.b"}),
    "attributes": tell("attributes", "[]"),
    "no key": tell("attributes", "{}"),
    "format": tell("format", np.array([3, 3])),
}


def craft(whole: Path, path: Path, change: Change) -> Path:
    """The file changed, and given a new footer."""
    footer = ChecksummedFile(whole).footer
    path.write_bytes(whole.read_bytes()[: footer.size])
    with h5py.File(path, "r+") as file:
        change(file)
    try:
        add_checksums(path, footer.kind, footer.made_from)
    except HDF5_ERRORS:  # what is left of it has no extents
        write_footer(path, footer.kind, footer.made_from)
    return path


def read(path: Path) -> None:
    store = Store(path)
    assert store.key
    store.labels("side")
    for modality in store.schema.modalities:
        store.source(modality.name).read(np.arange(len(store)))


@pytest.mark.parametrize("name", CHANGES)
def test_a_prepared_file_of_another_program(whole: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(DamagedError) as caught:
        read(craft(whole, tmp_path / whole.name, CHANGES[name]))
    assert "\n" not in caught.value.line
    assert caught.value.remedy


OF_TOKENS = (
    "texts as numbers", "references as numbers", "lists of any length", "no numbers", "few samples",
    "whole numbers", "filters",
    "petabytes", "external link", "soft link", "virtual", "external storage", "group for dataset", "dataset for group",
    "nothing", "presence of one", "presence in numbers",
)  # fmt: skip


@pytest.mark.parametrize("name", OF_TOKENS)
def test_a_token_file_of_another_program(whole: Path, tmp_path: Path, name: str) -> None:
    path = craft(whole, tmp_path / "tokens.h5", CHANGES[name])
    with pytest.raises(DamagedError):
        ArraySource(path, "signal").read(np.arange(N))


def test_the_same_file_is_read(whole: Path, tmp_path: Path) -> None:
    read(craft(whole, tmp_path / whole.name, lambda file: None))


def test_data_without_checksums_are_refused(whole: Path, tmp_path: Path) -> None:
    path = craft(whole, tmp_path / whole.name, lambda file: None)
    footer = ChecksummedFile(path).footer
    path.write_bytes(path.read_bytes()[: footer.size])
    write_footer(path, footer.kind, footer.made_from)
    with pytest.raises(DamagedError, match="its footer has no checksums of"):
        read(path)
