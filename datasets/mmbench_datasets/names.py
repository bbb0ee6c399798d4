"""Finds files by name regardless of case, which copies from case-insensitive disks may change."""

from pathlib import Path


def find_variant(path: Path) -> Path:
    """``path`` if it exists, else the first file whose name differs only in case, else ``path``."""
    if path.exists() or path.is_symlink() or not path.parent.is_dir():
        return path
    wanted = path.name.casefold()
    return next((other for other in sorted(path.parent.iterdir()) if other.name.casefold() == wanted), path)


def list_files(folder: Path) -> list[Path]:
    """Entries of a folder sorted by name; empty if the folder is missing."""
    return sorted(folder.iterdir()) if folder.is_dir() else []
