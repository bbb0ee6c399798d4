"""Files by their names, whatever the case: disks that ignore it, and copies from them, change it."""

from pathlib import Path


def find_variant(path: Path) -> Path:
    """The file of this name; where there is none, the first whose name differs only in case, if there is one."""
    if path.exists() or path.is_symlink() or not path.parent.is_dir():
        return path
    wanted = path.name.casefold()
    return next((other for other in sorted(path.parent.iterdir()) if other.name.casefold() == wanted), path)


def list_files(folder: Path) -> list[Path]:
    """What is in a folder, by name, small letters last; nothing where there is no folder."""
    return sorted(folder.iterdir()) if folder.is_dir() else []
