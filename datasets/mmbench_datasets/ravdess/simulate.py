"""Simulated clips in the files of RAVDESS."""

from pathlib import Path

from mmbench import SpecError, written_whole
from mmbench_datasets.ravdess.layout import EMOTIONS, FILMS, N_ACTORS, SOUND
from mmbench_datasets.shared.films import write_film
from mmbench_datasets.shared.simulated_actors import Performance, draw_film, film_size, make_voice
from mmbench_datasets.shared.wave_files import write_wave
from mmbench_datasets.simulated import begin_simulation

_RATE, _FRAME_RATE, _HEIGHT = 16000, 10.0, 96  # published are 48 kHz and 30 frames a second of 720 rows
_STATEMENTS = _MOST_REPETITIONS = 2
# The expressions of voice and face of each emotion, in the order of the classes; no two emotions have both.
_VOICES, _FACES = (0, -1, 1, -1, 1, 0, -1, 1), (0, 0, 1, -1, -1, -1, 1, 0)


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float, repetitions: int) -> None:
    """Write the sound and the film of each clip of speech that is not there yet."""
    for option, value, most in (("subjects", subjects, N_ACTORS), ("repetitions", repetitions, _MOST_REPETITIONS)):
        if not 1 <= value <= most:
            raise SpecError(f"{option} is {value}", where="ravdess.simulate", remedy=f"give 1 to {most}")
    begin_simulation(root, "ravdess", subjects=subjects, seed=seed, strength=strength, repetitions=repetitions)
    for actor in range(1, subjects + 1):
        for statement in range(1, _STATEMENTS + 1):
            for emotion in range(len(EMOTIONS)):
                for take in range(1, repetitions + 1):
                    name = f"01-{emotion + 1:02d}-01-{statement:02d}-{take:02d}-{actor:02d}"
                    expressions = _VOICES[emotion], _FACES[emotion]
                    made = Performance(seed, actor, statement, emotion, *expressions, take, strength)
                    _write(root / f"Actor_{actor:02d}", name, made)


def _write(folder: Path, name: str, performance: Performance) -> None:
    sound, film = folder / f"{SOUND}-{name}.wav", folder / f"{FILMS[0]}-{name}.mp4"
    if not sound.is_file():
        write_wave(sound, make_voice(performance, _RATE), _RATE)
    if not film.is_file():
        with written_whole(film) as temporary:
            frames = draw_film(performance, _FRAME_RATE, _HEIGHT)
            write_film(temporary, frames, _FRAME_RATE, film_size(_HEIGHT))
