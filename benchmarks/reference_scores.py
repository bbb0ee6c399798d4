"""Scores of plain logistic regressions on what the readers of datasets return, without any part of the host.

    python benchmarks/reference_scores.py DATA

``DATA`` holds the folders ``utd-mhad``, ``mosi`` and ``fsdd``; those that are not there are left out, and ``icons`` is
bundled. The scores tell whether a reader reads right, and what a comparison of mmbench has to reach.
"""

import argparse
import io
import warnings
import wave
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmbench import Dataset, Sample
from mmbench_datasets.fsdd import Fsdd
from mmbench_datasets.icons import Icons
from mmbench_datasets.mosi import Mosi
from mmbench_datasets.utd_mhad import UtdMhad

_POINTS = 12  # at which a curve is read
_BANDS, _FRAMES = 24, 12  # of a spectrogram


def main() -> None:
    """Print the scores of every dataset that is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    root: Path = parser.parse_args().data
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    for name, score in {"utd-mhad": score_actions, "mosi": score_sentiment, "fsdd": score_digits}.items():
        if (root / name).is_dir():
            for line in score(root / name):
                print(f"{name:9} {line}", flush=True)
    for line in score_icons():
        print(f"{'icons':9} {line}", flush=True)


def score_actions(root: Path) -> Iterator[str]:
    """Accuracy of curves at 12 points, their mean and deviation, leave one subject out and official split."""
    samples = _read(UtdMhad(origin="hip"), root)
    labels = np.array([sample.labels["action"] for sample in samples])
    subjects = [sample.groups["subject"] for sample in samples]
    curves = {name: np.stack([_curve(sample.data[name][0]) for sample in samples]) for name in ("inertial", "skeleton")}
    for name, x in _with_all(curves).items():
        predicted = cross_val_predict(_logistic(0.1), x, labels, groups=subjects, cv=LeaveOneGroupOut())
        official = _official(samples, x, labels, 0.1)
        yield f"{name:14} leave one subject out {(predicted == labels).mean():.3f}   official {official:.3f}"


def score_sentiment(root: Path) -> Iterator[str]:
    """Accuracy on the official split, and of five folds by video of each part: features know the training labels."""
    samples = _read(Mosi(text="both"), root)
    labels = np.array([sample.labels["sentiment"] for sample in samples])
    videos = np.array([sample.groups["video"] for sample in samples])
    is_train = np.array([sample.split == "train" for sample in samples])
    names = ("text_features", "audio_features", "video_features")
    for name, x in _with_all({name: _vectors(samples, name) for name in names}).items():
        within = [
            (
                cross_val_predict(_logistic(0.01), x[part], labels[part], groups=videos[part], cv=GroupKFold(5))
                == labels[part]
            ).mean()
            for part in (is_train, ~is_train)
        ]
        official = _official(samples, x, labels, 0.01)
        yield f"{name:14} official {official:.3f}   within train {within[0]:.3f}   within test {within[1]:.3f}"
    texts = np.array([sample.data["text"][0] for sample in samples])
    words = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10))
    score = words.fit(texts[is_train], labels[is_train]).score(texts[~is_train], labels[~is_train])
    yield f"{'text, tf-idf':14} official {score:.3f}"


def score_digits(root: Path) -> Iterator[str]:
    """Accuracy of logarithmic spectrograms of 24 × 12, leave one speaker out."""
    samples = _read(Fsdd(), root)
    x = np.stack([_spectrogram(sample.data["speech"][0]) for sample in samples])
    labels = np.array([sample.labels["digit"] for sample in samples])
    speakers = [sample.groups["subject"] for sample in samples]
    predicted = cross_val_predict(_logistic(0.01), x, labels, groups=speakers, cv=LeaveOneGroupOut())
    yield f"{'speech':14} leave one speaker out {(predicted == labels).mean():.3f}"


def score_icons() -> Iterator[str]:
    """Macro F1 over single pictures, which leaks, and over whole icons."""
    dataset = Icons(weights="thin,bold,fill")
    root = dataset.locate(Path())
    samples = _read(dataset, root)
    labels = np.array([sample.labels["category"] for sample in samples])
    icons = [sample.groups["icon"] for sample in samples]
    pictures = np.stack([_picture(sample.data["image"][0]) for sample in samples])
    texts = np.array([sample.data["text"][0] for sample in samples])
    words = OneVsRestClassifier(LogisticRegression(C=10, class_weight="balanced"))
    models: Mapping[str, tuple[Any, Any]] = {
        "nearest image": (KNeighborsClassifier(1), pictures),
        "text, tf-idf": (make_pipeline(TfidfVectorizer(sublinear_tf=True), words), texts),
    }
    for name, (model, x) in models.items():
        single = cross_val_predict(model, x, labels, cv=KFold(5, shuffle=True, random_state=0))
        whole = cross_val_predict(model, x, labels, groups=icons, cv=GroupKFold(5))
        scores = [f1_score(labels, predicted, average="macro") for predicted in (single, whole)]
        yield f"{name:14} over single pictures {scores[0]:.3f}   over whole icons {scores[1]:.3f}"


def _read(dataset: Dataset, root: Path) -> list[Sample]:
    found = [sample for unit in dataset.units(root) for sample in dataset.read(root, unit)]
    return [sample for sample in found if isinstance(sample, Sample)]


def _logistic(c: float) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=2000))


def _official(samples: Sequence[Sample], x: NDArray[Any], labels: NDArray[Any], c: float) -> float:
    is_train = np.array([sample.split == "train" for sample in samples])
    return float(_logistic(c).fit(x[is_train], labels[is_train]).score(x[~is_train], labels[~is_train]))


def _with_all(views: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {**views, "all": np.hstack(list(views.values()))}


def _vectors(samples: Sequence[Sample], name: str) -> NDArray[np.float32]:
    return np.concatenate([sample.data[name] for sample in samples])


def _curve(values: NDArray[np.float32]) -> NDArray[np.float64]:
    at = np.linspace(0, values.shape[1] - 1, _POINTS)
    points = [np.interp(at, np.arange(values.shape[1]), channel) for channel in values]
    return np.concatenate([*points, values.mean(axis=1), values.std(axis=1)])


def _spectrogram(content: bytes) -> NDArray[np.float64]:
    with wave.open(io.BytesIO(content)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    edges = np.linspace(0, len(sound), _FRAMES + 1).astype(int)
    frames = [np.abs(np.fft.rfft(sound[a:b] * np.hanning(b - a), 1024)) ** 2 for a, b in pairwise(edges)]
    bands = np.unique(np.geomspace(12, 512, _BANDS + 1).astype(int))
    power = [[frame[a:b].mean() for a, b in pairwise(bands)] for frame in frames]
    logarithm: NDArray[np.float64] = np.log(np.array(power) + 1e-6).reshape(-1)
    return logarithm


def _picture(content: bytes) -> NDArray[np.float64]:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("L")).reshape(-1) / 255


if __name__ == "__main__":
    main()
