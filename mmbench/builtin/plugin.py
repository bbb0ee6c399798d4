"""Entry point of the built-in plugin."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mmbench import hookimpl

if TYPE_CHECKING:
    from mmbench import Encoder, Fusion


@hookimpl
def register_encoders(register: "Callable[[type[Encoder]], None]") -> None:
    """Band entropies, a convolutional network for time series, two encoders for vectors, timm's image models."""
    from mmbench.builtin.conv1d import Conv1d
    from mmbench.builtin.de import DifferentialEntropy
    from mmbench.builtin.image import TimmImages
    from mmbench.builtin.vector import Mlp, Raw

    for encoder in (DifferentialEntropy, Conv1d, Mlp, Raw, TimmImages):
        register(encoder)


@hookimpl
def register_fusions(register: "Callable[[type[Fusion]], None]") -> None:
    """The baselines every comparison needs."""
    from mmbench.builtin.concat import Concat
    from mmbench.builtin.gated import Gated
    from mmbench.builtin.late import Late
    from mmbench.builtin.only import Only
    from mmbench.builtin.prior import Prior

    for fusion in (Concat, Late, Only, Prior, Gated):
        register(fusion)
