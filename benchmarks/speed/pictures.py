"""A folder of pictures, prepared and found again, against a loop that does no more than what has to be done."""

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from timing import Contenders, Goal, Measured, ResultsDiffer, measure

from mmbench.data.preparation import Preparation, prepare
from mmbench.registry.specs import parse_spec

NAME = "pictures"
TITLE = "a folder of pictures"
OURS, FOUND = "mmbench, prepared", "mmbench, found again"
BARE, LISTED = "hashed, decoded, scaled, coded and written, no more", "listed and looked at, no more"
UNIT = "ms a picture"
SIDE = 48  # pixels, as in FER-2013
GOALS = (
    Goal("prepared in at most 1.25 ms a picture, half of 251 s for 100,000", OURS, unit=UNIT, most=1.25),
    Goal("at most 2 times the bare loop", OURS, BARE, UNIT, most=2),
    Goal("found again in at most 0.04 ms a picture, half of 8 s for 100,000", FOUND, unit=UNIT, most=0.04),
)


def available() -> str | None:
    return None


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    n_pictures = 60 if quick else 20_000
    root = folder / "pictures"
    draw(root, n_pictures)
    number = count()
    what = parse_spec(f"image-folder[size={SIDE}]")

    def fresh() -> Preparation:
        return Preparation(what, root, folder / f"cache-{next(number)}")

    kept = Preparation(what, root, folder / "kept")
    prepare(kept)
    contenders = {
        OURS: lambda: per_picture(lambda: len(prepare(fresh())), n_pictures),
        FOUND: lambda: per_picture(lambda: len(prepare(kept)), n_pictures),
        BARE: lambda: per_picture(lambda: pass_once(root, folder / "bare.bin"), n_pictures),
        LISTED: lambda: per_picture(lambda: look(root), n_pictures),
    }
    about = f"{n_pictures} simulated JPEG pictures of {SIDE} px in ten classes, from files in memory; one process"
    yield Contenders(contenders, check, about)


def draw(root: Path, n_pictures: int) -> None:
    """JPEG files of smooth random pictures, all different."""
    rng = np.random.default_rng(0)
    for at in range(n_pictures):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        path = root / f"class{at % 10}" / f"picture-{at:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path, quality=90)


def pass_once(root: Path, out: Path) -> int:
    """Hash, decode, scale and code every picture, and write all of them; the number of pictures."""
    n = 0
    with out.open("wb") as file:
        for path in sorted(root.rglob("*.jpg")):
            content = path.read_bytes()
            hashlib.sha256(content).hexdigest()
            coded = io.BytesIO()
            with Image.open(io.BytesIO(content)) as image:
                image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(coded, "JPEG", quality=95)
            file.write(coded.getvalue())
            n += 1
        file.flush()
        os.fsync(file.fileno())
    return n


def look(root: Path) -> int:
    """List the folders and ask for the size and times of every file; the number of files."""
    return sum(entry.stat().st_size > 0 for folder in os.scandir(root) for entry in os.scandir(folder.path))


def per_picture(work: Any, n_pictures: int) -> Measured:
    done = measure(work)
    return Measured({UNIT: 1000 * done.figures["s"] / n_pictures}, done.result)


def check(results: Mapping[str, Any]) -> None:
    """Check that all pictures were read by everybody."""
    if len(set(results.values())) > 1:
        raise ResultsDiffer(f"numbers of pictures differ: {dict(results)}")
