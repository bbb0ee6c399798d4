"""Values exchanged between plugins and the host: modalities, samples, schemas, training settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Standardize = Literal["train", "subject"]
Kind = Literal["timeseries", "audio", "image", "video", "text", "table", "vector"]
TaskKind = Literal["class", "labels", "values"]
Part = Literal["train", "validation", "test"]
Resize = Literal["stretch", "crop", "pad"]
Access = Literal["open", "gated", "bundled", "simulated", "yours"]


@dataclass(frozen=True)
class Column:
    """A column of a table: categorical with its ``levels`` in order, or numeric without levels."""

    name: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Modality:
    """One input stream of a sample.

    ``shape`` is the shape of one instance, by ``kind``:

    - ``timeseries`` and ``audio``: ``(channels, time)``; audio is a waveform and has a rate;
    - ``image``: ``(3, height, width)``, uint8, RGB; ``video``: ``(frames, 3, height, width)``;
    - ``text``: ``()``; ``vector``: ``(features,)``; ``table``: ``(len(columns),)``.

    None in place of the time or the number of frames leaves it open: instances then differ in length. ``instances`` is
    the size K of the bag, ``rate`` the sampling rate in Hz (frames a second of a video), ``channels`` the names of
    channels in order, ``columns`` those of a table. ``resize`` is the rule for images and frames of another size than
    ``shape``: ``stretch`` ignores the aspect ratio, ``crop`` scales until the size is covered and cuts the borders,
    ``pad`` scales until it fits and adds black borders; None makes them an error. ``may_be_constant``: a channel of a
    time series may have one value throughout a sample, as an accelerometer that lies still; such recordings are
    counted. By default this is an error, since it is that of an electrode without contact.
    """

    name: str
    kind: Kind
    shape: tuple[int | None, ...]
    instances: int = 1
    rate: float | None = None
    channels: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    resize: Resize | None = None
    may_be_constant: bool = False

    @property
    def is_open(self) -> bool:
        """Whether instances differ in length: a text, or a shape with None."""
        return self.kind == "text" or None in self.shape

    @property
    def fixed_shape(self) -> tuple[int, ...]:
        """The shape of every instance; ValueError where their lengths differ."""
        if self.is_open:
            raise ValueError(f"instances of {self.name} differ in length")
        return tuple(length for length in self.shape if length is not None)


@dataclass(frozen=True)
class Task:
    """What is predicted: one class, several labels, or one or more values.

    ``names`` are the classes in label order, the labels, or the targets. ``metric`` is the default metric of the
    verdict, None for that of the kind (`DEFAULT_METRICS`); ``metrics`` stand beside it, empty for those of the kind.
    """

    kind: TaskKind
    names: tuple[str, ...]
    metric: str | None = None
    metrics: tuple[str, ...] = ()

    @property
    def n_outputs(self) -> int:
        """Width of a prediction: logits of the classes or labels, or values."""
        return len(self.names)

    @property
    def default_metric(self) -> str:
        """The metric of the verdict where the user names none."""
        return self.metric or DEFAULT_METRICS[self.kind][0]

    @property
    def shown_metrics(self) -> tuple[str, ...]:
        """The metrics of a table, in its order: those of the task or its kind, and the default metric."""
        return tuple(dict.fromkeys((*(self.metrics or DEFAULT_METRICS[self.kind]), self.default_metric)))


DEFAULT_METRICS: Mapping[TaskKind, tuple[str, ...]] = {
    "class": ("balanced_accuracy", "accuracy", "macro_f1"),
    "labels": ("macro_f1", "micro_f1", "mean_average_precision", "exact_match"),
    "values": ("mae", "rmse", "r2", "pearson"),
}
"""Metrics of each kind of task; the first is the default."""


@dataclass(frozen=True, init=False)
class Schema:
    """The modalities, tasks and groups of a dataset, known before any file is read.

    ``tasks`` maps names to tasks; the first is the default one. A tuple of class names stands for a task of one class.
    A task whose names depend on the files has none before (`Dataset.schema_of`). ``groups`` names the groups that every
    sample declares (``subject``, ``trial``, ``session`` or any other); empty if samples are independent.
    """

    modalities: tuple[Modality, ...]
    tasks: Mapping[str, Task]
    groups: tuple[str, ...] = ()

    def __init__(
        self,
        modalities: tuple[Modality, ...],
        tasks: Mapping[str, Task | tuple[str, ...]],
        groups: tuple[str, ...] = (),
    ) -> None:
        # One str is a tuple without its comma, not a class for each letter; `check_schema` of the host says so.
        named = {
            name: task if isinstance(task, Task) else Task("class", task if isinstance(task, str) else tuple(task))
            for name, task in tasks.items()
        }
        for field_name, value in (("modalities", modalities), ("tasks", named), ("groups", groups)):
            object.__setattr__(self, field_name, value)

    def modality(self, name: str) -> Modality:
        """The modality of that name; KeyError when there is none."""
        for modality in self.modalities:
            if modality.name == name:
                return modality
        raise KeyError(name)


@dataclass(frozen=True)
class Clip:
    """An instance of a video: JPEG or PNG files in order, and the time of each in seconds."""

    frames: Sequence[bytes]
    times: Sequence[float]


Target = int | float | Sequence[int] | Sequence[float]


@dataclass(frozen=True)
class Sample:
    """One labelled window.

    ``data`` holds the bag of each modality that was recorded: K instances, None for an absent one. A modality not in
    it is missing. By kind:

    - ``vector``, and ``timeseries`` and ``audio`` of one length: an array ``(K, *shape)``;
    - ``timeseries`` of open length: K arrays ``(channels, time)``;
    - ``audio``: K arrays ``(channels, time)`` at the rate of the modality, or K WAV, FLAC or OGG files as bytes, which
      the host mixes down to the channels of the modality and resamples to its rate;
    - ``image``: K JPEG or PNG files as bytes; ``video``: K of `Clip`;
    - ``text``: K of str; ``table``: K mappings from column to number or level, None for a missing value.

    ``present`` may mark absent instances of array modalities: bool ``(K,)``. ``labels`` maps a task to the index of the
    class, to 0 or 1 for each label, or to the value of each target (a number where there is one); a task not in it is
    not labelled. ``span`` is the start and the end of the window in its recording, in seconds. ``inferred`` may mark,
    bool ``(K,)``, the present instances that were made at an assumed place or time because nothing was detected there;
    a modality that is left out has none. ``split`` is the part in the dataset's official split (protocol ``official``).
    """

    id: str
    labels: Mapping[str, Target]
    data: "Mapping[str, Any]"
    groups: Mapping[str, str] = field(default_factory=dict)
    present: "Mapping[str, NDArray[np.bool_]]" = field(default_factory=dict)
    span: tuple[float, float] | None = None
    inferred: "Mapping[str, NDArray[np.bool_]]" = field(default_factory=dict)
    split: Part | None = None


@dataclass(frozen=True)
class TokenSpec:
    """The tokens of one modality: ``length`` T per instance, width ``dim`` D, ``instances`` K in a bag.

    ``length`` None: the number of tokens differs between instances, and `Tokens.mask` says which are there. For a
    modality that a fusion does not use, length and dim are 0: the fusion sees only which instances are present.
    """

    length: int | None
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
    """The description of a dataset for readers; ``request`` says how to obtain the files.

    ``notes`` are sentences about how the data were made that every table repeats, since they limit what scores mean,
    such as a filter over whole trials. `Dataset.card_of` may add those that depend on parameters or files. ``size`` is
    what was published, such as ``15 people, 24 films in each of 3 sessions``; ``split`` says whose the official split
    is and what it cuts, "" where there is none.
    """

    title: str
    access: Access
    licence: str
    url: str
    citation: str
    request: str = ""
    notes: tuple[str, ...] = ()
    size: str = ""
    split: str = ""


@dataclass(frozen=True)
class Description:
    """What the files under a folder were understood to be (`Dataset.describe`).

    ``lines`` say it for readers; ``questions`` are open, each with the options that answer it, or what to change in the
    files; ``text`` is the content of the file ``path`` in which the user can correct it. Where nothing is open,
    ``problems`` are those that `Dataset.check` would find, and ``files`` those of which samples are made.
    """

    lines: Sequence[str]
    questions: Sequence[tuple[str, str]]
    text: str
    path: "Path"
    problems: Sequence[Problem] = ()
    files: Sequence["Path"] = ()


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
    weights the classes of the training part inversely to their frequencies (of several labels, the positive samples of
    each; values have no weights). ``augment`` transforms the images of
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
