"""Folders are listed once, whatever links lead to them."""

import os
from pathlib import Path

import pytest

from mmbench import list_folder
from mmbench.storage import FileResolver


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names_of(root: Path, paths: list[Path]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def test_files_and_folders_are_sorted_and_hidden_folders_not_entered(tmp_path: Path) -> None:
    root = make(tmp_path, "b/x", "a", ".hidden/y", "c/d/e/z")
    found = list_folder(root)
    assert names_of(root, found.files) == [".hidden", "a", "b/x", "c/d/e/z"]
    assert names_of(root, found.folders) == ["b", "c", "c/d", "c/d/e"]
    assert names_of(root, list_folder(root, depth=2).files) == [".hidden", "a", "b/x"]
    assert ".hidden/y" in names_of(root, list_folder(root, enters=lambda _: True).files)


def test_a_link_to_a_listed_folder_is_not_followed_even_if_its_name_comes_first(tmp_path: Path) -> None:
    root = make(tmp_path, "m/n/x", "z/y")
    (root / "a").symlink_to(root / "z")
    (root / "m/n/up").symlink_to(root)
    (root / "m/self").symlink_to(root / "m/self")
    found = list_folder(root)
    assert names_of(root, found.files) == ["m/n/x", "m/self", "z/y"]
    assert found.repeated == {root / "a": root / "z", root / "m/n/up": root}


def test_a_linked_folder_that_lies_elsewhere_is_followed_once(tmp_path: Path) -> None:
    other = make(tmp_path / "other", "x", "deep/y")
    root = make(tmp_path / "root", "own")
    for name in ("first", "second"):
        (root / name).symlink_to(other)
    found = list_folder(root)
    assert names_of(root, found.files) == ["first/deep/y", "first/x", "own"]
    assert found.repeated == {root / "second": root / "first"}


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make(tmp_path, "closed/x", "open/y")
    real = os.scandir

    def scandir(folder: str | Path) -> object:
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list_folder(root)
    assert found.unreadable == {root / "closed": "Permission denied"}
    assert names_of(root, found.files) == ["open/y"]


def test_files_are_resolved_as_paths_resolve_themselves(tmp_path: Path) -> None:
    """Links of files and of folders are followed; a folder is looked up once, whatever it holds."""
    real = tmp_path / "real"
    real.mkdir()
    (real / "a").touch()
    (real / "b").symlink_to(real / "a")
    (real / "gone").symlink_to(real / "nothing")
    (tmp_path / "link").symlink_to(real)
    resolve = FileResolver()
    for path in ("real/a", "link/a", "link/b", "link/gone", "link/missing", "link/../real/a", "link/..", "link/."):
        assert resolve(tmp_path / path) == str((tmp_path / path).resolve()), path
        assert resolve(f"{tmp_path}/{path}") == str(Path(f"{tmp_path}/{path}").resolve()), path
