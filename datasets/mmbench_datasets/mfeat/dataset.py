"""The Multiple Features dataset: six views of handwritten digits, bundled as one archive."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, Task
from mmbench_datasets.mfeat.archive import ARCHIVE, VIEWS, load_bytes, load_views

DIGITS = tuple("0123456789")
PER_DIGIT = 200


class Mfeat(Dataset):
    """Handwritten digits, 200 of each, described by six feature sets; bundled, no download.

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
        size="2,000 digits",
    )

    def schema(self) -> Schema:
        """Six vectors, named as the original files; task ``digit``; no groups."""
        views = tuple(Modality(view, "vector", (width,)) for view, width in VIEWS.items())
        return Schema(views, tasks={"digit": Task("class", DIGITS)})

    def locate(self, cache: Path) -> Path:
        """The folder of this module, which holds the archive."""
        return Path(__file__).parent

    def check(self, root: Path) -> list[Problem]:
        """A missing archive, or one with another SHA-256."""
        try:
            load_bytes(root / ARCHIVE, self.card.request)
        except DataError as error:
            return [Problem(str(root / ARCHIVE), error.message, error.remedy)]
        return []

    def units(self, root: Path) -> list[str]:
        """One unit, since reading all digits is fast."""
        return ["digits"]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The archive."""
        return [root / ARCHIVE]

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        """The digits in the order of the original files: zeros first, nines last."""
        views = load_views(root / ARCHIVE, self.card.request)
        for row in range(len(DIGITS) * PER_DIGIT):
            data = {view: table[row : row + 1] for view, table in views.items()}
            yield Sample(id=f"d{row:04d}", labels={"digit": row // PER_DIGIT}, data=data)
