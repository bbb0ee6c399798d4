"""Values exchanged between plugins and the host: modalities, samples, schemas, training settings."""

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
    """The modalities, tasks and groups of a dataset, known before any file is read.

    ``tasks`` maps a task to its class names in label order; the first task is the default one. A task whose classes
    depend on the files has none before (`Dataset.schema_of`). ``groups`` names the groups that every sample declares
    (``subject``, ``trial``, ``session``); empty if samples are independent.
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
    a sequence of K JPEG or PNG files as bytes, with None for an absent instance. A modality not in it is missing.
    ``present`` may mark absent instances of array modalities: bool ``(K,)``. ``labels`` maps task to class index.
    ``span`` is the start and the end of the window in its recording, in seconds. ``inferred`` may mark, bool ``(K,)``,
    the present instances that were made at an assumed place or time because nothing was detected there; a modality
    that is left out has none.
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

    For a modality that a fusion does not use, length and dim are 0: the fusion sees only which instances are present.
    """

    length: int
    dim: int
    instances: int = 1


@dataclass(frozen=True)
class Problem:
    """A missing or damaged file in a dataset's folder, and the remedy.

    A run stops at it. With ``--bad drop``, a problem that ``concerns`` a single ``"sample"`` leaves out the sample, and
    a problem of a file that belongs to some units only (`Dataset.sources`) leaves out these units.
    """

    path: str
    message: str
    remedy: str = ""
    concerns: Literal["dataset", "sample"] = "dataset"


@dataclass(frozen=True)
class Card:
    """The description of a dataset for readers; ``request`` says how to obtain the files."""

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
    """The files that ``mmbench data get`` downloads: those of ``pins`` from under ``url``, which ends in ``/``.

    ``part`` names the part of the published data, where the pins are not all of it.
    """

    url: str
    pins: tuple[Pin, ...]
    part: str = ""


@dataclass(frozen=True)
class Training:
    """Settings of the training loop.

    AdamW at ``lr``, cosine down to ``final_lr`` × lr over ``epochs``; gradients clipped to norm ``clip``,
    0 for no clipping; training stops when validation has not improved for ``patience`` epochs. ``class_weights``
    weights the classes of the training part inversely to their frequencies. ``augment`` transforms the images of
    every training batch at random, where an image encoder is trained. ``modality_dropout`` is the probability that
    a present modality of a training sample is removed, from 0 to below 1; at least one of a sample stays.
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
