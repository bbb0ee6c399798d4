"""Reads the pickles of MMSA, and checks that their arrays are in step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, check_content
from mmbench_datasets.mmsa.corpora import CORPORA, PARTS, TEXT_WIDTH, UNIMODAL, Corpus, Name, Part
from mmbench_datasets.shared.array_pickle import load_pickle_tree

_MOST_STEPS = 2_000_000  # opcodes; a text of a list takes two, and MOSEI has 23,000 samples
_REMEDY = "get this file from MMSA again"
_BETWEEN = "$_$"  # between the video and the clip of an id
_PIECE = 256  # samples of which values are counted at once

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class PartOfRelease:
    """The samples of a part, in order.

    Of ``arrays``, ``audio`` and ``vision`` are ``(N, time, features)``, ``text`` is ``(N, tokens, 768)``. ``lengths``
    are the time steps of each sample of a modality, of those that are padded; ``labels`` have ``(N,)`` scores by task.
    """

    ids: Sequence[str]
    words: Sequence[str]
    arrays: Mapping[str, Floats]
    labels: Mapping[str, Floats]
    lengths: Mapping[str, NDArray[np.integer]] = field(default_factory=dict)

    def steps(self, name: str, at: int) -> Floats:
        """The features of a sample, ``(features, time)``, without padding of known length."""
        values = self.arrays[name][at]
        return np.transpose(values[: self.lengths[name][at]] if name in self.lengths else values)

    def count_infinite(self, name: str) -> int:
        """How many values of a modality are minus infinity."""
        array = self.arrays[name]
        pieces = (array[start : start + _PIECE] for start in range(0, len(array), _PIECE))
        return sum(int(np.isneginf(piece).sum()) for piece in pieces)


def video_of(name: str) -> str:
    """The video of an id, ``VIDEO$_$CLIP``."""
    return name.rpartition(_BETWEEN)[0]


def load_release(path: Path, name: Name, *, with_text: bool) -> dict[Part, PartOfRelease]:
    """The three parts of a file; raises DataError where it is damaged, or not that of the corpus."""
    check_content(path)
    try:
        tree = load_pickle_tree(path, _MOST_STEPS)
    except (ValueError, MemoryError) as error:
        raise DataError(f"cannot be read as a pickle of arrays: {error}", where=path, remedy=_REMEDY) from error
    if not isinstance(tree, dict) or not all(isinstance(tree.get(key), dict) for key in PARTS.values()):
        raise DataError("does not hold the parts train, valid and test", where=path, remedy=_REMEDY)
    return {part: _PartReader(path, key, tree[key], name).read(with_text) for part, key in PARTS.items()}


class _PartReader:
    """Checks and takes what a part of a file holds; errors name the file and the part."""

    def __init__(self, path: Path, key: str, content: Mapping[str, Any], name: Name) -> None:
        self._path, self._key, self._content, self._name = path, key, content, name
        self._corpus: Corpus = CORPORA[name]
        self._n = len(content.get("id", ()))

    def read(self, with_text: bool) -> PartOfRelease:
        widths = {"text": TEXT_WIDTH} if with_text else {}
        widths |= {"audio": self._corpus.audio, "vision": self._corpus.vision}
        ids, words = self._texts("id"), self._texts("raw_text")
        if wrong := next((each for each in ids if not video_of(each)), None):
            raise self._error(f"has the id {wrong!r}, not VIDEO{_BETWEEN}CLIP")
        arrays = {key: self._array(key, width) for key, width in widths.items()}
        tasks = {"sentiment": "regression_labels", **(UNIMODAL if self._corpus.is_unimodal else {})}
        labels = {task: self._scores(key, ids) for task, key in tasks.items()}
        return PartOfRelease(ids, words, arrays, labels, self._lengths(arrays))

    def _take(self, key: str) -> Any:
        if key not in self._content:
            raise self._error(f"has no {key!r}")
        return self._content[key]

    def _texts(self, key: str) -> list[str]:
        texts = self._take(key)
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise self._error(f"has no list of texts as {key!r}")
        if not texts:
            raise self._error(f"has no samples: {key!r} is empty")
        self._check_count(key, len(texts))
        return texts

    def _array(self, key: str, width: int) -> Floats:
        array = self._take(key)
        if not isinstance(array, np.ndarray) or array.ndim != 3 or array.dtype.kind != "f":
            raise self._error(f"has no array of samples, time steps and features as {key!r}")
        self._check_count(key, len(array))
        if array.shape[2] != width:
            raise self._wrong_width(key, array.shape[2], width)
        return array

    def _wrong_width(self, key: str, found: int, width: int) -> DataError:
        message = f"has {found} features of {key} a time step, where {self._name} has {width}"
        others = [name for name, corpus in CORPORA.items() if getattr(corpus, key, None) == found]
        remedy = f"if it is {others[0]}, read it with mmsa[name={others[0]}]" if others else _REMEDY
        return self._error(message, remedy)

    def _scores(self, key: str, ids: Sequence[str]) -> Floats:
        try:
            scores = np.asarray(self._take(key), np.float64).reshape(-1)
        except (TypeError, ValueError):
            raise self._error(f"has other than numbers as {key!r}") from None
        self._check_count(key, len(scores))
        largest = self._corpus.largest
        outside = ~(np.abs(scores) <= largest)
        if outside.any():
            at = int(np.argmax(outside))
            raise self._error(
                f"has the score {scores[at]:g} of {ids[at]} in {key!r}, outside -{largest:g} to {largest:g}"
            )
        return scores

    def _lengths(self, arrays: Mapping[str, Floats]) -> dict[str, NDArray[np.integer]]:
        """The time steps of audio and vision where the file has them, and those of text by the mask of its tokens."""
        found = {}
        for name in ("audio", "vision"):
            if f"{name}_lengths" in self._content:
                found[name] = self._content[f"{name}_lengths"]
        if "text" in arrays and "text_bert" in self._content:
            mask = self._content["text_bert"]
            if not isinstance(mask, np.ndarray) or mask.ndim != 3 or mask.shape[1] != 3:
                raise self._error("has no array of ids, mask and segments as 'text_bert'")
            found["text"] = mask[:, 1].sum(axis=1)
        return {name: self._whole(name, lengths, arrays[name].shape[1]) for name, lengths in found.items()}

    def _whole(self, name: str, lengths: Any, most: int) -> NDArray[np.integer]:
        try:
            values = np.asarray(lengths, np.float64).reshape(-1)
        except (TypeError, ValueError):
            raise self._error(f"has other than numbers as lengths of {name}") from None
        self._check_count(f"lengths of {name}", len(values))
        if not ((values >= 0) & (values <= most) & (values == np.round(values))).all():
            raise self._error(f"has lengths of {name} that are not whole numbers from 0 to {most}, its time steps")
        return values.astype(np.int64)

    def _check_count(self, key: str, found: int) -> None:
        if found != self._n:
            raise self._error(f"has {found} of {key!r}, and {self._n} of 'id'")

    def _error(self, message: str, remedy: str = _REMEDY) -> DataError:
        return DataError(f"its part {self._key} {message}", where=self._path, remedy=remedy)
