"""Contract of methods: named recipes, and the tables of their ablations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmbench.contract.types import Training


@dataclass(frozen=True)
class Ablation:
    """A table of ``mmbench ablate``: a method with other values of some parameters.

    Each of ``rows`` maps parameters to values; the first parameter names the row, the others are changed with it,
    as in ``{"mixing": "none", "queries": None}``. They are parameters of the fusion, or with ``encoder``, a modality
    or a kind, of the encoder there. With ``encoder`` all rows may be specs of encoders instead, such as ``"de"``, which
    take its place. The unchanged method is added by the host.
    """

    name: str
    rows: tuple[Mapping[str, object], ...] | tuple[str, ...]
    encoder: str | None = None


@dataclass(frozen=True)
class Method:
    """A named recipe: a fusion or an estimator, an encoder for each modality or kind, and training defaults.

    Either ``fusion`` or ``estimator`` is named. They, ``trainer`` (of a fusion; None for that of the host) and the
    values of ``encoders`` are specs such as ``"milmer"`` or ``"swin[frozen=true]"``; the keys of ``encoders`` are
    modality names, kinds with ``open-`` before them for modalities of open length, or kinds, in this order of
    precedence. ``presets`` is a folder of TOML files; the one named like the dataset is applied by default, others with
    ``--preset``. ``ablations`` are the tables of ``mmbench ablate``; the one over modalities is added by the host.
    ``claims`` is a folder of TOML files, the cards of ``mmbench claim``: published results, and the runs that examine
    them (`ClaimCard`).
    """

    name: str
    fusion: str = ""
    encoders: Mapping[str, str] = field(default_factory=dict)
    training: Training = field(default_factory=Training)
    presets: Path | None = None
    ablations: tuple[Ablation, ...] = ()
    claims: Path | None = None
    estimator: str = ""
    trainer: str | None = None
