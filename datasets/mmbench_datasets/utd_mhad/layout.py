"""Names of UTD-MHAD: actions, channels and recordings."""

from typing import NamedTuple

ACTIONS = (
    "swipe-left",
    "swipe-right",
    "wave",
    "clap",
    "throw",
    "arm-cross",
    "basketball-shoot",
    "draw-x",
    "draw-circle-cw",
    "draw-circle-ccw",
    "draw-triangle",
    "bowling",
    "boxing",
    "baseball-swing",
    "tennis-swing",
    "arm-curl",
    "tennis-serve",
    "push",
    "knock",
    "catch",
    "pickup-throw",
    "jog",
    "walk",
    "sit-to-stand",
    "stand-to-sit",
    "lunge",
    "squat",
)
"""The actions by number, from 1; the sensor is on the right wrist for the first 21, on the right thigh from jog."""

JOINTS = (
    "head",
    "shoulder-center",
    "spine",
    "hip-center",
    *(f"left-{joint}" for joint in ("shoulder", "elbow", "wrist", "hand")),
    *(f"right-{joint}" for joint in ("shoulder", "elbow", "wrist", "hand")),
    *(f"left-{joint}" for joint in ("hip", "knee", "ankle", "foot")),
    *(f"right-{joint}" for joint in ("hip", "knee", "ankle", "foot")),
)
SENSOR_CHANNELS = tuple(f"{quantity}-{axis}" for quantity in ("acceleration", "rotation") for axis in "xyz")
JOINT_CHANNELS = tuple(f"{joint}-{axis}" for joint in JOINTS for axis in "xyz")

REPETITIONS = (1, 2, 3, 4)
NOT_PUBLISHED = frozenset({(8, 1, 4), (23, 6, 4), (27, 8, 4)})
"""Action, subject and repetition of the recordings that the publishers removed as corrupted."""


class Stream(NamedTuple):
    """Files of a modality: folder, end of the name, array within, axes of the array besides time, rate in Hz."""

    folder: str
    suffix: str
    array: str
    axes: tuple[int, ...]
    rate: float
    channels: tuple[str, ...]


STREAMS = {
    "inertial": Stream("Inertial", "_inertial.mat", "d_iner", (6,), 50.0, SENSOR_CHANNELS),
    "skeleton": Stream("Skeleton", "_skeleton.mat", "d_skel", (20, 3), 30.0, JOINT_CHANNELS),
}


class Recording(NamedTuple):
    """One repetition of an action by a subject, numbered as in the names of its files."""

    action: int
    subject: int
    repetition: int

    @property
    def stem(self) -> str:
        """How the names of its files begin."""
        return f"a{self.action}_s{self.subject}_t{self.repetition}"

    @property
    def is_published(self) -> bool:
        """Whether it is one of the actions and repetitions, and not one of the corrupted recordings."""
        return self.action <= len(ACTIONS) and self.repetition in REPETITIONS and self not in NOT_PUBLISHED


def list_recordings(subject: int) -> list[Recording]:
    """What was published of a subject: each action four times, but for the corrupted ones."""
    every = (Recording(action, subject, at) for action in range(1, len(ACTIONS) + 1) for at in REPETITIONS)
    return [recording for recording in every if recording.is_published]
