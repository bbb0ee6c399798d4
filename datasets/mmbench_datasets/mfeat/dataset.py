"""The Multiple Features dataset: six views of handwritten digits, in one archive beside this module."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema

VIEWS = {"fac": 216, "fou": 76, "kar": 64, "mor": 6, "pix": 240, "zer": 47}
DIGITS = tuple("0123456789")
PER_DIGIT = 200
ARCHIVE = "mfeat.npz"
SHA256 = "b42eb29cd0498841d262478b3343cd42c255915b577c6fc648731f886ff0cee0"


class Mfeat(Dataset):
    """Handwritten digits, 200 of each, seen six ways: nothing to fetch, and no physiology.

    ``fac`` profile correlations, ``fou`` Fourier coefficients of the shape, ``kar`` Karhunen-Loève coefficients,
    ``mor`` morphological features, ``pix`` averages of 2 × 3 pixels, ``zer`` Zernike moments. Six digits are in
    the data twice, identical in every view: rows 605 and 774, 1148 and 1172, 1237 and 1271, 1265 and 1272, 1448
    and 1521, 1892 and 1999, counted from 0.
    """

    name = "mfeat"
    card: ClassVar[Card] = Card(
        title="Multiple Features (handwritten digits)",
        access="bundled",
        licence="CC BY 4.0",
        url="https://doi.org/10.24432/C5HC70",
        citation="Duin, Multiple Features, UCI Machine Learning Repository, doi:10.24432/C5HC70",
        request="leave out --data: the files come with mmbench-datasets",
    )

    def schema(self) -> Schema:
        """Six vectors, named like the original files; task ``digit``; no groups."""
        views = tuple(Modality(view, "vector", (width,)) for view, width in VIEWS.items())
        return Schema(views, tasks={"digit": DIGITS})

    def locate(self, cache: Path) -> Path:
        """The folder of this module, where the archive is."""
        return Path(__file__).parent

    def check(self, root: Path) -> list[Problem]:
        """A missing archive, or one that differs from the pinned hash."""
        try:
            _load_bytes(root / ARCHIVE)
        except DataError as error:
            return [Problem(str(root / ARCHIVE), error.message, error.remedy)]
        return []

    def units(self, root: Path) -> list[str]:
        """All digits are one unit: reading them takes no time."""
        return ["digits"]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The archive."""
        return [root / ARCHIVE]

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        """The digits in the order of the original files: zeros first, nines last."""
        views = _load_views(root / ARCHIVE)
        for row in range(len(DIGITS) * PER_DIGIT):
            data = {view: table[row : row + 1] for view, table in views.items()}
            yield Sample(id=f"d{row:04d}", labels={"digit": row // PER_DIGIT}, data=data)


def _load_views(path: Path) -> dict[str, NDArray[np.float32]]:
    with np.load(io.BytesIO(_load_bytes(path)), allow_pickle=False) as archive:
        return {view: archive[view].astype(np.float32) for view in VIEWS}


def _load_bytes(path: Path) -> bytes:
    """The archive's bytes once they match the pinned hash; DataError otherwise."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError("is missing", where=path, remedy=Mfeat.card.request) from error
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=path, remedy="mend its permissions") from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DataError("is damaged: its hash is not the pinned one", where=path, remedy="reinstall mmbench-datasets")
    return content
