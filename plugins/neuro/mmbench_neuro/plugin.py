"""Registers the encoders; the module mmbench's entry point names."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mmbench import hookimpl

if TYPE_CHECKING:
    from mmbench import Encoder


@hookimpl
def register_encoders(register: "Callable[[type[Encoder]], None]") -> None:
    """Register the networks of braindecode, which is imported when one is built, and the tangent space."""
    from mmbench_neuro.convolutional import Conformer, Deep4, EEGNet, Shallow
    from mmbench_neuro.tangent import TangentSpace

    register(EEGNet)
    register(Shallow)
    register(Deep4)
    register(Conformer)
    register(TangentSpace)
