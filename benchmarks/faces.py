"""Speed and recall of the face detector, compared with full-size frames on one thread.

    python benchmarks/faces.py [--rounds 7]

Prints the median over rounds, in which the contenders run in turns. The clips are those of ../shared/data/faces/video
(or $MMBENCH_SHARED) if they exist, else simulated ones. Detection rates and the overlap of the boxes with those at full
size are printed, too. The last comparison reads whole videos as in preparation, one process per core: decode, detect,
crop, encode.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from joblib import Parallel, cpu_count, delayed

from mmbench_datasets.shared.face_drawing import HEIGHT, WIDTH
from mmbench_datasets.shared.face_videos import FaceVideo, write_video
from mmbench_datasets.shared.faces import DETECTION_SIDE, Box, FaceDetector, Frame, read_faces

SHARED = Path(os.environ.get("MMBENCH_SHARED", Path(__file__).parents[2] / "shared" / "data")) / "faces"
N_FRAMES = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = max(5, parser.parse_args().rounds)
    with tempfile.TemporaryDirectory() as folder:
        clips = sorted(SHARED.glob("video/*.avi")) or simulate_clips(Path(folder))
        frames = [frame for clip in clips for frame in load_frames(clip)][:N_FRAMES]
        print(
            f"{len(frames)} frames of {frames[0].shape[1]} x {frames[0].shape[0]}, {cpu_count()} cores, "
            f"OpenCV {cv2.__version__}, {'real' if clips[0].is_relative_to(SHARED) else 'SIMULATED'} clips"
        )
        time_detection(frames, rounds)
        time_videos(clips, rounds)
    compare("clips", frames)
    gestures = sorted(SHARED.glob("video/asl_gestures/*"))
    compare("asl_gestures", [frame for clip in gestures for frame in load_frames(clip)[::6]])
    compare("london", [np.asarray(cv2.imread(str(path)), np.uint8) for path in sorted(SHARED.glob("london/*/*.jpg"))])


def simulate_clips(folder: Path) -> list[Path]:
    clips = [folder / f"clip{number}.avi" for number in range(3)]
    for number, clip in enumerate(clips):
        write_video(clip, FaceVideo(0, number + 1, 1, 0.0, 0.0, fps=25.0, seconds=2.0))
    return clips


def load_frames(clip: Path) -> list[Frame]:
    capture, frames = cv2.VideoCapture(str(clip)), []
    while (got := capture.read())[0]:
        frames.append(np.asarray(got[1], np.uint8))
    capture.release()
    return frames


def time_detection(frames: Sequence[Frame], rounds: int) -> None:
    """Time detection alone, on decoded frames in memory."""
    contenders: dict[str, tuple[FaceDetector, int]] = {
        "full size, 1 thread": (FaceDetector(max(WIDTH, HEIGHT)), 1),
        "full size, all threads": (FaceDetector(max(WIDTH, HEIGHT)), cpu_count()),
        f"{DETECTION_SIDE} px, 1 thread": (FaceDetector(), 1),
        f"{DETECTION_SIDE} px, all threads": (FaceDetector(), cpu_count()),
    }

    def detect(finder: FaceDetector, threads: int) -> int:
        cv2.setNumThreads(threads)
        for frame in frames:
            finder.find(frame)
        return len(frames)

    time_in_turns({name: partial(detect, *each) for name, each in contenders.items()}, rounds)


def time_videos(clips: Sequence[Path], rounds: int) -> None:
    """Time whole videos: at full size in one process, and as in preparation with one process per core."""
    tasks = [clip for clip in clips for _ in range(2)]
    n_frames = 2 * sum(len(load_frames(clip)) for clip in clips)
    with Parallel(n_jobs=cpu_count()) as pool:

        def naive() -> int:
            cv2.setNumThreads(1)
            for clip in tasks:
                read_video(clip, max(WIDTH, HEIGHT))
            return n_frames

        def ours() -> int:
            pool(delayed(read_video)(clip, DETECTION_SIDE) for clip in tasks)
            return n_frames

        ours()  # starts the processes
        time_in_turns(
            {"videos, full size, 1 process": naive, f"videos, {DETECTION_SIDE} px, a process a core": ours}, rounds
        )


def read_video(clip: Path, side: int) -> None:
    """Read every frame of a clip as the dataset does."""
    capture = cv2.VideoCapture(str(clip))
    rate, n_frames = capture.get(cv2.CAP_PROP_FPS), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    read_faces(clip, [[(index + 0.5) / rate for index in range(n_frames)]], 224, FaceDetector(side))


def time_in_turns(contenders: dict[str, Callable[[], int]], rounds: int) -> None:
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            start = time.perf_counter()
            n_frames = run()
            speeds[name].append(n_frames / (time.perf_counter() - start))
    for name, values in speeds.items():
        spread = f"median of {rounds}, {min(values):.0f}-{max(values):.0f}"
        print(f"{name:36s} {statistics.median(values):7.0f} frames/s  ({spread})")


def compare(name: str, frames: Sequence[Frame]) -> None:
    """Print the number of frames with a face at each size, and the overlap of the boxes."""
    if not frames:
        return
    full, small = FaceDetector(10_000), FaceDetector()
    pairs = [(full.find(frame), small.find(frame)) for frame in frames]
    both = [overlap(one, other) for one, other in pairs if one and other]
    print(
        f"{name}: {len(frames)} frames, a face in {sum(one is not None for one, _ in pairs)} at full size, "
        f"{sum(other is not None for _, other in pairs)} at {DETECTION_SIDE} px; "
        f"overlap (IoU) median {np.median(both):.2f}, least {min(both):.2f}"
    )


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.width * one.height + other.width * other.height - shared)


if __name__ == "__main__":
    main()
