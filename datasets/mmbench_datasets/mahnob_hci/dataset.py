"""The MAHNOB-HCI dataset: windows of EEG, peripheral signals and faces of people who watch film clips."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Literal

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, SpecError, Task
from mmbench_datasets.mahnob_hci.sessions import EMOTIONS, FOLDER, RATINGS, Session, find_folder, find_sessions
from mmbench_datasets.names import describe_absent
from mmbench_datasets.shared.damage import find_unusable, how_to_drop
from mmbench_datasets.shared.people import describe_missing_people
from mmbench_datasets.shared.ratings import RatingScale, Ties
from mmbench_datasets.shared.sliding_windows import make_windows
from mmbench_datasets.simulated import card_of_files, describe_mark

RATE = 256.0
# fmt: off
EEG = (
    "Fp1", "AF3", "F3", "F7", "FC5", "FC1", "C3", "T7", "CP5", "CP1", "P3", "P7", "PO3", "O1", "Oz", "Pz",
    "Fp2", "AF4", "Fz", "F4", "F8", "FC6", "FC2", "Cz", "C4", "T8", "CP6", "CP2", "P4", "P8", "PO4", "O2",
)
# fmt: on
SIGNALS = {"eeg": EEG, "ecg": ("EXG1", "EXG2", "EXG3"), "gsr": ("GSR1",), "resp": ("Resp",), "temp": ("Temp",)}
"""Channels of the BDF files by modality."""
NOT_READ = {
    ".tsv": "gaze, which is not read",
    ".wav": "sound, which is not read",
}
N_PEOPLE = 27
_MAY_REST = ("gsr", "resp", "temp")
LONGEST = 30.0  # s; the shortest film lasts 35
Reference = Literal["average", "none"]


class MahnobHci(Dataset):
    """Ratings of 20 film clips by about 27 people: EEG, ECG, skin conductance, respiration, temperature, and the face.

    A sample is a window of ``window`` s of a film, from the first to the second event of the Status channel; without
    ``stride`` (s), windows do not overlap. ``rate`` (Hz) is a divisor of 256 to which each window is resampled by
    itself. ``reference="average"`` subtracts the mean of the 32 EEG channels, ``"none"`` leaves them against BioSemi's
    CMS electrode. Nothing else is filtered: the channels keep their offsets. EEG and the three electrodes of the ECG
    (EXG1-3) are in µV, the others in the unit of the file.

    ``frames`` faces are taken evenly over each window from the video of the colour camera and scaled to ``face_size``
    pixels square. A frame without a detected face is cropped at the nearest detection in time and marked as inferred; a
    window without any face lacks the modality. ``video_offset`` is where the first frame of the video is, in s from the
    start of the film, and 0 by default: the files do not state it. ``video=False`` leaves the faces out.

    Ratings of arousal, valence, control and predictability are whole numbers from 1 to 9. Above ``threshold`` is high;
    ``ties`` says what a rating equal to it is: ``low``, ``high``, or not labelled (``drop``). ``quadrant`` combines
    arousal and valence, ``ratings`` are the values, and ``emotion`` is the keyword that a person chose of nine. A film
    is the group ``video``, a person's view of it the group ``trial``. Soleymani et al. 2012, IEEE Transactions on
    Affective Computing 3(1):42-55.
    """

    name = "mahnob-hci"
    card: ClassVar[Card] = Card(
        title="MAHNOB-HCI: EEG, peripheral signals and faces of people who watch film clips",
        access="gated",
        licence="MAHNOB end user licence agreement: academic research only, no redistribution",
        url="https://mahnob-db.eu/hci-tagging/",
        citation="Soleymani et al., A multimodal database for affect recognition and implicit tagging, IEEE "
        "Transactions on Affective Computing 3(1):42-55, 2012, doi:10.1109/T-AFFC.2011.25",
        request="sign the end user licence agreement at https://mahnob-db.eu/hci-tagging/, unpack the sessions of the "
        "emotion elicitation experiment, as DIR/Sessions/NUMBER, and give DIR with --data; mahnob-hci-sim, the "
        "simulated version, needs no files",
        size="about 27 people, 20 film clips",
    )

    def __init__(
        self,
        *,
        window: float = 10.0,
        stride: float | None = None,
        rate: int = 256,
        reference: Reference = "average",
        video: bool = True,
        frames: int = 10,
        face_size: int = 224,
        video_offset: float = 0.0,
        threshold: float = 5.0,
        ties: Ties = "low",
    ) -> None:
        if not 1 <= rate <= RATE or RATE % rate:
            message = f"rate={rate} is not a divisor of {RATE:g} Hz"
            raise SpecError(message, where=self.name, remedy="choose 256, 128 or 64")
        self.windows = make_windows(self.name, window, stride, (RATE, rate), LONGEST)
        for option, value, low, high in (
            ("frames", frames, 1, 1000),
            ("face_size", face_size, 8, 1024),
            ("video_offset", video_offset, -60, 60),
        ):
            if not low <= value <= high:
                message = f"{option}={value:g} is outside {low}-{high}"
                raise SpecError(message, where=self.name, remedy="choose a value within")
        self.rate, self.reference, self.video = rate, reference, video
        self.frames, self.face_size, self.video_offset = frames, face_size, video_offset
        self.scale = RatingScale(tuple(RATINGS), 1, 9, threshold, ties)
        self.scale.check(self.name)

    def schema(self) -> Schema:
        """Five time series, and ``face`` unless ``video=False``; the ratings, quadrant, their values and emotion."""
        length = self.windows.size(self.rate)
        modalities = [
            Modality(
                name,
                "timeseries",
                (len(channels), length),
                rate=self.rate,
                channels=channels,
                may_be_constant=name in _MAY_REST,
            )
            for name, channels in SIGNALS.items()
        ]
        if self.video:
            side = self.face_size
            modalities.append(Modality("face", "image", (3, side, side), instances=self.frames))
        tasks = {**self.scale.tasks(), "emotion": Task("class", tuple(EMOTIONS.values()))}
        return Schema(tuple(modalities), tasks=tasks, groups=("subject", "trial", "video"))

    def card_of(self, root: Path) -> Card:
        """The card, or that of a simulation where the folder is marked as one."""
        return card_of_files(self.card, root, self)

    def check(self, root: Path) -> list[Problem]:
        """No session, damaged descriptions, invalid labels, damaged or foreign recordings, truncated videos."""
        from mmbench import is_video_truncated
        from mmbench_datasets.mahnob_hci.windows import find_unreadable

        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        try:
            found = find_sessions(root)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]
        if not found:
            wanted = f"{FOLDER}/NUMBER/session.xml"
            return [describe_absent(root, wanted, f"{FOLDER}/10/session.xml", self.card.request)]
        sessions = self._sessions(root)
        problems = find_unusable([*found, *find_unreadable(self, sessions)])
        if not sessions and not problems:
            message = "has no session of the emotion elicitation experiment with a recording"
            return [Problem(str(find_folder(root)), message, self.card.request)]
        faces = [session.face for session in sessions if session.face] if self.video else []
        if self.video and sessions and not faces:
            remedy = "get the videos of the colour camera, or use mahnob-hci[video=false]"
            problems.append(Problem(str(find_folder(root)), "has no face videos", remedy))
        remedy = how_to_drop(
            "copy or download the video again, or remove it: its session is then without a face", "the session"
        )
        truncated = (DataError("is truncated", where=path, remedy=remedy) for path in faces if is_video_truncated(path))
        return problems + find_unusable(truncated)

    def units(self, root: Path) -> list[str]:
        """``s01``, ``s02``, ...: the people with a session that can be used."""
        return [f"s{person:02d}" for person in sorted({session.person for session in self._sessions(root)})]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The descriptions of all sessions, which say whose they are, and recordings and face videos of a person."""
        paths = [session.description for session in find_sessions(root) if isinstance(session, Session)]
        return paths + [path for session in self._sessions(root, unit) for path in self._recorded(session)]

    def contents(self, root: Path) -> Mapping[str, int]:
        """The files of each person's own sessions: descriptions, recordings and face videos."""
        sessions = {unit: self._sessions(root, unit) for unit in self.units(root)}
        return {unit: sum(1 + len(self._recorded(each)) for each in own) for unit, own in sessions.items()}

    def counts(self, root: Path) -> Mapping[str, int]:
        """People, trials, face videos, and trials of each class of arousal, without invalid ratings."""
        sessions = self._sessions(root)
        counts = {"people": len(self.units(root)), "trials": len(sessions)}
        if self.video:
            counts["face videos"] = sum(session.face is not None for session in sessions)
        rated = [session for session in sessions if not self.scale.find_invalid(session.ratings)]
        labels = [self.scale.labels(session.ratings).get("arousal") for session in rated]
        return counts | {f"trials of {name} arousal": labels.count(at) for at, name in enumerate(("low", "high"))}

    def assumptions(self, root: Path) -> list[str]:
        """The convention of the classes, when the videos begin, and missing people."""
        lines = [self.scale.describe(), *describe_missing_people(self, root, N_PEOPLE, "MAHNOB-HCI's")]
        if self.video:
            lines.append(
                f"face videos begin {self.video_offset:g} s after the start of the film, which no file states "
                "(video_offset=)"
            )
        return lines

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Sessions that cannot be used or lack a face video, and files that are not read."""
        folder = find_folder(root)
        home, left = folder.relative_to(root), dict[str, str]()
        for session in find_sessions(root):
            if isinstance(session, Session) and (why := session.absent):
                left[(home / session.number).as_posix()] = why
            elif isinstance(session, Session) and self.video and not session.face:
                left[f"the face of session {session.number}"] = "not exactly one video of the colour camera"
        sessions = self._sessions(root)
        used = {session.face for session in sessions if self.video}
        if any(path not in used for session in sessions for path in session.folder.glob("*.avi")):
            of_camera = "not known by session.xml or its name as the only video of the colour camera"
            left[(home / "*/*.avi").as_posix()] = of_camera if self.video else "left out by video=false"
        for ending, why in NOT_READ.items():
            if any(folder.glob(f"*/*{ending}")):
                left[(home / f"*/*{ending}").as_posix()] = why
        return left | describe_mark(root)

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The windows of a person by session and time, with ids like ``s01/n0010/w003``."""
        from mmbench_datasets.mahnob_hci.windows import read_session

        detector = None
        if self.video:
            from mmbench_datasets.shared.faces import FaceDetector

            detector = FaceDetector()
        for session in self._sessions(root, unit):
            yield from read_session(self, session, unit, detector)

    def simulate(
        self,
        root: Path,
        *,
        subjects: int,
        seed: int = 0,
        strength: float = 1.0,
        films: int = 8,
        seconds: float = 30.0,
        height: int = 288,
    ) -> None:
        """Write simulated sessions of ``subjects`` people in MAHNOB-HCI's files: ``films`` of about ``seconds`` s.

        Faces are drawn, ``height`` pixels high, at 1.5 frames per second. EEG and skin conductance tell arousal best,
        the pulse and the face valence.
        """
        from mmbench_datasets.mahnob_hci.simulation import write_simulation

        write_simulation(
            root, subjects=subjects, seed=seed, strength=strength, films=films, seconds=seconds, height=height
        )

    def _recorded(self, session: Session) -> list[Path]:
        """The recording and, with ``video``, the face video of a session, as far as they exist."""
        paths = (session.recording, session.face if self.video else None)
        return [path for path in paths if path is not None]

    def _sessions(self, root: Path, unit: str | None = None) -> list[Session]:
        """The sessions that can be used, of everybody or of one person."""
        found = [session for session in find_sessions(root) if isinstance(session, Session) and not session.absent]
        return [session for session in found if unit in (None, f"s{session.person:02d}")]
