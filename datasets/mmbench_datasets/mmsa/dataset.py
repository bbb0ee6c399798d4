"""Features of CMU-MOSI, CMU-MOSEI and CH-SIMS: sentiment of spoken opinions, from words, voice and face."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema
from mmbench_datasets.mmsa.corpora import CORPORA, PARTS, POLARITY, TEXT_WIDTH, Alignment, Name, Part
from mmbench_datasets.names import find_variant, list_files
from mmbench_datasets.shared.remedies import DROP
from mmbench_datasets.shared.twins import make_once, twin_card
from mmbench_datasets.simulated import card_of_files, describe_mark, is_marked

if TYPE_CHECKING:
    from mmbench_datasets.mmsa.releases import PartOfRelease

Text = Literal["words", "features", "both"]


class Mmsa(Dataset):
    """Opinions of people in videos, as MMSA (Mao et al. 2022) publishes them: sentiment of words, voice and face.

    ``name`` is the corpus: ``mosi`` (2,199 utterances), ``mosei`` (22,856) or ``sims``, which is Chinese (2,281). Each
    comes as one pickle, ``Processed/unaligned_*.pkl`` or, of MOSI and MOSEI, ``aligned_*.pkl``; it is read without
    running code. ``audio_features`` and ``vision_features`` are time series without a rate: as they were extracted, cut
    to the lengths in the file (``alignment="unaligned"``), or one step a word, with the padding of the file
    (``"aligned"``). ``text`` chooses ``words``, the transcript; ``features``, 768 features of BERT for each token as
    ``text_features``; or ``both``. Minus infinity in audio is read as 0, as MMSA does, and counted.

    The task ``sentiment`` is the score, from -3 to 3, of ``sims`` from -1 to 1, with the metrics of MMSA. ``polarity``
    are its classes below, at and above 0; ``sign`` are two classes, with 0 on the side that Acc-2 of MMSA puts it:
    that of positive scores in MOSI and MOSEI, that of negative ones in CH-SIMS. CH-SIMS was also annotated by each
    modality alone: ``sentiment_text``, ``sentiment_audio``, ``sentiment_vision``. The group is the video; who speaks is
    not in the files. The parts of the files are the official split.
    """

    name = "mmsa"
    protocol = "official"
    card: ClassVar[Card] = Card(
        title="MMSA: features of CMU-MOSI, CMU-MOSEI and CH-SIMS",
        access="open",
        licence="for research; the corpora keep the terms of their publishers",
        url="https://github.com/thuiar/MMSA",
        citation="Mao et al., M-SENA: An integrated platform for multimodal sentiment analysis, ACL 2022, "
        "arXiv:2203.12441; MOSI: Zadeh et al., arXiv:1606.06259, 2016; MOSEI: Zadeh et al., ACL 2018, "
        "doi:10.18653/v1/P18-1208; CH-SIMS: Yu et al., ACL 2020, doi:10.18653/v1/2020.acl-main.343",
        request="get the folder Processed of CMU-MOSI by the links on https://github.com/thuiar/MMSA, put it into "
        "DIR, as DIR/Processed/unaligned_50.pkl, and give DIR with --data; mmsa-sim, the simulated version, needs no "
        "files",
        size="2,199 (MOSI), 22,856 (MOSEI) or 2,281 (CH-SIMS) utterances",
        split="of the publications, as in the files",
    )

    def __init__(self, *, name: Name = "mosi", alignment: Alignment = "unaligned", text: Text = "words") -> None:
        self.corpus: Name = name
        self.alignment: Alignment = alignment
        self.text: Text = text

    def schema(self) -> Schema:
        """``text``, ``text_features`` or both, ``audio_features`` and ``vision_features``; tasks of the corpus."""
        corpus = CORPORA[self.corpus]
        widths = {"audio_features": corpus.audio, "vision_features": corpus.vision}
        if self.text != "words":
            widths = {"text_features": TEXT_WIDTH, **widths}
        words = (Modality("text", "text", ()),) if self.text != "features" else ()
        series = (Modality(name, "timeseries", (width, None), may_be_constant=True) for name, width in widths.items())
        return Schema((*words, *series), tasks=corpus.tasks(), groups=("video",))

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def access_instructions(self) -> str:
        """Of the corpus ``name`` and its file of the ``alignment``."""
        request, corpus = self.card.request, CORPORA[self.corpus]
        file = f"{self.alignment}_{corpus.steps}.pkl"
        return request.replace(CORPORA["mosi"].title, corpus.title).replace("unaligned_50.pkl", file)

    def check(self, root: Path) -> list[Problem]:
        """A missing folder or file, a pickle of something else or whose arrays are not in step, ids that repeat."""
        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.access_instructions())]
        try:
            parts = self._load(root)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]
        names = Counter(name for part in parts.values() for name in part.ids)
        if repeated := [name for name, number in names.items() if number > 1]:
            message = f"{len(repeated)} of its ids are there several times, such as {repeated[0]}"
            return [Problem(str(self._file(root)), message, "get this file from MMSA again")]
        return []

    def units(self, root: Path) -> list[str]:
        """``train``, ``validation`` and ``test``, the official parts."""
        return list(PARTS)

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The pickle."""
        return [self._file(root)]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """The other alignment, where it is there, and the mark of a simulation."""
        used = self._file(root)
        others = [path for path in list_files(used.parent) if path.suffix == ".pkl" and path != used]
        left = {path.relative_to(root).as_posix(): f"alignment={self.alignment} reads {used.name}" for path in others}
        return left | describe_mark(root)

    def counts(self, root: Path) -> Mapping[str, int]:
        """Videos, utterances, those of each part and of each polarity."""
        parts = self._load(root)
        scores = [score for part in parts.values() for score in part.labels["sentiment"].tolist()]
        found = Counter(POLARITY[_polarity(score)] for score in scores)
        videos = {_video(name) for part in parts.values() for name in part.ids}
        by_part = {f"in {part}": len(parts[part].ids) for part in PARTS}
        return {"videos": len(videos), "utterances": len(scores), **by_part, **{each: found[each] for each in POLARITY}}

    def assumptions(self, root: Path) -> Sequence[str]:
        """What was replaced or is missing, whether the file has the published size, and that speakers are unknown."""
        parts = self._load(root)
        n_infinite = sum(part.count_infinite("audio") for part in parts.values())
        lines = ["speakers: unknown; the group is the video, and a speaker of several videos may be in several groups"]
        if n_infinite:
            lines.append(f"audio: {n_infinite:,} value{'s' * (n_infinite > 1)} of minus infinity, read as 0 as in MMSA")
        lines += self._describe_missing(parts)
        sizes = tuple(len(part.ids) for part in parts.values())
        if sizes != CORPORA[self.corpus].sizes and not is_marked(root):
            published = " + ".join(f"{size:,}" for size in CORPORA[self.corpus].sizes)
            lines.append(
                f"samples: {' + '.join(f'{size:,}' for size in sizes)} in the three parts, published {published}"
            )
        return lines

    def _describe_missing(self, parts: "Mapping[Part, PartOfRelease]") -> Iterator[str]:
        """Lines about lengths that the file lacks, and about empty transcripts."""
        for name in ("audio", "vision") if self.alignment == "unaligned" else ():
            if without := [part for part in PARTS if name not in parts[part].lengths]:
                yield f"{name}: no {name}_lengths in {', '.join(without)}, read with the padding of the file"
        n_empty = sum(not words.strip() for part in parts.values() for words in part.words)
        if n_empty and self.text != "features":
            yield f"text: empty of {n_empty:,} utterance{'s' * (n_empty > 1)}, which lack{'s' * (n_empty == 1)} it"

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The utterances of a part in the order of the file, with its ids (``VIDEO$_$CLIP``)."""
        part: Part = next(part for part in PARTS if part == unit)
        release, path = self._load(root)[part], self._file(root)
        for at, name in enumerate(release.ids):
            try:
                data = self._data(release, at, path)
            except DataError as error:
                yield error
            else:
                yield Sample(name, self._labels(release, at), data, {"video": _video(name)}, split=part)

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0) -> None:
        """Write simulated utterances of ``subjects`` videos (3 or more), in the same files.

        Words, voice and face each tell the score with an error of their own, so that all together tell it best. Each
        video has an offset of its own in voice and face.
        """
        from mmbench_datasets.mmsa.simulate import write_simulation

        write_simulation(root, self.corpus, subjects=subjects, seed=seed, strength=strength)

    def _load(self, root: Path) -> "dict[Part, PartOfRelease]":
        from mmbench_datasets.mmsa.releases import load_release

        return load_release(self._file(root), self.corpus, with_text=self.text != "words")

    def _file(self, root: Path) -> Path:
        """The pickle of the alignment; DataError where there is none, or several."""
        found = {alignment: _find(root, self.corpus, alignment) for alignment in get_args(Alignment)}
        files = found.pop(self.alignment)
        if len(files) == 1:
            return files[0]
        if files:
            message = (
                f"holds several files of this alignment: {' and '.join(str(path.relative_to(root)) for path in files)}"
            )
            raise DataError(message, where=root, remedy="give the folder of one with --data, or remove the others")
        other = next((alignment for alignment, paths in found.items() if paths), None)
        remedy = f"get it, or read the other with alignment={other}" if other else self.access_instructions()
        raise DataError(f"holds no Processed/{self.alignment}_*.pkl", where=root, remedy=remedy)

    def _data(self, release: "PartOfRelease", at: int, path: Path) -> dict[str, object]:
        """The data of a sample; modalities without a word or a time step are missing."""
        import numpy as np

        words = release.words[at] if self.text != "features" else ""
        data: dict[str, object] = {"text": [words]} if words.strip() else {}
        for key in release.arrays:
            steps = np.array(release.steps(key, at), np.float32)
            if key == "audio":
                steps[np.isneginf(steps)] = 0
            if not np.isfinite(steps).all():
                raise DataError(f"{key} of {release.ids[at]} has NaN or infinite values", where=path, remedy=DROP)
            if steps.shape[1]:
                data[f"{key}_features"] = [steps]
        return data

    def _labels(self, release: "PartOfRelease", at: int) -> dict[str, float]:
        scores = {task: float(values[at]) for task, values in release.labels.items()}
        score = scores["sentiment"]
        return {**scores, "polarity": _polarity(score), "sign": CORPORA[self.corpus].sign(score)}


class MmsaSim(Mmsa):
    """Simulated utterances in the files of MMSA, with scores that words and features tell in a known strength.

    ``subjects`` is the number of videos. The other parameters are those of ``mmsa``.
    """

    name = "mmsa-sim"
    card: ClassVar[Card] = twin_card(Mmsa.card)
    conformance: ClassVar[Mapping[str, object]] = {"subjects": 3}

    def __init__(
        self,
        *,
        subjects: int = 24,
        seed: int = 0,
        strength: float = 1.0,
        name: Name = "mosi",
        alignment: Alignment = "unaligned",
        text: Text = "words",
    ) -> None:
        super().__init__(name=name, alignment=alignment, text=text)
        self.simulation = {"subjects": subjects, "seed": seed, "strength": strength}

    def locate(self, cache: Path) -> Path:
        """The folder of the files, which are made on first use."""
        return make_once(cache, f"{self.name}-{self.corpus}", self.simulate, **self.simulation)


def _find(root: Path, corpus: Name, alignment: Alignment) -> list[Path]:
    """The pickles of an alignment in the folders that MMSA names."""
    folders = [root, root / "Processed"]
    folders += [root / name / sub for name in CORPORA[corpus].folders for sub in ("Processed", "")]
    return [
        path
        for folder in dict.fromkeys(map(find_variant, folders))
        for path in list_files(folder)
        if path.name.startswith(f"{alignment}_") and path.suffix == ".pkl"
    ]


def _polarity(score: float) -> int:
    return 1 + (score > 0) - (score < 0)


def _video(name: str) -> str:
    from mmbench_datasets.mmsa.releases import video_of

    return video_of(name)
