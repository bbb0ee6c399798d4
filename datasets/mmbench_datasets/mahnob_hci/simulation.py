"""Simulated sessions in MAHNOB-HCI's files: BDF recordings, session.xml, and drawn faces."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import SpecError, written_whole
from mmbench_datasets.bdf_writer import Channel, write_bdf
from mmbench_datasets.mahnob_hci.dataset import EEG, RATE
from mmbench_datasets.mahnob_hci.sessions import DESCRIPTION, EMOTIONS, FOLDER, RATINGS
from mmbench_datasets.shared.face_videos import FaceVideo, write_video
from mmbench_datasets.shared.simulated_signals import Trial, simulate_bands, simulate_pulse, simulate_ratings
from mmbench_datasets.simulated import begin_simulation

_LEAD_S = 5  # MAHNOB-HCI's recordings begin and end 30 s before and after the film
_FPS = 1.5
_STATUS, _EVENT = 1_703_680, 16
_EEG_EDGES = (1.0, 4.0, 8.0, 14.0, 31.0, 45.0)
_SLOW_EDGES = {"GSR1": (0.05, 0.3, 1.0), "Resp": (0.1, 0.25, 0.5), "Temp": (0.01, 0.1, 0.5)}
_SCALES = {"GSR1": (3000.0, 300.0), "Resp": (0.0, 500.0), "Temp": (33.0, 0.1)}  # level and deviation
_OTHERS = ("EXG4", "EXG5", "EXG6", "EXG7", "EXG8", "GSR2", "Erg1", "Erg2")
# Of arousal, valence, control, predictability.
_AROUSED, _PLEASED = np.array([1.0, 0.3, 0.3, 0.3]), np.array([0.3, 1.0, 0.3, 0.3])
_XML = """<?xml version="1.0" encoding="UTF-8"?>
<session sessionId="{number}" experimentType="emotion elicitation" isStim="1" cutLenSec="{seconds:.3f}"
 mediaFile="film{film}.avi" vidRate="{fps}" feltEmo="{emotion}" {ratings}>
 <subject id="{person}"/>
 <track type="Video" color="1" filename="{face}"/>
 <track type="Physiological" filename="{recording}"/>
</session>
"""


def write_simulation(
    root: Path, *, subjects: int, seed: int, strength: float, films: int, seconds: float, height: int
) -> None:
    """Write the files of the sessions that are not there yet; the description of a session comes last."""
    options = {"films": films, "seconds": seconds, "height": height}
    for option, low, high in (("films", 2, 20), ("seconds", 1, 600), ("height", 144, 576)):
        if not low <= (value := options[option]) <= high:
            message = f"{option} is {value}"
            raise SpecError(message, where="mahnob-hci.simulate", remedy=f"give {low} to {high}")
    begin_simulation(root, "mahnob-hci", subjects=subjects, seed=seed, strength=strength, **options)
    lengths = np.round(np.random.default_rng([seed, 7]).uniform(0.9, 1.1, films) * seconds).astype(int).tolist()
    for person in range(1, subjects + 1):
        for film in range(films):
            folder = root / FOLDER / str(100 * person + 2 * film)
            if not (folder / DESCRIPTION).is_file():
                _write_session(folder, person, film, seed, strength, lengths, height)


def _write_session(
    folder: Path, person: int, film: int, seed: int, strength: float, lengths: list[int], height: int
) -> None:
    ratings, scores = simulate_ratings(seed, person, len(lengths), (1, 9), len(RATINGS))
    felt, seconds = strength * scores[film], lengths[film]
    trials = {kind: Trial(seed, person, film, felt * w) for kind, w in (("eeg", _AROUSED), ("heart", _PLEASED))}
    recording = folder / f"Part_{person}_S_Trial{film + 1}_emotion.bdf"
    face = folder / f"P{person}-Rec1-simulated_C1 trigger _C_Section_{2 * film}.avi"
    channels = [*(Channel(name, "uV", 262144.0) for name in (*EEG, *(f"EXG{n}" for n in range(1, 4)), *_OTHERS))]
    channels += [Channel("GSR1", "Ohm", 2.0**23 - 1), Channel("Resp", "uV", 262144.0), Channel("Temp", "C", 64.0)]
    channels += [Channel("Status", "Boolean", 2.0**23 - 1)]
    with written_whole(recording) as temporary:
        write_bdf(temporary, channels, round(RATE), seconds + 2 * _LEAD_S, _blocks(trials, seconds, channels))
    with written_whole(face) as temporary:
        affect = (float(felt[1]), float(felt[0]))
        write_video(temporary, FaceVideo(seed, person, film, *affect, _FPS, float(seconds), height))
    rated = " ".join(f'{name}="{value:.0f}"' for name, value in zip(RATINGS.values(), ratings[film], strict=True))
    text = _XML.format(
        number=folder.name,
        seconds=float(seconds),
        film=film + 1,
        fps=_FPS,
        emotion=[*EMOTIONS][(person + film) % len(EMOTIONS)],
        ratings=rated,
        person=person,
        face=face.name,
        recording=recording.name,
    )
    with written_whole(folder / DESCRIPTION) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _blocks(trials: dict[str, Trial], seconds: int, channels: list[Channel]) -> Iterator[NDArray[np.float64]]:
    """The whole recording (channels, time) in one block: the film, and five seconds on both sides."""
    n_samples = round((seconds + 2 * _LEAD_S) * RATE)
    eeg, heart = trials["eeg"], trials["heart"]
    signals = dict(zip(EEG, 10 * simulate_bands(eeg, 0, len(EEG), n_samples, RATE, _EEG_EDGES), strict=True))
    pulse = 800 * simulate_pulse(heart, 1, n_samples, RATE)
    signals |= {"EXG1": 0.4 * pulse, "EXG2": -0.4 * pulse, "EXG3": 0.6 * pulse}
    for stream, (name, edges) in enumerate(_SLOW_EDGES.items(), 2):
        level, deviation = _SCALES[name]
        signals[name] = level + deviation * simulate_bands(eeg, stream, 1, n_samples, RATE, edges)[0]
    signals["Status"] = np.full(n_samples, float(_STATUS))
    for at in (_LEAD_S, _LEAD_S + seconds):
        first = round(at * RATE)
        signals["Status"][first : first + round(RATE / 10)] += _EVENT
    offsets = eeg.generator(12).uniform(-5000, 5000, len(channels))  # of each electrode, in µV
    noise = eeg.generator(13).normal(0, 1, (len(channels), n_samples))
    block = np.stack([signals.get(channel.label, np.zeros(n_samples)) for channel in channels])
    is_electrode = np.array([channel.unit == "uV" for channel in channels])
    block[is_electrode] += (offsets[:, None] + noise)[is_electrode]
    yield block
