"""Simulated clips in the files of CREMA-D."""

from pathlib import Path

from mmbench import SpecError, written_whole
from mmbench_datasets.cremad.layout import EMOTIONS, FOLDERS, SENTENCES, load_split
from mmbench_datasets.shared.films import write_film
from mmbench_datasets.shared.simulated_actors import Performance, draw_film, film_size, make_voice
from mmbench_datasets.shared.wave_files import write_wave
from mmbench_datasets.simulated import begin_simulation

_RATE, _FRAME_RATE, _HEIGHT = 16000, 10.0, 96
_FIRST = 1001
_MOST = 91  # actors
# The expressions of voice and face of each emotion, in the order of the classes; no two emotions have both.
_VOICES, _FACES = (0, 1, -1, 0, -1, 1), (0, 1, -1, 1, 0, -1)


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float, sentences: int) -> None:
    """Write the sound and the film of each clip that was published and is not there yet."""
    if not 1 <= subjects <= _MOST:
        raise SpecError(f"subjects is {subjects}", where="cremad.simulate", remedy=f"give 1 to {_MOST} actors")
    if not 1 <= sentences <= len(SENTENCES):
        raise SpecError(f"sentences is {sentences}", where="cremad.simulate", remedy=f"give 1 to {len(SENTENCES)}")
    begin_simulation(root, "cremad", subjects=subjects, seed=seed, strength=strength, sentences=sentences)
    for actor in range(subjects):
        for sentence, words in enumerate(reversed(SENTENCES[-sentences:])):
            for emotion, code in enumerate(EMOTIONS):
                name = f"{_FIRST + actor}_{words}_{code}_XX"
                if name in load_split():
                    voice, face = _VOICES[emotion], _FACES[emotion]
                    _write(root, name, Performance(seed, actor, sentence, emotion, voice, face, strength=strength))


def _write(root: Path, name: str, performance: Performance) -> None:
    sound, film = root / FOLDERS["speech"] / f"{name}.wav", root / FOLDERS["video"] / f"{name}.flv"
    if not sound.is_file():
        write_wave(sound, make_voice(performance, _RATE), _RATE)
    if not film.is_file():
        with written_whole(film) as temporary:
            frames = draw_film(performance, _FRAME_RATE, _HEIGHT)
            write_film(temporary, frames, _FRAME_RATE, film_size(_HEIGHT))
