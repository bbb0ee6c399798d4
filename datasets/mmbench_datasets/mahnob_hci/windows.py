"""Reads the windows of a session of MAHNOB-HCI: signals, faces and labels."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench import DataError, Sample
from mmbench_datasets.mahnob_hci.recordings import check_recording, load_film
from mmbench_datasets.mahnob_hci.sessions import EMOTIONS, Session
from mmbench_datasets.shared.damage import how_to_drop
from mmbench_datasets.shared.faces import Bag, FaceDetector, read_faces
from mmbench_datasets.shared.sliding_windows import Signal, cut_samples

if TYPE_CHECKING:
    from mmbench_datasets.mahnob_hci.dataset import MahnobHci

_REMEDY = how_to_drop("copy or download the session again", "it")


def read_session(
    dataset: "MahnobHci", session: Session, unit: str, detector: FaceDetector | None
) -> Iterator[Sample | DataError]:
    """The windows of a session in order; one error for a session that cannot be used."""
    name = f"{unit}/n{int(session.number):04d}"
    try:
        labels = _labels(dataset, session)
        recording = session.recording or session.folder
        film = load_film(recording, session.seconds, is_average=dataset.reference == "average")
        signals = {key: Signal(values, 256.0, float(dataset.rate)) for key, values in film.items()}
        groups = {"subject": unit, "trial": name, "video": _film(session.film)}
        outcomes = [*cut_samples(dataset.windows, signals, name, labels, groups, where=str(recording))]
        bags = _faces(dataset, session.face, outcomes, detector)
    except DataError as error:
        yield error
        return
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Sample) and (bag := bags.get(number)):
            data = {**outcome.data, "face": bag.faces}
            yield replace(outcome, data=data, inferred={"face": bag.inferred})
        else:
            yield outcome


def find_unreadable(dataset: "MahnobHci", sessions: Iterable[Session]) -> Iterator[DataError]:
    """The error of each session with invalid labels, or a recording whose header and size are not as they should be."""
    for session in sessions:
        try:
            _labels(dataset, session)
            check_recording(session.recording or session.folder)
        except DataError as error:
            yield error


def _film(name: str) -> str:
    """The name of a film without its ending and without characters that groups may not have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path(name).stem).strip("-").lower() or "film"


def _labels(dataset: "MahnobHci", session: Session) -> dict[str, Any]:
    where = str(session.description)
    if problem := dataset.scale.find_invalid(session.ratings):
        raise DataError(problem, where=where, remedy=_REMEDY)
    if session.emotion and session.emotion not in EMOTIONS:
        message = f"feltEmo is {session.emotion!r}, not one of {', '.join(EMOTIONS)}"
        raise DataError(message, where=where, remedy=_REMEDY)
    labels: dict[str, Any] = dict(dataset.scale.labels(session.ratings))
    return labels | ({"emotion": [*EMOTIONS].index(session.emotion)} if session.emotion else {})


def _faces(
    dataset: "MahnobHci", path: Path | None, outcomes: list[Sample | DataError], detector: FaceDetector | None
) -> dict[int, Bag]:
    """The faces of each window that has any, by its place among the outcomes."""
    if path is None or detector is None:
        return {}
    spans = {number: each.span for number, each in enumerate(outcomes) if isinstance(each, Sample) and each.span}
    step = dataset.windows.seconds / dataset.frames
    times = [
        [start - dataset.video_offset + (at + 0.5) * step for at in range(dataset.frames)]
        for start, _ in spans.values()
    ]
    bags = read_faces(path, times, dataset.face_size, detector)
    return {number: bag for number, bag in zip(spans, bags, strict=True) if any(face is not None for face in bag.faces)}
