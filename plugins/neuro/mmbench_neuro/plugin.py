"""Registration of the encoders with mmbench; the entry point names this module."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mmbench import hookimpl

if TYPE_CHECKING:
    from mmbench import Encoder


@hookimpl
def register_encoders(register: "Callable[[type[Encoder]], None]") -> None:
    """Register the networks of braindecode and the tangent space; braindecode is imported when a network is built."""
    from mmbench_neuro.convolutional import Conformer, Deep4, EEGNet, Shallow
    from mmbench_neuro.tangent import TangentSpace

    register(EEGNet)
    register(Shallow)
    register(Deep4)
    register(Conformer)
    register(TangentSpace)
