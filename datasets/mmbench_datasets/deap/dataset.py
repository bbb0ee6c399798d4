"""The DEAP dataset: windows of EEG and peripheral signals with the faces filmed at the same time."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, Task
from mmbench_datasets.deap import layout
from mmbench_datasets.deap.labels import QUADRANTS, Ties
from mmbench_datasets.deap.options import Faces, Options, Preprocessing, Removal, VideoOrder
from mmbench_datasets.simulated import card_of_files


class Deap(Dataset):
    """DEAP (Koelstra et al. 2012): 32 people watch 40 music videos each; EEG, peripheral signals, faces of 22 people.

    A sample is a window of ``window`` s; ``windows`` of them are spread evenly over the 60 s of a trial, without the
    3 s of baseline before it. The default is Milmer's: 20 adjacent windows. ``frames`` faces are taken evenly over each
    window and scaled to ``face_size`` pixels square. Videos may have any codec that OpenCV reads, and a constant or
    variable frame rate: each face is from the frame shown at its time, counted from the first frame of the video; where
    frames are missing for more than a second, the face is absent. A frame without a detected face is cropped at the
    nearest detection in time and marked as inferred. A window without any face has no face bag (``faces="keep"``) or is
    left out (``"drop"``). ``video=False`` leaves the faces out, ``peripheral=True`` adds the eight other channels.
    Ratings above 5 are high.

    ``source="bdf"`` reads the original recordings and repeats the preprocessing of the release: 128 Hz, ocular
    artefacts removed, 4-45 Hz, average reference, Geneva's channel order, rows by Experiment_id. ``eog`` is the method
    that removes the artefacts: ``"regression"`` on hEOG and vEOG, an ``"ica"`` that excludes ocular components, or
    ``"none"``. Both are fitted to all trials of the person. EOG and EMG are in µV; GSR is in nS for everybody, although
    the files of s01 to s22 have ohm; the other peripheral channels are in the unit of the file.

    ``eeg="milmer"`` adds the preprocessing that Milmer's paper describes: 1-50 Hz, then an ICA over all trials of a
    person, which excludes the frontal components that correlate with hEOG or vEOG, at least one. It is fitted to test
    windows, too, without labels, and is therefore transductive. ``"released"`` leaves the EEG as it is.

    The faults of Milmer's public notebook can be reproduced to measure the effect of each; all are off by default.
    ``scramble`` reads the channels and times of a trial in the wrong order. ``eeg="published"`` is the notebook's
    filter and ICA, with one component too many and none excluded. ``twente_names`` gives the channels, which are in
    Geneva's order, the names of Twente's order; this affects all that uses names, such as the scalp maps of
    ``eeg="milmer"``. ``ties="halv"`` puts ties at 5 into HALV (task ``quadrant``). ``video_order="presentation"`` pairs
    the video of the n-th presentation with the n-th row of the EEG, which is that of Experiment_id n.
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
        "folder and give it with --data; deap-sim, the simulated version, needs no files",
        size="32 people, 40 trials of 60 s; faces of 22 people",
    )

    def __init__(
        self,
        *,
        window: float = 3.0,
        windows: int = 20,
        frames: int = 10,
        face_size: int = 224,
        faces: Faces = "keep",
        video: bool = True,
        peripheral: bool = False,
        source: layout.Source = "preprocessed",
        eog: Removal = "regression",
        eeg: Preprocessing = "released",
        scramble: bool = False,
        twente_names: bool = False,
        ties: Ties = "low",
        video_order: VideoOrder = "experiment",
    ) -> None:
        self.options = Options(
            window=window,
            windows=windows,
            frames=frames,
            face_size=face_size,
            faces=faces,
            video=video,
            peripheral=peripheral,
            source=source,
            eog=eog,
            eeg=eeg,
            scramble=scramble,
            twente_names=twente_names,
            ties=ties,
            video_order=video_order,
        )
        self.options.check(self.name)

    def schema(self) -> Schema:
        """EEG, faces unless ``video=False``, peripheral channels if ``peripheral``; six tasks, ``quadrant`` first."""
        options = self.options
        length, channels = round(options.window * layout.RATE), options.channels
        modalities = [Modality("eeg", "timeseries", (len(channels), length), rate=layout.RATE, channels=channels)]
        if options.video:
            side = options.face_size
            modalities.append(Modality("face", "image", (3, side, side), instances=options.frames))
        if options.peripheral:
            names = layout.PERIPHERAL_CHANNELS
            shape = (len(names), length)
            modalities.append(Modality("peripheral", "timeseries", shape, rate=layout.RATE, channels=names))
        return Schema(
            modalities=tuple(modalities),
            tasks={
                "quadrant": Task("class", QUADRANTS),
                **{rating.lower(): Task("class", ("low", "high")) for rating in layout.RATINGS},
                "ratings": Task("values", tuple(rating.lower() for rating in layout.RATINGS)),
            },
            groups=("subject", "trial"),
        )

    def card_of(self, root: Path) -> Card:
        """DEAP's card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def check(self, root: Path) -> list[Problem]:
        """Everything that reading would refuse, except what only preprocessing or decoding a video shows.

        Signals are loaded: invalid shapes, values, ratings and videos, and copies that differ, are problems.
        """
        from mmbench_datasets.deap.checks import check_home

        return check_home(root, self.options, self.card.request)

    def units(self, root: Path) -> list[str]:
        """The subjects with signals, ``s01`` to ``s32``; with ``faces="drop"`` only those with a video."""
        from mmbench_datasets.deap.files import find_files

        return find_files(root).subjects(self.options)

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The signals, the videos, and the ratings where they label trials or match videos to trials."""
        from mmbench_datasets.deap.files import find_files

        files = find_files(root)
        videos = files.videos_of(unit) if self.options.video else {}
        sources = [files.recording(unit, self.options.source), *videos.values()]
        if self.options.source == "bdf" or (videos and self.options.video_order == "experiment"):
            sources.insert(1, files.ratings)
        return [path for path in sources if path.is_file()]

    def counts(self, root: Path) -> Mapping[str, int]:
        """People, trials, face videos and windows that can be read."""
        from mmbench_datasets.deap.contents import count_contents

        return count_contents(root, self.options)

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Files that these options do not use, subjects without a video, duplicates in another format."""
        from mmbench_datasets.deap.contents import describe_left_out

        return describe_left_out(root, self.options)

    def assumptions(self, root: Path) -> Sequence[str]:
        """That trials without a video have no face, and which these are."""
        from mmbench_datasets.deap.contents import describe_missing_films

        return describe_missing_films(root, self.options)

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """Windows in order of Experiment_id and time, with ids like ``s01/e07/w03``."""
        from mmbench_datasets.deap.files import find_files
        from mmbench_datasets.deap.windows import read_windows

        yield from read_windows(self.options, find_files(root), unit)

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
        power: float = 1.0,
        evoked: float = 1.0,
        expression: float = 1.0,
        height: int = 576,
    ) -> None:
        """Write simulated recordings of ``subjects`` people (1-32) into an empty folder, in DEAP's file formats.

        ``fps``, ``seconds`` and ``height`` (in pixels) are those of the face videos; DEAP's 50, 60 and 576 take
        minutes per person. ``films=false`` leaves the videos out. ``bdf`` adds the original recordings, 200 MB per
        person. ``strength`` scales every effect of the ratings; ``power``, ``evoked`` and ``expression`` those on
        the band power of the EEG, on its evoked responses, and on the face. Repeating the call after an
        interruption keeps the files that are complete.
        """
        from mmbench_datasets.deap.simulate.folder import write_simulation
        from mmbench_datasets.deap.simulate.options import Simulation

        write_simulation(
            root,
            Simulation(subjects, seed, strength, fps, seconds, bdf, films, power, evoked, expression, height),
        )
