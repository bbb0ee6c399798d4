"""Simulated films in the files of MM-IMDb."""

import io
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import written_whole
from mmbench_datasets.mm_imdb.films import GENRES, PARTS, SPLIT
from mmbench_datasets.simulated import begin_simulation

_PER_UNIT = 50
_SHARES = {"train": 0.6, "validation": 0.1, "test": 0.3}
_SIZE = (96, 60)  # of a poster, height and width
_FIELDS = (6, 4)  # of a poster, rows and columns; one of each genre
_CHANCE = 0.1  # of a genre, beside the first one of a film
_ERROR = 0.4  # chance that a field or the words of a genre are wrong, at strength 1
_FILLERS = ("a", "the", "man", "woman", "city", "day", "night", "house", "friend", "road", "year", "letter")


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float) -> None:
    """Write the files of 50 films for each of ``subjects`` that are not there yet, and the split."""
    begin_simulation(root, "mm-imdb", subjects=subjects, seed=seed, strength=strength)
    n_films = _PER_UNIT * subjects
    films = [f"{number:08d}" for number in range(1, n_films + 1)]
    for number, film in enumerate(films):
        description, poster = (root / "dataset" / f"{film}.{suffix}" for suffix in ("json", "jpeg"))
        genres = _draw_genres(seed, number)
        if not description.is_file():
            chosen = [GENRES[at] for at in np.flatnonzero(genres)]
            text = json.dumps({"genres": chosen, "plot": _plots(genres, seed, number, strength)})
            _write(description, text.encode())
        if not poster.is_file():
            _write(poster, _draw_poster(genres, seed, number, strength))
    if not (root / SPLIT).is_file():
        bounds = np.round(n_films * np.cumsum([0, *_SHARES.values()])).astype(int).tolist()
        split = {key: films[bounds[at] : bounds[at + 1]] for at, key in enumerate(PARTS.values())}
        _write(root / SPLIT, json.dumps(split).encode())


def _draw_genres(seed: int, film: int) -> NDArray[np.bool_]:
    """Which genres a film has, ``(23,)``: one for sure, and others by chance."""
    drawn = np.random.default_rng([seed, 1, film])
    genres = drawn.random(len(GENRES)) < _CHANCE
    genres[drawn.integers(len(GENRES))] = True
    return np.asarray(genres)


def _shown(genres: NDArray[np.bool_], drawn: np.random.Generator, strength: float) -> NDArray[np.bool_]:
    """What a modality shows of the genres: with errors, and at strength 0 genres of another film."""
    other = drawn.random(len(GENRES)) < genres.mean()
    is_true = drawn.random(len(GENRES)) < min(1.0, strength) * (1 - _ERROR)
    return np.where(is_true, genres, other)


def _plots(genres: NDArray[np.bool_], seed: int, film: int, strength: float) -> list[str]:
    """A long plot with a word for each genre that it shows, among others; and a short one without."""
    drawn = np.random.default_rng([seed, 2, film])
    words = [f"{GENRES[at].lower().replace('-', '')}like" for at in np.flatnonzero(_shown(genres, drawn, strength))]
    words += drawn.choice(_FILLERS, 20).tolist()
    drawn.shuffle(words)
    return [" ".join(drawn.choice(_FILLERS, 5).tolist()), " ".join(words)]


def _draw_poster(genres: NDArray[np.bool_], seed: int, film: int, strength: float) -> bytes:
    """A JPEG file with a bright field for each genre that it shows."""
    from PIL import Image

    drawn = np.random.default_rng([seed, 3, film])
    shown = np.zeros(_FIELDS[0] * _FIELDS[1])
    shown[: len(GENRES)] = _shown(genres, drawn, strength)
    fields = 60 + 100 * shown.reshape(_FIELDS) + drawn.normal(0, 12, _FIELDS)
    scale = tuple(size // n for size, n in zip(_SIZE, _FIELDS, strict=True))
    grey = np.kron(fields, np.ones(scale)) + drawn.normal(0, 10, _SIZE)
    tint = drawn.uniform(0.7, 1.2, 3)
    colours = np.clip(grey[..., None] * tint, 0, 255).astype(np.uint8)
    coded = io.BytesIO()
    Image.fromarray(colours).save(coded, "JPEG", quality=85)
    return coded.getvalue()


def _write(path: Path, content: bytes) -> None:
    with written_whole(path) as temporary:
        temporary.write_bytes(content)
