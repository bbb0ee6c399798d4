"""The dataset ``icons``: pictures and words of Phosphor icons, several categories each; bundled."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, SpecError, Task
from mmbench_datasets.icons.archive import ARCHIVE, load_bytes, load_icons
from mmbench_datasets.icons.families import load_families

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CATEGORIES = (
    "arrows",
    "brands",
    "commerce",
    "communications",
    "design",
    "editor",
    "finances",
    "games",
    "health & wellness",
    "maps & travel",
    "media",
    "nature",
    "objects",
    "office",
    "people",
    "system",
    "technology & development",
    "weather",
)
WEIGHTS = ("thin", "light", "regular", "bold", "fill", "duotone")
N_ICONS = 1512
SIDE = 32


class Icons(Dataset):
    """1,512 icons of the Phosphor family, drawn in six weights each; bundled, no download.

    ``image``: the icon in black on white, 32 × 32. ``text``: its name and tags, without words that begin like one of a
    category's name (*arrow* would tell that it is one of the arrows). Task ``category``: one to four of 18.

    The six weights of an icon have the same text and labels, and nearly the same picture: they are the group ``icon``.
    Icons come in families, too (``arrow-left``, ``arrow-right``, ``caret-left``), which are the group ``family``. Icons
    are joined, and so are those joined to them, if

    - their names have the same first word, or
    - their texts have at least half of their words (all that occur in either) in common, or
    - a quarter, and the correlation of their regular pictures is at least 0.6.

    These are 468 families; the largest has 120 icons, arrows and carets, and 260 icons are families of their own. The
    default protocol, ``group:family``, holds whole families out; docs/explanation/datasets.md shows how ``group:icon``
    and a split over single pictures leak. ``weights`` names those to use, in any order, ``icons`` the number of icons,
    taken evenly from the alphabet.
    """

    name = "icons"
    version = "2"
    card: ClassVar[Card] = Card(
        title="Phosphor icons: pictures, words, categories",
        access="bundled",
        licence="MIT",
        url="https://github.com/phosphor-icons/core",
        citation="Phosphor Icons, @phosphor-icons/core 2.1.1, https://phosphoricons.com",
        request="leave out --data: the files come with mmbench-datasets",
        size="1,512 icons in 6 weights",
    )
    conformance: ClassVar[Mapping[str, object]] = {"icons": 50}

    def __init__(self, *, weights: str = ",".join(WEIGHTS), icons: int = N_ICONS) -> None:
        chosen = [name.strip() for name in weights.split(",")]
        if unknown := [name for name in chosen if name not in WEIGHTS]:
            message = f"weights has {unknown[0]!r}, which is none of {', '.join(WEIGHTS)}"
            raise SpecError(message, where=self.name, remedy="try \"icons[weights='regular,bold']\"")
        if not 2 <= icons <= N_ICONS:
            raise SpecError(f"icons is {icons}", where=self.name, remedy=f"give 2 to {N_ICONS}")
        self.weights = tuple(name for name in WEIGHTS if name in chosen)
        self.icons = icons

    def schema(self) -> Schema:
        """``image`` (3, 32, 32) and ``text``; the task ``category`` of 18 labels; groups ``family`` and ``icon``."""
        modalities = (Modality("image", "image", (3, SIDE, SIDE)), Modality("text", "text", ()))
        return Schema(modalities, tasks={"category": Task("labels", CATEGORIES)}, groups=("family", "icon"))

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
        """The weights in use, from thin to duotone."""
        return list(self.weights)

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The archive."""
        return [root / ARCHIVE]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """The weights and icons that the options leave out."""
        left = {name: "not among weights" for name in WEIGHTS if name not in self.weights}
        if self.icons < N_ICONS:
            left[f"{N_ICONS - self.icons} of {N_ICONS} icons"] = f"icons={self.icons}"
        return left

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        """The icons in one weight, by name, with ids like ``acorn/thin``."""
        found = load_icons(root / ARCHIVE, self.card.request)
        images = found.images[found.weights.index(unit)]
        families = load_families(root / ARCHIVE, self.card.request)
        for number in range(self.icons):
            at = number * (N_ICONS - 1) // (self.icons - 1)
            yield Sample(
                id=f"{found.names[at]}/{unit}",
                labels={"category": found.labels[at]},
                data={"image": [_encode(images[at])], "text": [found.texts[at]]},
                groups={"family": families[at], "icon": found.names[at]},
            )


def _encode(grey: "NDArray[np.uint8]") -> bytes:
    """A picture in grey levels as a PNG file in RGB."""
    from PIL import Image

    coded = io.BytesIO()
    Image.fromarray(grey).convert("RGB").save(coded, "PNG")
    return coded.getvalue()
