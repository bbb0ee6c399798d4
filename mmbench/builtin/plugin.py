"""Entry point of the built-in plugin."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mmbench import Method, Training, hookimpl

if TYPE_CHECKING:
    from mmbench import Encoder, Fusion


# The loss is convex: small steps reach its minimum, and choosing the epoch on validation is early stopping.
LOGISTIC = Method(
    name="logistic",
    fusion="linear",
    encoders={"image": "pixels", "timeseries": "de", "vector": "raw"},
    training=Training(epochs=100, lr=1e-3, weight_decay=0.1, patience=20),
)


@hookimpl
def register_encoders(register: "Callable[[type[Encoder]], None]") -> None:
    """Encoders of time series, vectors and images."""
    from mmbench.builtin.conv1d import Conv1d
    from mmbench.builtin.de import DifferentialEntropy
    from mmbench.builtin.image import TimmImages
    from mmbench.builtin.pixels import Pixels
    from mmbench.builtin.spectrum import Spectrum
    from mmbench.builtin.vector import Mlp, Raw

    for encoder in (DifferentialEntropy, Spectrum, Conv1d, Mlp, Raw, Pixels, TimmImages):
        register(encoder)


@hookimpl
def register_fusions(register: "Callable[[type[Fusion]], None]") -> None:
    """The baseline fusions."""
    from mmbench.builtin.abmil import AttentionMil
    from mmbench.builtin.attention import Attention
    from mmbench.builtin.bottleneck import Bottleneck
    from mmbench.builtin.concat import Concat
    from mmbench.builtin.gated import Gated
    from mmbench.builtin.late import Late
    from mmbench.builtin.linear import Linear
    from mmbench.builtin.lowrank import LowRank
    from mmbench.builtin.mult import CrossModal
    from mmbench.builtin.only import Only
    from mmbench.builtin.prior import Prior
    from mmbench.builtin.tensor import Tensorial

    fusions: tuple[type[Fusion], ...] = (Concat, Late, Only, Prior, Gated, Linear)
    fusions += (Tensorial, LowRank, CrossModal, Bottleneck, AttentionMil, Attention)
    for fusion in fusions:
        register(fusion)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Logistic regression on plain features."""
    register(LOGISTIC)
