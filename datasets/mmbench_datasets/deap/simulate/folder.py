"""Writes a folder of simulated recordings in DEAP's file formats; resumes after an interruption."""

import csv
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from mmbench import DataError, in_processes, locked, track, written_whole
from mmbench_datasets.deap.layout import (
    N_TRIALS,
    ORIGINAL_FOLDER,
    PYTHON_FOLDER,
    RATINGS,
    RATINGS_FILE,
    SIMULATED_MARK,
    is_filmed,
    subject_name,
    video_path,
)
from mmbench_datasets.deap.simulate.options import Simulation
from mmbench_datasets.deap.simulate.pickle_writer import write_arrays
from mmbench_datasets.deap.simulate.ratings import SimulatedRatings, make_ratings
from mmbench_datasets.deap.simulate.raw_recording import write_raw_recording
from mmbench_datasets.deap.simulate.signals import simulate_signals
from mmbench_datasets.shared.face_videos import FaceVideo, write_video

_COLUMNS = ("Participant_id", "Trial", "Experiment_id", "Start_time", *RATINGS, "Familiarity")


def write_simulation(root: Path, simulation: Simulation) -> None:
    """Write missing files. Raises DataError for a folder with other files, StorageError for a full disk."""
    _mark_simulated(root, simulation)
    tasks = [task for task in _plan(root, simulation) if not task[1].exists()]
    jobs = min(os.cpu_count() or 1, max(1, len(tasks)), 8)
    for _ in track(in_processes(jobs, _run, tasks), "simulating DEAP", total=len(tasks)):
        pass


def make_once(cache: Path, name: str, simulation: Simulation) -> Path:
    """The folder of a simulation under ``cache``, made if it is missing; an interrupted simulation is resumed."""
    key = hashlib.sha256(simulation.describe().encode()).hexdigest()[:12]
    home, part = cache / f"{name}-{key}", cache / f"{name}-{key}.part"
    if home.is_dir():
        return home
    with locked(home):
        if not home.is_dir():
            write_simulation(part, simulation)
            part.rename(home)
    return home


def _mark_simulated(root: Path, simulation: Simulation) -> None:
    """Mark a new folder as simulated. Raises DataError for one that may hold real recordings."""
    mark = root / SIMULATED_MARK
    if mark.is_file():
        if mark.read_bytes() != simulation.describe().encode():
            raise DataError("was simulated with other options", where=root, remedy="choose an empty folder")
    elif root.is_dir() and any(root.iterdir()):
        raise DataError("is neither empty nor a simulation", where=root, remedy="choose an empty folder")
    else:
        with written_whole(mark) as temporary:
            temporary.write_text(simulation.describe(), encoding="utf-8")


_Task = tuple[Callable[..., None], Path, Simulation, int, int]


def _plan(root: Path, simulation: Simulation) -> Iterator[_Task]:
    """Writer, path, options, participant and Experiment_id of each file; 0 where a file has none of the last two."""
    yield _write_ratings, root / RATINGS_FILE, simulation, 0, 0
    for participant in range(1, simulation.subjects + 1):
        name = subject_name(participant)
        yield _write_signals, root / PYTHON_FOLDER / f"{name}.dat", simulation, participant, 0
        if simulation.bdf:
            yield _write_raw_recording, root / ORIGINAL_FOLDER / f"{name}.bdf", simulation, participant, 0
        for row, trial in enumerate(make_ratings(simulation.seed, participant).trials.tolist()):
            if simulation.films and is_filmed(participant, trial):
                yield _write_video, video_path(root, name, trial), simulation, participant, row + 1


def _run(write: Callable[..., None], path: Path, simulation: Simulation, participant: int, experiment: int) -> None:
    with written_whole(path) as temporary:
        write(temporary, simulation, participant, experiment)


def _write_signals(path: Path, simulation: Simulation, participant: int, _: int) -> None:
    labels = make_ratings(simulation.seed, participant).ratings
    data = simulate_signals(simulation.seed, participant, simulation.strength, simulation.power, simulation.evoked)
    with path.open("wb") as file:
        write_arrays(file, {"labels": labels, "data": data})


def _write_raw_recording(path: Path, simulation: Simulation, participant: int, _: int) -> None:
    write_raw_recording(path, simulation, participant)


def _write_video(path: Path, simulation: Simulation, participant: int, experiment: int) -> None:
    scores = make_ratings(simulation.seed, participant).scores[experiment - 1]
    valence, arousal = (simulation.strength * simulation.expression * scores).tolist()
    shape = (simulation.fps, simulation.seconds, simulation.height)
    write_video(path, FaceVideo(simulation.seed, participant, experiment, valence, arousal, *shape))


def _write_ratings(path: Path, simulation: Simulation, *_: int) -> None:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    for participant in range(1, simulation.subjects + 1):
        ratings = make_ratings(simulation.seed, participant)
        rows.writerows(_rating_rows(participant, ratings))
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def _rating_rows(participant: int, simulated: SimulatedRatings) -> Iterator[list[object]]:
    row_of = {trial: row for row, trial in enumerate(simulated.trials.tolist())}
    for trial in range(1, N_TRIALS + 1):
        row = row_of[trial]
        familiarity = simulated.familiarity[row]
        start = 90_000_000 * trial  # µs
        yield [
            participant,
            trial,
            row + 1,
            start,
            *simulated.ratings[row].tolist(),
            "" if familiarity is None else familiarity,
        ]
