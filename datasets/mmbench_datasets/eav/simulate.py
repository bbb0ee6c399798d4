"""Simulated recordings in the files of EAV."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import SpecError, written_whole
from mmbench_datasets.eav.layout import CONDITIONS, EMOTIONS, MOST_TRIALS, N_CHANNELS, N_TIMES, RATE, SECONDS
from mmbench_datasets.eav.people import Trial
from mmbench_datasets.shared.films import write_film
from mmbench_datasets.shared.simulated_actors import Performance, draw_film, film_size, make_voice
from mmbench_datasets.shared.wave_files import write_wave
from mmbench_datasets.simulated import begin_simulation

_SPEECH_RATE, _FRAME_RATE, _HEIGHT = 16000, 2.0, 96
_MOST_PEOPLE = 42
_N_CLASSES = len(CONDITIONS) * len(EMOTIONS)
# Arousal and valence of the emotions: rhythms of the EEG, and the expressions of voice and face.
_AROUSAL, _VALENCE = (0, -1, 1, 1, -1), (0, -1, -1, 1, 1)
_RHYTHMS = (10.0, 20.0)  # Hz
# On the logarithm of a rhythm's amplitude: of the emotion; of a trial itself, in all channels and in each.
_EFFECT, _COMMON, _OWN = 0.35, 0.3, 0.25
_HEADER = b"MATLAB 5.0 MAT-file, simulated by mmbench".ljust(116)  # in place of scipy's, which has the time of writing


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float, trials: int) -> None:
    """Write the files of each person that are not there yet."""
    if not 1 <= subjects <= _MOST_PEOPLE:
        raise SpecError(f"subjects is {subjects}", where="eav.simulate", remedy=f"give 1 to {_MOST_PEOPLE} people")
    if not 0 < trials <= MOST_TRIALS or trials % _N_CLASSES:
        raise SpecError(
            f"trials is {trials}", where="eav.simulate", remedy=f"give a multiple of 10 up to {MOST_TRIALS}"
        )
    begin_simulation(root, "eav", subjects=subjects, seed=seed, strength=strength, trials=trials)
    for person in range(1, subjects + 1):
        folder, plan = root / f"subject{person}", _plan(seed, person, trials)
        labels = np.zeros((_N_CLASSES, trials))
        for at, trial in enumerate(plan):
            labels[trial.emotion * len(CONDITIONS) + trial.condition, at] = 1
        _write_mat(folder / "EEG" / f"subject{person}_eeg_label.mat", "label", lambda labels=labels: labels)
        _write_mat(
            folder / "EEG" / f"subject{person}_eeg.mat",
            "seg1",
            lambda person=person, plan=plan: _simulate_eeg(seed, person, plan, strength),
        )
        for at, trial in enumerate(plan):
            _write_media(folder, at + 1, trial, _performance(seed, person, at, trial, strength))


def _plan(seed: int, person: int, trials: int) -> list[Trial]:
    """The trials in order: an actor is listened to, then answered, in the same emotion."""
    drawn = np.random.default_rng([seed, 1, person])
    emotions = drawn.permutation(np.repeat(np.arange(len(EMOTIONS)), trials // _N_CLASSES))
    return [Trial(condition, int(emotion)) for emotion in emotions for condition in range(len(CONDITIONS))]


def _performance(seed: int, person: int, at: int, trial: Trial, strength: float) -> Performance:
    voice, face = _AROUSAL[trial.emotion], _VALENCE[trial.emotion]
    return Performance(seed, person, trial.condition, trial.emotion, voice, face, at, strength, SECONDS)


def _simulate_eeg(seed: int, person: int, plan: list[Trial], strength: float) -> NDArray[np.float32]:
    """``(10000, 30, trials)``, in µV: noise, and two rhythms whose amplitudes depend on emotion, person and trial."""
    places = np.random.default_rng([seed, 2]).uniform(0, 1, (len(_RHYTHMS), N_CHANNELS))
    own = np.random.default_rng([seed, 3, person]).normal(0, 0.3, (len(_RHYTHMS), N_CHANNELS))
    time = np.arange(N_TIMES) / RATE
    made = np.empty((N_TIMES, N_CHANNELS, len(plan)), np.float32)
    for at, trial in enumerate(plan):
        drawn = np.random.default_rng([seed, 4, person, at])
        effects = strength * _EFFECT * np.array([-_AROUSAL[trial.emotion], _VALENCE[trial.emotion]])
        effects += drawn.normal(0, _COMMON, len(_RHYTHMS))
        log_amplitudes = effects[:, None] + own + drawn.normal(0, _OWN, (len(_RHYTHMS), N_CHANNELS))
        phases = np.cumsum(drawn.normal(0, 0.15, (len(_RHYTHMS), N_TIMES)), axis=1)
        waves = np.sin(2 * np.pi * np.array(_RHYTHMS)[:, None] * time + phases)
        made[:, :, at] = 8 * waves.T @ (places * np.exp(log_amplitudes)) + drawn.normal(0, 8, (N_TIMES, N_CHANNELS))
    return made


def _write_mat(path: Path, name: str, make: Any) -> None:
    from scipy.io import savemat

    if not path.is_file():
        with written_whole(path) as temporary:
            savemat(temporary, {name: make()})
            with temporary.open("r+b") as file:
                file.write(_HEADER)


def _write_media(folder: Path, number: int, trial: Trial, performance: Performance) -> None:
    condition, emotion = CONDITIONS[trial.condition].title(), EMOTIONS[trial.emotion].title()
    name = f"{number:03d}_Trial_{(number + 1) // 2:02d}_{condition}_{emotion}"
    sound, film = folder / "Audio" / f"{name}_aud.wav", folder / "Video" / f"{name}.mp4"
    if CONDITIONS[trial.condition] == "speaking" and not sound.is_file():
        write_wave(sound, make_voice(performance, _SPEECH_RATE), _SPEECH_RATE)
    if not film.is_file():
        with written_whole(film) as temporary:
            write_film(temporary, draw_film(performance, _FRAME_RATE, _HEIGHT), _FRAME_RATE, film_size(_HEIGHT))
