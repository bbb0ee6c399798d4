"""Which face video belongs to which trial of the EEG, and the faces in it."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError
from mmbench_datasets.deap import layout
from mmbench_datasets.deap.files import check_agreement, load_ratings

if TYPE_CHECKING:
    from mmbench_datasets.deap.faces import Bag, FaceFinder


def match_videos(home: Path, unit: str, labels: NDArray[np.floating], bad: Collection[int] = ()) -> dict[int, Path]:
    """The videos of a subject by Experiment_id; they are numbered in the order of presentation, the EEG is not.

    The ``labels`` have to be those of the ratings, but in ``bad`` rows.
    """
    videos = layout.find_videos(home, unit)
    if not videos:
        return {}
    path = home / layout.RATINGS_FILE
    if not path.is_file():
        remedy = "get metadata_csv from DEAP, it says which video belongs to which trial, or use deap[video=false]"
        raise DataError("is missing", where=path, remedy=remedy)
    ratings = load_ratings(path)
    participant = int(unit[1:])
    check_agreement(path, ratings, participant, labels, bad)
    experiment_of = {rating.trial: experiment for (who, experiment), rating in ratings.items() if who == participant}
    if unknown := sorted(set(videos) - set(experiment_of)):
        raise DataError(f"no rating has Trial {unknown[0]}", where=videos[unknown[0]], remedy="remove this video")
    return {experiment_of[trial]: video for trial, video in videos.items()}


class Footage:
    """The face bags of a subject's trials, by Experiment_id.

    ``windows`` are the times (s) of the faces in each window, ``size`` the side of a face in pixels. The detector is
    loaded with the first video.
    """

    def __init__(self, videos: dict[int, Path], windows: list[list[float]], size: int) -> None:
        self._videos = videos
        self._windows = windows
        self._size = size
        self._finder: FaceFinder | None = None

    def read(self, experiment: int) -> "list[Bag | None]":
        """A bag for each window, None where no frame has a face."""
        if experiment not in self._videos:
            return [None] * len(self._windows)
        from mmbench_datasets.deap.faces import FaceFinder, read_faces

        self._finder = self._finder or FaceFinder()
        bags = read_faces(self._videos[experiment], self._windows, self._size, self._finder)
        return [bag if any(face is not None for face in bag.faces) else None for bag in bags]
