"""Entry point of the built-in plugin."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench import Method, Training, hookimpl

if TYPE_CHECKING:
    from mmbench import Dataset, Encoder, Estimator, Fusion, Metric, Trainer


# The loss is convex: small steps reach its minimum, and choosing the epoch on validation is early stopping.
LOGISTIC = Method(
    name="logistic",
    fusion="linear",
    encoders={
        "timeseries": "de",
        "slow-timeseries": "spectrum",
        "open-timeseries": "curves",
        "audio": "audio-statistics",
        "image": "pixels",
        "video": "frames[encoder='pixels',head=mean]",
        "text": "hashing",
        "table": "table",
        "vector": "raw",
    },
    training=Training(epochs=100, lr=1e-3, weight_decay=0.1, patience=20),
)

CONCAT = Method(name="concat", fusion="concat", claims=Path(__file__).parent / "claims")


@hookimpl
def register_datasets(register: "Callable[[type[Dataset]], None]") -> None:
    """Folders of the user."""
    from mmbench.builtin.datasets.folder.dataset import Folder

    register(Folder)


@hookimpl
def register_encoders(register: "Callable[[type[Encoder]], None]") -> None:
    """Encoders of every kind of modality."""
    from mmbench.builtin.encoders.audio_statistics import AudioStatistics
    from mmbench.builtin.encoders.conv1d import Conv1d
    from mmbench.builtin.encoders.curves import Curves
    from mmbench.builtin.encoders.de import DifferentialEntropy
    from mmbench.builtin.encoders.frames import Frames
    from mmbench.builtin.encoders.hashing import Hashing
    from mmbench.builtin.encoders.hugging_face import Transformers
    from mmbench.builtin.encoders.image import TimmImages
    from mmbench.builtin.encoders.logmel import LogMel
    from mmbench.builtin.encoders.pixels import Pixels
    from mmbench.builtin.encoders.recurrent import Gru
    from mmbench.builtin.encoders.sentences import Sentences
    from mmbench.builtin.encoders.spectrum import Spectrum
    from mmbench.builtin.encoders.table import Table, TableEmbedding
    from mmbench.builtin.encoders.vector import Mlp, Raw
    from mmbench.builtin.encoders.words import Words

    encoders: tuple[type[Encoder], ...] = (DifferentialEntropy, Spectrum, Curves, Conv1d, Gru)
    encoders += (AudioStatistics, LogMel, Pixels, TimmImages, Frames, Hashing, Words, Sentences, Transformers)
    encoders += (Table, TableEmbedding, Mlp, Raw)
    for encoder in encoders:
        register(encoder)


@hookimpl
def register_fusions(register: "Callable[[type[Fusion]], None]") -> None:
    """The baseline fusions."""
    from mmbench.builtin.fusions.abmil import AttentionMil
    from mmbench.builtin.fusions.attention import Attention
    from mmbench.builtin.fusions.bottleneck import Bottleneck
    from mmbench.builtin.fusions.concat import Concat
    from mmbench.builtin.fusions.gated import Gated
    from mmbench.builtin.fusions.late import Late
    from mmbench.builtin.fusions.linear import Linear
    from mmbench.builtin.fusions.lowrank import LowRank
    from mmbench.builtin.fusions.mult import CrossModal
    from mmbench.builtin.fusions.only import Only
    from mmbench.builtin.fusions.prior import Prior
    from mmbench.builtin.fusions.tensor import Tensorial

    fusions: tuple[type[Fusion], ...] = (Concat, Late, Only, Prior, Gated, Linear)
    fusions += (Tensorial, LowRank, CrossModal, Bottleneck, AttentionMil, Attention)
    for fusion in fusions:
        register(fusion)


@hookimpl
def register_trainers(register: "Callable[[type[Trainer]], None]") -> None:
    """The default trainer."""
    from mmbench.builtin.trainers.adamw import AdamW

    register(AdamW)


@hookimpl
def register_estimators(register: "Callable[[type[Estimator]], None]") -> None:
    """Estimators of scikit-learn."""
    from mmbench.builtin.estimators.sklearn import Sklearn

    register(Sklearn)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Logistic regression on plain features, and concatenation with claim cards about it."""
    register(LOGISTIC)
    register(CONCAT)


@hookimpl
def register_metrics(register: "Callable[[type[Metric]], None]") -> None:
    """Metrics of classes, of labels and of values."""
    from mmbench.builtin.metrics import classification, labels, ranking, regression, sentiment

    for module in (classification, labels, ranking, regression, sentiment):
        for metric in module.METRICS:
            register(metric)
