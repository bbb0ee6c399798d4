"""The values that rooms hand to each other: modalities, samples, schemas, training settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Standardize = Literal["train", "subject"]
Kind = Literal["timeseries", "image", "vector"]
Access = Literal["open", "gated", "bundled", "simulated", "yours"]


@dataclass(frozen=True)
class Modality:
    """One input stream of a sample.

    ``shape`` is the shape of one instance: ``(channels, time)`` for a time series, ``(3, height, width)``
    for an image (uint8, RGB), ``(features,)`` for a vector. ``instances`` is the size K of the bag, ``rate``
    the sampling rate in Hz of a time series, ``channels`` the names of its channels in order.
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    instances: int = 1
    rate: float | None = None
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schema:
    """What a dataset holds, known before any file is read.

    ``tasks`` maps a task to its class names in label order; the first task is the default one. A task whose classes
    only the files tell has none until they are looked at. ``groups`` names the groups every sample declares
    (``subject``, ``trial``, ``session``); none when samples stand alone.
    """

    modalities: tuple[Modality, ...]
    tasks: Mapping[str, tuple[str, ...]]
    groups: tuple[str, ...] = ()

    def modality(self, name: str) -> Modality:
        """The modality of that name; KeyError when there is none."""
        for modality in self.modalities:
            if modality.name == name:
                return modality
        raise KeyError(name)


@dataclass(frozen=True)
class Sample:
    """One labelled window.

    ``data`` holds, for each modality that was recorded, a float array ``(K, *shape)``; for an image modality
    a sequence of K JPEG or PNG files as bytes, with None for an absent instance. A modality left out is missing.
    ``present`` may mark absent instances of array modalities: bool ``(K,)``. ``labels`` maps task to class index.
    ``span`` is the start and the end of the window in its recording, in seconds. ``inferred`` may mark, bool ``(K,)``,
    the present instances that were made at a guessed place or time because nothing was found there; a modality
    left out has none.
    """

    id: str
    labels: Mapping[str, int]
    data: "Mapping[str, NDArray[np.floating[Any]] | Sequence[bytes | None]]"
    groups: Mapping[str, str] = field(default_factory=dict)
    present: "Mapping[str, NDArray[np.bool_]]" = field(default_factory=dict)
    span: tuple[float, float] | None = None
    inferred: "Mapping[str, NDArray[np.bool_]]" = field(default_factory=dict)


@dataclass(frozen=True)
class TokenSpec:
    """The tokens of one modality: ``length`` T per instance, width ``dim`` D, ``instances`` K in a bag.

    A modality that a fusion does not use has length and dim 0: the fusion sees only which instances are present.
    """

    length: int
    dim: int
    instances: int = 1


@dataclass(frozen=True)
class Problem:
    """Something missing or damaged in a dataset's folder, and what to do about it.

    A run stops at it. With ``--bad drop`` it goes on where that is possible: a problem that ``concerns`` a single
    ``"sample"`` leaves out the sample, one of a file that only some units are made of (`Dataset.sources`) these units.
    """

    path: str
    message: str
    remedy: str = ""
    concerns: Literal["dataset", "sample"] = "dataset"


@dataclass(frozen=True)
class Card:
    """What a reader needs to know of a dataset: ``request`` says how to come by the files."""

    title: str
    access: Access
    licence: str
    url: str
    citation: str
    request: str = ""


@dataclass(frozen=True)
class Pin:
    """A published file: its path from the dataset's folder (with ``/``), its SHA-256 and its size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Download:
    """What ``mmbench data get`` fetches: the files of ``pins`` from under ``url``, which ends in ``/``.

    ``part`` says which part of the published data the pins are, where they are not all of it.
    """

    url: str
    pins: tuple[Pin, ...]
    part: str = ""


@dataclass(frozen=True)
class Training:
    """Settings of the training loop.

    AdamW at ``lr``, cosine down to ``final_lr`` × lr over ``epochs``; gradients clipped to norm ``clip``,
    0 for not at all; stops when validation has not improved for ``patience`` epochs. ``class_weights``
    weighs the classes of the training part inversely to their frequency. ``augment`` changes the images of
    every training batch at random, where an image encoder is trained. ``modality_dropout`` is the probability that
    a present modality of a training sample is made missing, from 0 to below 1; the last one of a sample stays.
    """

    epochs: int = 40
    batch_size: int = 32
    lr: float = 1e-3
    final_lr: float = 0.1
    weight_decay: float = 1e-2
    clip: float = 1.0
    patience: int = 10
    class_weights: bool = True
    label_smoothing: float = 0.0
    augment: bool = False
    modality_dropout: float = 0.0
