"""The MM-IMDb dataset: genres of films from their posters and plots."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, SpecError, Task
from mmbench_datasets.mm_imdb.films import (
    GENRES,
    N_FILMS,
    PARTS,
    FilmFiles,
    Plot,
    check_poster,
    find_split,
    is_there,
    load_release,
    read_film,
)
from mmbench_datasets.shared.people import describe_missing
from mmbench_datasets.shared.remedies import problem_of_file
from mmbench_datasets.shared.twins import SimulatedTwin, twin_card
from mmbench_datasets.simulated import card_of_files, describe_mark

_HEIGHTS = (32, 1024)
_RATIO = 0.625  # width of a poster by its height, 160 by 256 pixels in the publication


class MmImdb(Dataset):
    """MM-IMDb (Arevalo et al. 2017): 25,959 films, each with a poster, a plot, and one or more of 23 genres.

    Files are those of the publication: ``split.json``, and ``dataset/ID.json`` and ``dataset/ID.jpeg`` of each film;
    or, as some copies have them, ``labels/ID.json`` and ``images/ID.jpeg``. Posters are scaled and cropped to
    ``height`` pixels by five eighths of it. ``plot`` is the ``longest`` of the plots of a film, the ``first``, or the
    ``outline``; papers differ in it. Other genres, which few films have, are not predicted.

    The parts of the split, 15,552, 2,608 and 7,799 films, are the official split, the default protocol. There are no
    groups: parts of a series of films may be on both sides.
    """

    name = "mm-imdb"
    protocol = "official"
    card: ClassVar[Card] = Card(
        title="MM-IMDb: posters, plots and genres of films",
        access="open",
        licence="for research; the publishers state no licence of posters and plots",
        url="https://github.com/johnarevalo/gmu-mmimdb",
        citation="Arevalo, Solorio, Montes-y-Gómez and González, Gated multimodal units for information fusion, ICLR "
        "workshop 2017, arXiv:1702.01992",
        request="get mmimdb.tar.gz by the link on https://github.com/johnarevalo/gmu-mmimdb, unpack it, and give the "
        "folder that holds split.json with --data DIR; mm-imdb-sim, the simulated version, needs no files",
        size=f"{N_FILMS:,} films",
        split="of the publication: 15,552, 2,608 and 7,799 films",
    )

    def __init__(self, *, plot: Plot = "longest", height: int = 256) -> None:
        if not _HEIGHTS[0] <= height <= _HEIGHTS[1]:
            raise SpecError(
                f"height is {height}", where=self.name, remedy=f"give {_HEIGHTS[0]} to {_HEIGHTS[1]} pixels"
            )
        self.plot: Plot = plot
        self.height = height

    def schema(self) -> Schema:
        """``poster`` (3, height, width) and ``plot``; the task ``genre`` of 23 labels; no groups."""
        poster = Modality("poster", "image", (3, self.height, round(_RATIO * self.height)), resize="crop")
        return Schema((poster, Modality("plot", "text", ())), tasks={"genre": Task("labels", GENRES)})

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def check(self, root: Path) -> list[Problem]:
        """A missing folder or split, films without their files, damaged descriptions and truncated posters."""
        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        try:
            if not is_there(find_split(root)):
                return [Problem(str(root), "holds no split.json", self.card.request)]
            release = load_release(root)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]
        films = [film for part in PARTS for film in release.films[part]]
        if not any(is_there(path) for film in films for path in release.files(film)):
            where = release.files(films[0]).description if films else release.split
            return [Problem(str(where), "is missing, as are the files of all other films", self.card.request)]
        return [problem for film in films for problem in self._check_film(release.files(film))]

    def _check_film(self, files: FilmFiles) -> Iterator[Problem]:
        examined = {files.description: lambda path: read_film(path, self.plot), files.poster: check_poster}
        for path, examine in examined.items():
            try:
                examine(path)
            except DataError as error:
                yield problem_of_file(path, error, self.card, concerns="sample")

    def units(self, root: Path) -> list[str]:
        """``train``, ``validation`` and ``test``, the official parts."""
        return list(PARTS)

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The split and the files of a part, by film; without missing ones."""
        release = load_release(root)
        part = next(part for part in PARTS if part == unit)
        files = [path for film in release.films[part] for path in release.files(film)]
        return [release.split, *(path for path in files if is_there(path) and path.is_file())]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """The mark of a simulation."""
        return describe_mark(root)

    def counts(self, root: Path) -> Mapping[str, int]:
        """Films, and those of each part."""
        films = load_release(root).films
        return {"films": sum(map(len, films.values())), **{f"in {part}": len(films[part]) for part in PARTS}}

    def assumptions(self, root: Path) -> Sequence[str]:
        """Which plot is read, what is not predicted, and how many films are missing."""
        films = load_release(root).films
        return (
            f"plot: the {self.plot} one of a film; papers differ in it (mm-imdb[plot=...])",
            f"genres other than the {len(GENRES)} of the publication are not predicted",
            *describe_missing(self, root, sum(map(len, films.values())), N_FILMS, "the", "films"),
        )

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The films of a part in the order of the split, with its ids; a DataError in place of a damaged one."""
        release = load_release(root)
        part = next(part for part in PARTS if part == unit)
        for film in release.films[part]:
            files = release.files(film)
            try:
                labels, plot = read_film(files.description, self.plot)
                check_poster(files.poster)
            except DataError as error:
                yield error
                continue
            data = {"poster": [files.poster.read_bytes()], **({} if plot is None else {"plot": [plot]})}
            yield Sample(film, {"genre": labels}, data, split=part)

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0) -> None:
        """Write simulated films, 50 for each of ``subjects``, in the same files.

        A genre shows as a field of the poster and as words of the plot, each with errors of its own, so that both
        together tell it best.
        """
        from mmbench_datasets.mm_imdb.simulate import write_simulation

        write_simulation(root, subjects=subjects, seed=seed, strength=strength)


class MmImdbSim(SimulatedTwin, MmImdb):
    """Simulated films in the files of MM-IMDb: drawn posters and made-up plots whose effects are known.

    ``subjects`` times 50 films are simulated. ``strength`` scales the effect of the genres on posters and plots, 0 for
    none. ``height`` is that of ``mm-imdb``.
    """

    name = "mm-imdb-sim"
    card: ClassVar[Card] = twin_card(MmImdb.card)
    conformance: ClassVar[Mapping[str, object]] = {"subjects": 1}

    def __init__(self, *, subjects: int = 12, seed: int = 0, strength: float = 1.0, height: int = 64) -> None:
        super().__init__(height=height)
        self.simulation = {"subjects": subjects, "seed": seed, "strength": strength}
