"""The corpora that MMSA publishes features of: widths, sizes, labels and file names."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from mmbench import Task

Name = Literal["mosi", "mosei", "sims"]
Alignment = Literal["unaligned", "aligned"]
Part = Literal["train", "validation", "test"]

PARTS: Mapping[Part, str] = {"train": "train", "validation": "valid", "test": "test"}
"""The official parts, with their names in the files."""

TEXT_WIDTH = 768
POLARITY = ("negative", "neutral", "positive")
_AROUND_ZERO = ("mae", "pearson", "acc7", "acc5", "acc2_has0", "f1_has0", "acc2_non0", "f1_non0")
_OF_SIMS = ("mae", "pearson", "sims_acc2", "sims_acc3", "sims_acc5", "sims_f1")


class Corpus(NamedTuple):
    """A corpus: features a time step of audio and vision, samples of the published parts, and the largest score.

    ``steps`` are those in the names of the files, which are published by the name ``title``.

    ``signs`` are the classes of the task ``sign``; ``zero`` is the one that a score of 0 belongs to. ``folders`` are
    those that MMSA puts the files in.
    """

    audio: int
    vision: int
    sizes: tuple[int, int, int]
    largest: float
    signs: tuple[str, str]
    zero: int
    metrics: tuple[str, ...]
    folders: tuple[str, ...]
    title: str
    steps: int = 50
    is_unimodal: bool = False

    def tasks(self) -> dict[str, Task]:
        """The tasks: the score, also of single modalities where they were annotated, its polarity and its sign."""
        names = ("sentiment", *(UNIMODAL if self.is_unimodal else ()))
        scores = {name: Task("values", (name,), metric="mae", metrics=self.metrics) for name in names}
        return {**scores, "polarity": Task("class", POLARITY), "sign": Task("class", self.signs)}

    def sign(self, score: float) -> int:
        """The class of a score in the task ``sign``."""
        return self.zero if score == 0 else int(score > 0)


UNIMODAL = {
    "sentiment_text": "regression_labels_T",
    "sentiment_audio": "regression_labels_A",
    "sentiment_vision": "regression_labels_V",
}
"""Tasks of single modalities, each with its name in the files."""

CORPORA: Mapping[Name, Corpus] = {
    "mosi": Corpus(
        *(5, 20, (1284, 229, 686), 3.0, ("negative", "zero or positive"), 1, _AROUND_ZERO),
        folders=("MOSI", "CMU-MOSI"),
        title="CMU-MOSI",
    ),
    "mosei": Corpus(
        *(74, 35, (16326, 1871, 4659), 3.0, ("negative", "zero or positive"), 1, _AROUND_ZERO),
        folders=("MOSEI", "CMU-MOSEI"),
        title="CMU-MOSEI",
    ),
    "sims": Corpus(
        *(33, 709, (1368, 456, 457), 1.0, ("zero or negative", "positive"), 0, _OF_SIMS),
        folders=("SIMS", "CH-SIMS"),
        title="CH-SIMS",
        steps=39,
        is_unimodal=True,
    ),
}
