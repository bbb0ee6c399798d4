"""Each folder of the user has its own prepared files: another one is never reported as the same, prepared again."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from mmbench.data.preparation import Preparation, prepare
from mmbench.data.prepared_folders import PREPARED_FOLDERS, find_prepared_of, note_prepared
from mmbench.registry import Spec
from mmbench.storage import SilentReporter, use_reporter


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


def prepared_again(root: Path, cache: Path) -> Sequence[str]:
    listener = Listener()
    with use_reporter(listener):
        prepare(Preparation(Spec("folder"), root, cache))
    return [message for message in listener.messages if "is prepared again" in message]


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
