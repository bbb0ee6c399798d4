"""Matches the face videos of a subject to the trials of the EEG."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError
from mmbench_datasets.deap.files import DeapFiles
from mmbench_datasets.deap.layout import Source
from mmbench_datasets.deap.options import VideoOrder
from mmbench_datasets.deap.ratings import Ratings, check_agreement, load_ratings


def match_videos(
    files: DeapFiles,
    unit: str,
    labels: NDArray[np.floating],
    order: VideoOrder = "experiment",
    bad: Collection[int] = (),
) -> Mapping[int, Path]:
    """The videos of a subject by Experiment_id, the row of the EEG from 1.

    Videos are numbered in the order of presentation, and the table of ratings maps that to Experiment_id; ``labels``
    (40, 4) must equal its ratings, except in ``bad`` rows. ``order="presentation"`` skips the mapping: the n-th video
    is paired with the n-th row, as Milmer's public notebook does.
    """
    videos = files.videos_of(unit)
    if not videos or order == "presentation":
        return videos
    ratings = load_table(files)
    path = files.ratings
    participant = int(unit[1:])
    check_agreement(path, ratings, participant, labels, bad)
    experiment_of = {rating.trial: experiment for (who, experiment), rating in ratings.items() if who == participant}
    if unknown := sorted(set(videos) - set(experiment_of)):
        raise DataError(f"no rating has Trial {unknown[0]}", where=videos[unknown[0]], remedy="remove this video")
    return {experiment_of[trial]: video for trial, video in videos.items()}


def load_table(files: DeapFiles, source: Source = "preprocessed") -> Ratings:
    """The ratings of everybody; raises DataError if the table is missing, damaged, or there are two that differ."""
    path = files.ratings
    if not path.exists() and not path.is_symlink():
        use = "holds the ratings and the order of presentation" if source == "bdf" else "maps videos to trials"
        remedy = "get metadata_csv from DEAP" + ("" if source == "bdf" else ", or use deap[video=false]")
        raise DataError(f"is missing; it {use}", where=path, remedy=remedy)
    files.check_copies(path)
    return load_ratings(path)
