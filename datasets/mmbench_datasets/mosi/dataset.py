"""The CMU-MOSI dataset: sentiment of spoken opinions, from words, voice and face."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, Task
from mmbench_datasets.simulated import card_of_files, describe_mark

PARTS: tuple[Literal["train", "test"], ...] = ("train", "test")
CLASSES = ("negative", "positive")
TEXTS = {"transcripts": ("text",), "features": ("text_features",), "both": ("text", "text_features")}


class Mosi(Dataset):
    """CMU-MOSI: 2,199 utterances of 93 videos in which people give an opinion; is it negative or positive?

    ``audio_features`` (73) and ``video_features`` (100) are those that Poria et al. published with bc-LSTM, one vector
    an utterance. ``text`` chooses how the words come: ``transcripts`` as the text itself, ``features`` as
    ``text_features``, the 100 features of the same publication, or ``both``. The text is the default: nothing in it was
    learnt from labels.

    The features of text and video were learnt on the labels of the training part: logistic regression on held-out
    videos *of the training part* scores .98 (text) and .92 (video), on the test part .757 and .515. So the features are
    for the protocol ``official``, whose test part they do not know; any split of the training part, a validation part
    included, looks better than it is.

    The label is that of the publication, whether the opinion scores 0 or more; the scores from -3 to 3 are not in these
    files. Who speaks is not, either: the group ``video`` is the nearest. Zadeh et al. 2016, arXiv:1606.06259; Poria et
    al. 2017, ACL, doi:10.18653/v1/P17-1081.
    """

    name = "mosi"
    protocol = "official"
    card: ClassVar[Card] = Card(
        title="CMU-MOSI: sentiment in opinion videos (transcripts, features of bc-LSTM)",
        access="open",
        licence="for research; features: MIT repository of Poria et al.",
        url="https://github.com/soujanyaporia/multimodal-sentiment-analysis",
        citation="Zadeh et al., MOSI: Multimodal corpus of sentiment intensity and subjectivity analysis in online "
        "opinion videos, arXiv:1606.06259, 2016; features: Poria et al., Context-dependent sentiment analysis in "
        "user-generated videos, ACL 2017, doi:10.18653/v1/P17-1081",
        request="get transcripts.csv, text_{train,test}.csv and {text,audio,video}_{train,test}0.csv from "
        "https://github.com/soujanyaporia/multimodal-sentiment-analysis, put them into one folder, and give it with "
        "--data DIR",
        size="93 videos, 2,199 utterances",
        split="of the publication: whole videos, 62 train and 31 test",
    )

    def __init__(self, *, text: Literal["transcripts", "features", "both"] = "transcripts") -> None:
        self.text = text

    def schema(self) -> Schema:
        """``text``, ``text_features`` (100) or both; ``audio_features`` (73), ``video_features`` (100)."""
        words = {"text": Modality("text", "text", ()), "text_features": Modality("text_features", "vector", (100,))}
        features = (Modality("audio_features", "vector", (73,)), Modality("video_features", "vector", (100,)))
        chosen = tuple(words[name] for name in TEXTS[self.text])
        return Schema((*chosen, *features), tasks={"sentiment": Task("class", CLASSES)}, groups=("video",))

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def check(self, root: Path) -> list[Problem]:
        """A missing or damaged file, or files whose rows are not in step; reads all files."""
        from mmbench_datasets.mosi.tables import load_utterances, row_file

        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        missing = [path for part in PARTS for path in self.sources(root, part) if not path.exists()]
        if missing:
            return [Problem(str(path), "is missing", self.card.request) for path in dict.fromkeys(missing)]
        problems: dict[str, Problem] = {}
        found = []
        for part in PARTS:
            try:
                found.append(load_utterances(root, part))
            except DataError as error:
                problems.setdefault(str(error.where), Problem(str(error.where), error.message, error.remedy))
        if len(found) == len(PARTS) and (both := sorted(set(found[0].ids) & set(found[1].ids))):
            message = f"{len(both)} of its utterances are in the training part, too, such as {both[0]}"
            problems["both"] = Problem(str(root / row_file("test")), message, "get this file again")
        return list(problems.values())

    def units(self, root: Path) -> list[str]:
        """``train`` and ``test``, the official parts."""
        return list(PARTS)

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The transcripts and the four tables of a part."""
        from mmbench_datasets.mosi.tables import list_files

        return list_files(root, unit)

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Nothing of the files, but for the mark of a simulation."""
        return describe_mark(root)

    def assumptions(self, root: Path) -> Sequence[str]:
        """Which features were learnt from labels, and that speakers are unknown."""
        learnt = "video features" if self.text == "transcripts" else "text and video features"
        return (
            f"{learnt} were learnt on the labels of the training part: use --protocol official, and expect validation "
            "scores above test scores",
            "speakers: unknown; the group is the video, and a speaker of several videos may be in several groups",
        )

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        """The utterances of a part in the order of its tables, with the ids of the publication (``VIDEO_NUMBER``)."""
        from mmbench_datasets.mosi.tables import load_utterances

        part = next(part for part in PARTS if part == unit)
        found = load_utterances(root, part)
        for at, name in enumerate(found.ids):
            data = {
                "text": [found.transcripts[at]],
                "text_features": found.features["text"][at : at + 1],
                "audio_features": found.features["audio"][at : at + 1],
                "video_features": found.features["video"][at : at + 1],
            }
            yield Sample(
                id=name,
                labels={"sentiment": found.labels[at]},
                data={modality.name: data[modality.name] for modality in self.schema().modalities},
                groups={"video": name.rpartition("_")[0]},
                split=part,
            )

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0) -> None:
        """Write simulated utterances of ``subjects`` videos (2 or more; two thirds train), in the same files.

        Words, voice and face each tell the label with an error of their own, so that all together tell it best. Unlike
        the published features, those of the training part are no better than those of the test part.
        """
        from mmbench_datasets.mosi.simulate import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength)
