"""Notes beside prepared files: a folder is told apart from others, and its inventory is taken once."""

import errno
from collections.abc import Sequence
from pathlib import Path

import pytest

from mmbench import Dataset, StorageError
from mmbench.data import preparation, prepared_notes
from mmbench.data.inventory import Inventory, take_inventory
from mmbench.data.preparation import Preparation, prepare
from mmbench.data.prepared_notes import (
    INVENTORIES,
    PREPARED_FOLDERS,
    find_prepared_of,
    note_prepared,
    recall_inventory,
)
from mmbench.registry import Spec
from mmbench.storage import SilentReporter, load_object, use_reporter


class Listener(SilentReporter):
    """Keeps messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        """Keep a line."""
        self.messages.append(text)


def write(folder: Path, pulse: float) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"a{at},s{at // 2},{at + pulse},{'xy'[at % 2]}" for at in range(8)]
    (folder / "metadata.csv").write_text("\n".join(["id,subject,pulse,label", *rows]))
    return folder


def messages(root: Path, cache: Path) -> Sequence[str]:
    listener = Listener()
    with use_reporter(listener):
        prepare(Preparation(Spec("folder"), root, cache))
    return listener.messages


def prepared_again(root: Path, cache: Path) -> Sequence[str]:
    return [message for message in messages(root, cache) if "is prepared again" in message]


def test_another_folder_of_the_same_name_is_other_data(tmp_path: Path) -> None:
    cache, one, other = tmp_path / "cache", write(tmp_path / "1" / "study", 0.5), write(tmp_path / "2" / "study", 0.25)
    assert prepared_again(one, cache) == []
    assert prepared_again(other, cache) == []
    write(one, 0.75)
    (message,) = prepared_again(one, cache)
    assert message.startswith(f"{one} is prepared again; differences to folder-")
    assert "metadata.csv" in message
    assert len(find_prepared_of(cache, one)) == 2
    assert len(find_prepared_of(cache, other)) == 1


def test_a_copy_of_a_folder_takes_its_prepared_file(tmp_path: Path) -> None:
    cache, one, copy = tmp_path / "cache", write(tmp_path / "1", 0.5), write(tmp_path / "2", 0.5)
    for root in (one, copy):
        (root / "dataset.toml").write_text(
            'format = 1\nname = "study"\ntable = "metadata.csv"\nid = "id"\n[groups]\nsubject = "subject"\n'
            '[task.label]\nkind = "class"\ncolumns = ["label"]\nnames = ["x", "y"]\n'
            '[modality.table]\nkind = "table"\ncolumns = ["pulse"]\n'
        )
        prepare(Preparation(Spec("folder"), root, cache))
    assert find_prepared_of(cache, one) == find_prepared_of(cache, copy) != []


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": [1]}'])
def test_a_damaged_list_is_written_again(tmp_path: Path, content: str) -> None:
    (tmp_path / PREPARED_FOLDERS).write_text(content)
    assert find_prepared_of(tmp_path, tmp_path) == []
    (tmp_path / "prepared").mkdir()
    (tmp_path / "prepared" / "folder-0.h5").write_text("")
    note_prepared(tmp_path, tmp_path, tmp_path / "prepared" / "folder-0.h5")
    assert find_prepared_of(tmp_path, tmp_path) == [tmp_path / "prepared" / "folder-0.h5"]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of which an inventory was taken."""
    folders: list[Path] = []

    def take(dataset: Dataset, root: Path, **options: bool) -> Inventory:
        folders.append(root)
        return take_inventory(dataset, root, **options)

    monkeypatch.setattr(preparation, "take_inventory", take)
    return folders


def test_an_inventory_is_taken_once_and_told_each_time(tmp_path: Path, taken: list[Path]) -> None:
    root, cache = write(tmp_path / "study", 0.5), tmp_path / "cache"
    (root / "notes.xyz").write_text("one")
    first = [line for line in messages(root, cache) if "not read" in line]
    again = [line for line in messages(root, cache) if "not read" in line]
    assert first == again == [line for line in first if "1 file" in line] != []
    assert taken == [root]


def test_an_inventory_is_taken_again_where_any_file_changed(tmp_path: Path, taken: list[Path]) -> None:
    root, cache = write(tmp_path / "study", 0.5), tmp_path / "cache"
    messages(root, cache)
    (root / "notes.xyz").write_text("one")
    assert any("not read" in line for line in messages(root, cache))
    (root / "notes.xyz").write_text("another")
    messages(root, cache)
    (root / "notes.xyz").unlink()
    assert not any("not read" in line for line in messages(root, cache))
    assert len(taken) == 4
    write(root, 0.75)
    messages(root, cache)
    assert len(taken) == 5


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}'])
def test_a_damaged_note_is_taken_again(tmp_path: Path, taken: list[Path], content: str) -> None:
    root, cache = write(tmp_path / "study", 0.5), tmp_path / "cache"
    (root / "notes.xyz").write_text("one")
    messages(root, cache)
    (cache / INVENTORIES).write_text(content)
    assert any("not read" in line for line in messages(root, cache))
    assert len(taken) == 2


def test_lines_of_prepared_files_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    for number in range(3):
        prepared = tmp_path / "prepared" / f"toy-{number}.h5"
        assert recall_inventory(tmp_path, prepared, {"number": number}, lambda: ["a line"]) == ["a line"]
    assert [*load_object(tmp_path / INVENTORIES)] == ["toy-2.h5"]


def test_nothing_is_noted_in_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, text: str) -> None:
        raise StorageError("cannot be written", where=path) from OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(prepared_notes, "write_text", refuse)
    assert recall_inventory(tmp_path, tmp_path / "toy.h5", {}, lambda: ["a line"]) == ["a line"]
