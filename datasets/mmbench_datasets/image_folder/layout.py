"""Finds the classes and images in a folder, by the names of folders and files."""

import os
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mmbench import list_folder
from mmbench_datasets.image_folder.people import Images

PARTS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})
_DEPTH = 3  # folders below the root: of a part, of a class, and one in it
# First bytes of image files by suffix: a check without decoding.
_JPEG = (b"\xff\xd8\xff",)
STARTS: Mapping[str, tuple[bytes, ...]] = {
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".jpe": _JPEG,
    ".jfif": _JPEG,
    ".pjpeg": _JPEG,
    ".png": (b"\x89PNG",),
    ".bmp": (b"BM",),
    ".webp": (b"RIFF",),
    ".gif": (b"GIF8",),
    ".tif": (b"II", b"MM"),
    ".tiff": (b"II", b"MM"),
    ".pbm": (b"P1", b"P4"),
    ".pgm": (b"P2", b"P5"),
    ".ppm": (b"P3", b"P6"),
    ".pnm": (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"),
}
# Collections contain PNG files named .jpg, which can be decoded.
STARTS_OF_ALL = tuple({start for starts in STARTS.values() for start in starts})

_OTHERS = frozenset({".heic", ".heif", ".avif", ".jp2", ".jxl", ".svg", ".psd", ".raw", ".cr2", ".nef", ".dng", ".ico"})
_COPY = re.compile(r"(.+?)(?: ?\(\d+\)| - copy(?: \(\d+\))?| copy(?: \d+)?)", re.IGNORECASE)


@dataclass(frozen=True)
class FolderContents:
    """Contents of a folder: ``images`` by class, and the reason why each other file is ``left_out``, by path.

    ``unreadable`` are the images that are broken links or not regular files. ``folders`` are those of the classes, with
    their names, ``inner`` the folders in them, which are not read.
    """

    images: Images
    left_out: Mapping[str, str]
    unreadable: frozenset[str]
    folders: Sequence[tuple[str, Path]] = ()
    inner: Sequence[Path] = ()


def find_images(root: Path) -> FolderContents:
    """Classes under ``root``, numeric names in numeric order, with their images from all parts (train, test ...).

    A link to a folder that is read at another path, or to one above it, is left out.
    """
    repeated = list_folder(root, depth=_DEPTH, enters=_is_entered).repeated
    images: dict[str, list[str]] = {}
    left_out = {file.name: "is not in the folder of a class" for file in _entries(root) if is_image(file.name)}
    left_out |= {link.relative_to(root).as_posix(): _describe_link(root, to) for link, to in repeated.items()}
    unreadable: set[str] = set()
    classes = _class_folders(root, repeated)
    for name, folder in classes:
        mine = images.setdefault(name, [])
        here = {file.name: file for file in _entries(folder) if not _is_folder(file)}
        below = folder.relative_to(root).as_posix()
        for file in here.values():
            path = f"{below}/{file.name}"
            if why := _why_not(file, here):
                left_out[path] = why
            elif is_image(file.name):
                mine.append(path)
                if not _is_file(file):
                    unreadable.add(path)
    ordered = {name: sorted(images[name]) for name in sorted(images, key=_natural)}
    inner = [inner for _, folder in classes for inner in _folders(folder, repeated)]
    return FolderContents(ordered, left_out, frozenset(unreadable), classes, inner)


def _describe_link(root: Path, target: Path) -> str:
    return "is a link to " + (
        "the folder itself" if target == root else f"{target.relative_to(root).as_posix()}, which is read there"
    )


def is_image(name: str) -> bool:
    """Whether a file has the suffix of an image."""
    return PurePosixPath(name).suffix.lower() in STARTS and not name.startswith(".")


def _class_folders(root: Path, repeated: Container[Path]) -> list[tuple[str, Path]]:
    """Names and folders of the classes, in ``root`` or in its parts (train, test ...)."""
    found = _folders(root, repeated)
    are_parts = bool(found) and all(folder.name.lower() in PARTS for folder in found)
    inside = [inner for folder in found for inner in _folders(folder, repeated)] if are_parts else found
    return [(folder.name, folder) for folder in inside]


def _folders(folder: Path, repeated: Container[Path]) -> list[Path]:
    """Subfolders that are neither hidden nor ``repeated``."""
    found = (Path(entry) for entry in _entries(folder) if _is_folder(entry) and _is_entered(entry.name))
    return [path for path in found if path not in repeated]


def _is_entered(name: str) -> bool:
    return not name.startswith((".", "__"))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; False for a link to itself, of which ``is_dir`` raises OSError."""
    return Path(entry).is_dir() if entry.is_symlink() else entry.is_dir()


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file or a link to one; False for a link to itself."""
    return Path(entry).is_file() if entry.is_symlink() else entry.is_file()


def _why_not(file: os.DirEntry[str], here: Mapping[str, os.DirEntry[str]]) -> str | None:
    """Reason why a file in a class folder is not a sample; None for images and hidden files."""
    if file.name.startswith("."):
        return None
    if is_image(file.name):
        return _why_copied(file, here)
    suffix = PurePosixPath(file.name).suffix.lower()
    if suffix in _OTHERS:
        return f"{suffix} is an unsupported image format: convert it to JPEG or PNG"
    if _head(file).startswith((*_JPEG, *STARTS[".png"])):
        return "is an image without the suffix of one: rename it"
    return "has no suffix of an image"


def _why_copied(file: os.DirEntry[str], here: Mapping[str, os.DirEntry[str]]) -> str | None:
    """Reason if a file is a copy by name, as ``x (1).jpg`` of ``x.jpg``, and by content; None otherwise."""
    name = PurePosixPath(file.name)
    match = _COPY.fullmatch(name.stem)
    original = here.get(f"{match[1]}{name.suffix}") if match else None
    if not original or not (_is_file(file) and _is_file(original)) or file.stat().st_size != original.stat().st_size:
        return None
    try:
        is_same = Path(file).read_bytes() == Path(original).read_bytes()
    except OSError:
        return None  # reported when it is read
    return "is a copy of another image, by name and content" if is_same else None


def _head(file: os.DirEntry[str]) -> bytes:
    if not _is_file(file):
        return b""
    try:
        with Path(file).open("rb") as opened:
            return opened.read(4)
    except OSError:
        return b""


def _natural(name: str) -> tuple[bool, int, str]:
    number = name.isdecimal()
    return not number, int(name) if number else 0, name
