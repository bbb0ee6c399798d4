"""Face detection in video of 720 × 576, from the file to encoded faces, one process per core; see also ``faces.py``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from faces import overlap
from joblib import Parallel, delayed
from timing import Contenders, Goal, Measured, ResultsDiffer, measure

from mmbench_datasets.shared.face_drawing import HEIGHT, WIDTH
from mmbench_datasets.shared.face_videos import FaceVideo, write_video
from mmbench_datasets.shared.faces import DETECTION_SIDE, FaceDetector, read_faces

NAME = "detection"
TITLE = "faces in video"
OURS, FULL = "mmbench, 2 processes", "at full size, 2 processes"
UNIT = "frames/s"
GOALS = (Goal("at least 100 frames/s on two cores", OURS, unit=UNIT, least=100),)
PROCESSES = 2
RATE = 25.0


def available() -> str | None:
    return None


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    seconds = 1.0 if quick else 2.0
    clips = [folder / f"clip{number}.avi" for number in range(PROCESSES)]
    for number, clip in enumerate(clips):
        write_video(clip, FaceVideo(0, number + 1, 1, 0.0, 0.0, fps=RATE, seconds=seconds))
    n_frames = round(RATE * seconds)
    with Parallel(n_jobs=PROCESSES) as pool:
        contenders = {
            name: reader(pool, clips, n_frames, side)
            for name, side in ((OURS, DETECTION_SIDE), (FULL, max(WIDTH, HEIGHT)))
        }
        about = (
            f"{PROCESSES} simulated films of {n_frames} frames: decode, find the face, cut it out at 224 px, code it"
        )
        yield Contenders(contenders, lambda results: check(results, clips, n_frames), about)


def reader(pool: Any, clips: Sequence[Path], n_frames: int, side: int) -> Callable[[], Measured]:
    def read() -> Measured:
        done = measure(lambda: pool(delayed(count_faces)(clip, n_frames, side) for clip in clips))
        return Measured({UNIT: n_frames * len(clips) / done.figures["s"]}, sum(done.result))

    return read


def count_faces(clip: Path, n_frames: int, side: int) -> int:
    """Number of faces detected in a video, read as in preparation."""
    cv2.setNumThreads(1)
    (bag,) = read_faces(clip, [[(frame + 0.5) / RATE for frame in range(n_frames)]], 224, FaceDetector(side))
    return sum(face is not None for face in bag.faces) - int(bag.inferred.sum())


def check(results: Mapping[str, Any], clips: Sequence[Path], n_frames: int) -> None:
    """Check that detection at reduced size finds the same faces at the same positions."""
    if results[OURS] != results[FULL] or not results[OURS]:
        raise ResultsDiffer(f"{results[OURS]} faces, {results[FULL]} at full size")
    ours, full = FaceDetector(), FaceDetector(max(WIDTH, HEIGHT))
    for frame in first_frames(clips):
        one, other = ours.find(frame), full.find(frame)
        if one and other and overlap(one, other) < 0.5:
            raise ResultsDiffer(f"boxes overlap by {overlap(one, other):.2f} only")


def first_frames(clips: Sequence[Path]) -> Iterator[np.ndarray]:
    for clip in clips:
        capture = cv2.VideoCapture(str(clip))
        found, frame = capture.read()
        capture.release()
        if found:
            yield frame
