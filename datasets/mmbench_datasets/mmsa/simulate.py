"""Simulated utterances in the files of MMSA."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import SpecError, written_whole
from mmbench_datasets.mmsa.corpora import CORPORA, PARTS, TEXT_WIDTH, UNIMODAL, Name
from mmbench_datasets.simulated import begin_simulation

_PER_VIDEO = 8
_LARGEST_STEPS = {"text": 20, "audio": 40, "vision": 30}
_SHORTEST = 8  # time steps
_SHIFTS = {"text": 1.2, "audio": 0.5, "vision": 0.5}  # of a time step at the largest score, in deviations of its noise
_OFFSET = 0.3  # deviation of what is a video's own
_SCALES = (("AWFUL", "BAD"), ("WEAK", "DULL"), ("PLAIN", "USUAL"), ("GOOD", "NICE"), ("GREAT", "LOVELY"))
_NOUNS = ("MOVIE", "STORY", "ACTING", "MUSIC", "ENDING", "CAST", "PLOT", "SCENE")
_INFINITE = 3  # samples of a part with minus infinity in audio, as in the published files

Floats = NDArray[np.float32]


def write_simulation(root: Path, name: Name, *, subjects: int, seed: int, strength: float) -> None:
    """Write the pickles of a corpus with ``subjects`` videos of eight utterances, six of ten for training.

    Each modality shifts by the score times ``strength`` along a direction of its own, plus noise and an offset of the
    video. In a transcript, the adjective agrees with the score with a probability that rises with ``strength``.
    """
    if subjects < len(PARTS):
        raise SpecError(f"subjects is {subjects}", where="mmsa.simulate", remedy="give 3 or more videos")
    begin_simulation(root, f"mmsa-{name}", subjects=subjects, seed=seed, strength=strength)
    bounds = _bounds(subjects)
    for alignment in ("unaligned",) if name == "sims" else ("unaligned", "aligned"):
        path = root / "Processed" / f"{alignment}_{CORPORA[name].steps}.pkl"
        if not path.is_file():
            tree = {
                key: _simulate(name, range(*bounds[at : at + 2]), seed, strength, alignment == "aligned")
                for at, key in enumerate(PARTS.values())
            }
            with written_whole(path) as temporary:
                temporary.write_bytes(pickle.dumps(tree, protocol=4))


def _bounds(subjects: int) -> list[int]:
    """The first video of each part, and their number."""
    n_test = max(1, round(0.25 * subjects))
    n_validation = max(1, round(0.15 * subjects))
    return [0, subjects - n_test - n_validation, subjects - n_test, subjects]


def _simulate(name: Name, videos: range, seed: int, strength: float, is_aligned: bool) -> dict[str, Any]:
    """A part of the tree."""
    corpus = CORPORA[name]
    widths = {"text": TEXT_WIDTH, "audio": corpus.audio, "vision": corpus.vision}
    pairs = [(video, clip) for video in videos for clip in range(_PER_VIDEO)]
    scores = np.array([_score(seed, video, clip) for video, clip in pairs])
    made = {
        stream: [_stream(stream, width, seed, *pair, strength) for pair in pairs] for stream, width in widths.items()
    }
    if is_aligned:
        made = {stream: [_to_length(x, _LARGEST_STEPS["text"]) for x in found] for stream, found in made.items()}
    lengths = {stream: np.array([len(x) for x in found]) for stream, found in made.items()}
    arrays = {
        stream: np.stack([_padded(x, _LARGEST_STEPS["text" if is_aligned else stream]) for x in found])
        for stream, found in made.items()
    }
    arrays["audio"][:_INFINITE, 0, 0] = -np.inf
    labels = _rounded(scores * corpus.largest)
    part: dict[str, Any] = {
        "raw_text": np.array([_words(seed, *pair, score, strength) for pair, score in zip(pairs, scores, strict=True)]),
        "id": [f"video{video:03d}$_${clip + 1}" for video, clip in pairs],
        **arrays,
        "text_bert": _tokens(lengths["text"], arrays["text"].shape[1]),
        "annotations": np.array([("Negative", "Neutral", "Positive")[int(np.sign(x)) + 1] for x in labels]),
        "classification_labels": (np.sign(labels) + 1).astype(np.float32),
        "regression_labels": labels,
    }
    if corpus.is_unimodal:
        part |= {key: _perturbed(labels, seed, at, corpus.largest) for at, key in enumerate(UNIMODAL.values())}
    if not is_aligned:
        part |= {f"{stream}_lengths": lengths[stream].tolist() for stream in ("audio", "vision")}
    return part


def _score(seed: int, video: int, clip: int) -> float:
    """From -1 to 1, in fifths; about one of ten is zero."""
    drawn = np.random.default_rng([seed, 1, video, clip]).uniform(-1.1, 1.1)
    return float(np.round(np.clip(drawn, -1, 1) * 5) / 5)


def _stream(stream: str, width: int, seed: int, video: int, clip: int, strength: float) -> Floats:
    """Features of an utterance, ``(time, width)``."""
    number = [*_SHIFTS].index(stream)
    direction = np.random.default_rng([seed, 2, number]).normal(0, 1, width)
    direction *= _SHIFTS[stream] / np.sqrt(np.mean(direction**2))
    own = np.random.default_rng([seed, 3, number, video]).normal(0, _OFFSET, width)
    chance = np.random.default_rng([seed, 4, number, video, clip])
    n_steps = int(chance.integers(_SHORTEST, _LARGEST_STEPS[stream] + 1))
    told = strength * _score(seed, video, clip) + chance.normal(0, 0.5)  # how plainly an utterance expresses it
    return np.asarray(told * direction + own + chance.normal(0, 1, (n_steps, width)), np.float32)


def _to_length(x: Floats, n_steps: int) -> Floats:
    """The steps nearest to ``n_steps`` equally spaced ones, as an alignment to words gives."""
    return np.take(x, np.linspace(0, len(x) - 1, n_steps).round().astype(int), axis=0)


def _padded(x: Floats, n_steps: int) -> Floats:
    return np.concatenate([x, np.zeros((n_steps - len(x), x.shape[1]), x.dtype)])


def _tokens(lengths: NDArray[np.integer], n_steps: int) -> Floats:
    """Token ids, mask and segments ``(N, 3, tokens)``; ids are drawn, since there is no tokenizer."""
    mask = np.arange(n_steps) < lengths[:, None]
    ids = np.where(mask, 1000 + np.arange(n_steps), 0)
    return np.stack([ids, mask, np.zeros_like(ids)], axis=1).astype(np.float32)


def _words(seed: int, video: int, clip: int, score: float, strength: float) -> str:
    chance = np.random.default_rng([seed, 5, video, clip])
    level = round((score + 1) * 2) if chance.random() < 0.6 * min(1.0, strength) else int(chance.integers(0, 5))
    return f"I THOUGHT THE {chance.choice(_NOUNS)} WAS {chance.choice(_SCALES[level])}"


def _perturbed(labels: Floats, seed: int, at: int, largest: float) -> Floats:
    """Scores of a single modality: those of all, with errors."""
    errors = np.random.default_rng([seed, 6, at]).normal(0, 0.2 * largest, len(labels))
    return _rounded(np.clip(labels + errors, -largest, largest))


def _rounded(scores: NDArray[np.floating]) -> Floats:
    """Scores with one digit, without -0.0."""
    return np.asarray(np.round(scores, 1) + 0.0, np.float32)
