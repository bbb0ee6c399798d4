"""DEAP as a dataset: windows of EEG with the faces filmed at the same time."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, SpecError
from mmbench_datasets.deap import layout
from mmbench_datasets.deap.choices import Preprocessing, Removal
from mmbench_datasets.deap.faults import TWENTE_CHANNELS
from mmbench_datasets.deap.labels import QUADRANTS, Ties


class Deap(Dataset):
    """DEAP (Koelstra et al. 2012): 32 people watch 40 music videos each; EEG, peripheral signals, faces of 22 of them.

    A sample is a window of ``window`` s; ``windows`` of them are spread evenly over the 60 s of a trial, the 3 s before
    it are left out. The default is Milmer's, 20 that touch. ``frames`` faces are taken evenly over each window,
    ``face_size`` pixels square, from videos of any codec that OpenCV reads, of constant or variable frame rate: each is
    the frame shown at its time, which counts from the first frame of the video; where no frame came for a second, the
    face is absent. A frame without a face is cut at the nearest place in time and marked as inferred; a window without
    any face has its face bag absent (``faces="keep"``) or is left out (``"drop"``). ``video=False`` leaves the faces
    out, ``peripheral=True`` adds the eight other channels. Ratings above 5 are high.

    ``source="bdf"`` starts from the original recordings and repeats the preprocessing of the release: 128 Hz, ocular
    artefacts removed, 4-45 Hz, average reference, Geneva's order, rows by Experiment_id. ``eog`` is how the artefacts
    are removed: ``"regression"`` on hEOG and vEOG, an ``"ica"`` that excludes ocular components, or ``"none"``. The
    weights of either are those of all trials of the person. Of the peripheral channels, EOG and EMG are in µV, the
    others in the unit of the file.

    ``eeg="milmer"`` adds the preprocessing that Milmer's paper describes: 1-50 Hz, then an ICA over all trials of a
    person, of which the components that follow hEOG or vEOG and are frontal are excluded, at least one. It sees the
    windows that will be tested, without labels: transductive, unlike ``"released"``, which leaves the EEG as it is.

    The faults of Milmer's public notebook can be repeated, to measure what each is worth; none is by default.
    ``scramble`` reads the channels and times of a trial in the wrong order. ``eeg="published"`` is the notebook's
    filter and ICA, one component too many and none excluded. ``twente_names`` gives the channels, which are in Geneva's
    order, their names in Twente's; it changes whatever goes by names, such as the scalp maps of ``eeg="milmer"``.
    ``ties="halv"`` puts ties at 5 into HALV (task ``quadrant``). ``video_order="presentation"`` pairs the video of the
    n-th presentation with the n-th row of the EEG, which is that of Experiment_id n.
    """

    name: ClassVar[str] = "deap"
    card: ClassVar[Card] = Card(
        title="DEAP: a Database for Emotion Analysis using Physiological Signals",
        access="gated",
        licence="DEAP end user licence agreement: academic research only, no redistribution",
        url="https://www.eecs.qmul.ac.uk/mmv/datasets/deap/",
        citation="Koelstra et al., DEAP: A Database for Emotion Analysis; Using Physiological Signals, "
        "IEEE Transactions on Affective Computing 3(1):18-31, 2012, doi:10.1109/T-AFFC.2011.15",
        request="sign the end user licence agreement at https://www.eecs.qmul.ac.uk/mmv/datasets/deap/download.html, "
        "then unpack data_preprocessed_python (data_original for source=bdf), metadata_csv and face_video into one "
        "folder and give it with --data; without DEAP, the simulated twin runs: deap-sim",
    )

    def __init__(
        self,
        *,
        window: float = 3.0,
        windows: int = 20,
        frames: int = 10,
        face_size: int = 224,
        faces: Literal["keep", "drop"] = "keep",
        video: bool = True,
        peripheral: bool = False,
        source: layout.Source = "preprocessed",
        eog: Removal = "regression",
        eeg: Preprocessing = "released",
        scramble: bool = False,
        twente_names: bool = False,
        ties: Ties = "low",
        video_order: Literal["experiment", "presentation"] = "experiment",
    ) -> None:
        _check_parameters(window, windows, frames, face_size)
        if faces == "drop" and not video:
            raise SpecError(
                "faces=drop leaves out what has no face, but video=false has none",
                where=self.name,
                remedy="drop one of them",
            )
        if eog != "regression" and source != "bdf":
            raise SpecError(
                f"eog={eog} is about the original recordings; the others come without ocular artefacts",
                where=self.name,
                remedy="add source=bdf",
            )
        self.window = window
        self.windows = windows
        self.frames = frames
        self.face_size = face_size
        self.faces = faces
        self.video = video
        self.peripheral = peripheral
        self.source = source
        self.eog = eog
        self.eeg = eeg
        self.scramble = scramble
        self.twente_names = twente_names
        self.ties = ties
        self.video_order = video_order

    def schema(self) -> Schema:
        """EEG, faces, and the peripheral channels when asked for; five tasks, the quadrants first."""
        length = round(self.window * layout.RATE)
        eeg = Modality("eeg", "timeseries", (len(self.channels), length), rate=layout.RATE, channels=self.channels)
        names = layout.PERIPHERAL_CHANNELS
        peripheral = Modality("peripheral", "timeseries", (len(names), length), rate=layout.RATE, channels=names)
        face = Modality("face", "image", (3, self.face_size, self.face_size), instances=self.frames)
        return Schema(
            modalities=(eeg, *([face] if self.video else []), *([peripheral] if self.peripheral else [])),
            tasks={"quadrant": QUADRANTS, **{rating.lower(): ("low", "high") for rating in layout.RATINGS}},
            groups=("subject", "trial"),
        )

    def card_of(self, root: Path) -> Card:
        """DEAP's card, or that of a simulation where the folder says that it is one."""
        if not (layout.find_home(root) / layout.SIMULATED_MARK).is_file():
            return self.card
        return replace(self.card, title="Simulated, in the files of DEAP", access="simulated")

    def check(self, root: Path) -> list[Problem]:
        """Missing and truncated files; nothing is decoded."""
        from mmbench_datasets.deap.checks import check_home

        matched = self.video_order == "experiment"
        return check_home(root, self.source, want_video=self.video, want_ratings=matched, request=self.card.request)

    def units(self, root: Path) -> list[str]:
        """The subjects whose signals are there, ``s01`` to ``s32``; with ``faces="drop"`` those with a video."""
        home = layout.find_home(root)
        subjects = layout.find_recordings(home, self.source)
        return [name for name in subjects if self.faces == "keep" or layout.find_videos(home, name)]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The signals, the videos, and the ratings where they label trials or say which video is which."""
        home = layout.find_home(root)
        videos = layout.find_videos(home, unit) if self.video else {}
        sources = [layout.find_recording(home, unit, self.source), *videos.values()]
        if self.source == "bdf" or (videos and self.video_order == "experiment"):
            sources.insert(1, home / layout.RATINGS_FILE)
        return [path for path in sources if path.is_file()]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Files that these parameters leave aside, people without a video, files that another takes the place of."""
        from mmbench_datasets.deap.checks import describe_left_out

        return describe_left_out(root, self.source, want_video=self.video, drop_faceless=self.faces == "drop")

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """Windows in order of Experiment_id and time, with ids like ``s01/e07/w03``."""
        from mmbench_datasets.deap.windows import read_windows

        yield from read_windows(self, layout.find_home(root), unit)

    def simulate(
        self,
        root: Path,
        *,
        subjects: int,
        seed: int = 0,
        strength: float = 1.0,
        fps: float = 50.0,
        seconds: float = 60.0,
        bdf: bool = False,
        films: bool = True,
    ) -> None:
        """Write simulated recordings of ``subjects`` people (1-32) into an empty folder, in DEAP's own files.

        ``fps`` and ``seconds`` are those of the face videos; DEAP has 50 and 60, which takes minutes a person.
        ``films=false`` leaves them out. ``bdf`` adds the original recordings, 200 MB a person. What is whole is kept
        when the same call is repeated.
        """
        from mmbench_datasets.deap.simulate import Simulation, write_simulation

        write_simulation(
            root,
            Simulation(subjects=subjects, seed=seed, strength=strength, fps=fps, seconds=seconds, bdf=bdf, films=films),
        )

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the EEG channels, true or not."""
        return TWENTE_CHANNELS if self.twente_names else layout.EEG_CHANNELS


def _check_parameters(window: float, windows: int, frames: int, face_size: int) -> None:
    samples = window * layout.RATE
    if not (0 < window <= layout.TRIAL_S and samples == round(samples)):
        raise SpecError(
            f"window={window:g} s", where=Deap.name, remedy=f"use a multiple of 1/{layout.RATE:g} s, at most 60 s"
        )
    for name, value, low, high in (
        ("windows", windows, 1, 10_000),
        ("frames", frames, 1, 1000),
        ("face_size", face_size, 8, 1024),
    ):
        if not low <= value <= high:
            raise SpecError(f"{name}={value} is outside {low}-{high}", where=Deap.name, remedy="choose one within")
