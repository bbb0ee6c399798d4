"""Files of MM-IMDb: the split, and of each film a JSON file and a poster."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mmbench import DataError, check_content
from mmbench_datasets.names import find_home
from mmbench_datasets.shared.remedies import GET_AGAIN

Part = Literal["train", "validation", "test"]
Plot = Literal["longest", "first", "outline"]

PARTS: Mapping[Part, str] = {"train": "train", "validation": "dev", "test": "test"}
"""The official parts, with their names in the split."""

# fmt: off
GENRES = (
    "Drama", "Comedy", "Romance", "Thriller", "Crime", "Action", "Adventure", "Horror", "Documentary", "Mystery",
    "Sci-Fi", "Fantasy", "Family", "Biography", "War", "History", "Music", "Animation", "Musical", "Western", "Sport",
    "Short", "Film-Noir",
)
# fmt: on
"""The genres that are predicted, from the most to the least frequent."""

SPLIT = "split.json"
N_FILMS = 25959
_ID = re.compile(r"[\w-]{1,100}", re.ASCII)  # a file name without folders
_END = 64  # bytes in which the marker of the end of an image lies
_DESCRIPTIONS, _POSTERS = ("dataset", "labels"), ("dataset", "images")


class FilmFiles(NamedTuple):
    """The files of a film, whether they exist or not."""

    description: Path
    poster: Path


class Release(NamedTuple):
    """The split, and the folders of the files."""

    split: Path
    films: Mapping[Part, Sequence[str]]

    def files(self, film: str) -> FilmFiles:
        """The files of a film: together in ``dataset``, as published, or apart in ``labels`` and ``images``."""
        home = self.split.parent
        return FilmFiles(_first(home, _DESCRIPTIONS, f"{film}.json"), _first(home, _POSTERS, f"{film}.jpeg"))


def _first(home: Path, folders: Sequence[str], name: str) -> Path:
    paths = [home / folder / name for folder in folders]
    return next((path for path in paths if is_there(path)), paths[0])


def is_there(path: Path) -> bool:
    """Whether there is a file or link; False where the folder may not be entered."""
    try:
        return path.exists() or path.is_symlink()
    except OSError:
        return False


def find_split(root: Path) -> Path:
    """The split in a folder, or in the only folder in it that has one; DataError where several have."""
    return find_home(root, lambda folder: is_there(folder / SPLIT)) / SPLIT


def load_release(root: Path) -> Release:
    """The films of each part; raises DataError for a split that is missing, damaged, or has a film in two parts."""
    path = find_split(root)
    tree = load_json(path)
    parts: dict[Part, list[str]] = {}
    for part, key in PARTS.items():
        ids = tree.get(key) if isinstance(tree, dict) else None
        if not isinstance(ids, list) or not all(isinstance(film, str) and film for film in ids):
            raise DataError(f"has no list of films as {key!r}", where=path, remedy="get split.json of MM-IMDb again")
        if odd := next((film for film in ids if not _ID.fullmatch(film)), None):
            message = f"names a film {odd!r} in {key!r}, which is no id of letters and digits"
            raise DataError(message, where=path, remedy="get split.json of MM-IMDb again")
        parts[part] = ids
    numbers = Counter(film for ids in parts.values() for film in ids)
    if repeated := [film for film, number in numbers.items() if number > 1]:
        message = f"names {len(repeated)} film{'s' * (len(repeated) > 1)} several times, such as {repeated[0]}"
        raise DataError(message, where=path, remedy="get split.json of MM-IMDb again")
    return Release(path, parts)


def load_json(path: Path) -> Any:
    """The content of a JSON file; raises DataError if it is none."""
    check_content(path)
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"is truncated or not JSON ({str(error)[:80]})", where=path, remedy=GET_AGAIN) from error


def check_poster(path: Path) -> None:
    """Raise DataError for a poster that is no JPEG or PNG file, or is truncated or damaged.

    One with the marker of its end is not decoded: that would take as long as reading all films.
    """
    check_content(path, "is a JPEG image", "is a PNG image")
    with path.open("rb") as file:
        file.seek(-min(_END, path.stat().st_size), 2)
        end = file.read()
    if end.rstrip(b"\0\r\n ").endswith(b"\xff\xd9") or b"IEND" in end:
        return
    from PIL import Image

    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            image.load()
    except Exception as error:  # Pillow raises errors of many classes
        raise DataError("is truncated or damaged", where=path, remedy=GET_AGAIN) from error


def read_genres(path: Path, film: Mapping[str, Any]) -> list[int]:
    """1 for each of `GENRES` that a film has; raises DataError for one that has none of them."""
    genres = film.get("genres")
    if not isinstance(genres, list) or not all(isinstance(genre, str) for genre in genres):
        raise DataError("has no list of 'genres'", where=path, remedy=GET_AGAIN)
    labels = [int(genre in genres) for genre in GENRES]
    if not any(labels):
        listed = f"only {', '.join(genres)}" if genres else "an empty list"
        raise DataError(f"has none of the {len(GENRES)} genres, {listed}", where=path, remedy=GET_AGAIN)
    return labels


def read_film(path: Path, which: Plot) -> tuple[list[int], str | None]:
    """Genres and plot of a film's description; raises DataError for one that is damaged."""
    content = load_json(path)
    if not isinstance(content, dict):
        raise DataError("holds no description of a film", where=path, remedy=GET_AGAIN)
    return read_genres(path, content), read_plot(path, content, which)


def read_plot(path: Path, film: Mapping[str, Any], which: Plot) -> str | None:
    """The plot of a film; None where it has none."""
    if which == "outline":
        found = film.get("plot outline")
        texts = [] if found is None else [found]
    else:
        texts = film.get("plot") or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DataError("has a plot that is not a list of texts", where=path, remedy=GET_AGAIN)
    plots = [str(text) for text in texts if text.strip()]
    if not plots:
        return None
    return max(plots, key=len) if which == "longest" else plots[0]
