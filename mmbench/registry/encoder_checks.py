"""Checks that an encoder takes a modality, and that it has, or has no, weights that are trained."""

from inspect import Parameter, signature
from typing import Any

from mmbench.contract import Modality
from mmbench.errors import SpecError
from mmbench.registry.plugins import Registry
from mmbench.registry.specs import Spec


def check_encoder(registry: Registry, spec: Spec, modality: Modality) -> None:
    """Raise SpecError unless the encoder of ``spec`` takes the modality, with its parameters."""
    cls = registry.find("encoders", spec.name).component
    if modality.kind not in cls.kinds:
        problem = f"encodes {' and '.join(cls.kinds)}, but {modality.name} is of kind {modality.kind}"
    elif not takes_modality(cls, modality):
        accepted, found = (
            ("one length", "differ in length") if modality.is_open else ("unequal length", "have one length")
        )
        problem = f"accepts instances of {accepted} only, but those of {modality.name} {found}"
    else:
        registry.bound("encoders", spec)
        return
    fitting = [name for name, entry in sorted(registry.encoders.items()) if takes_modality(entry.component, modality)]
    raise SpecError(
        problem,
        where=f"encoder {spec.name}",
        remedy=f"choose --encoder {modality.name}={' or '.join(fitting) or 'NAME'}",
    )


def takes_modality(encoder: Any, modality: Modality) -> bool:
    """Whether an encoder class accepts the kind of a modality, and its open or its one length."""
    if modality.kind not in encoder.kinds or modality.kind == "text":
        return modality.kind in encoder.kinds
    return bool(encoder.takes_lengths()) if modality.is_open else not requires_lengths(encoder)


def requires_lengths(encoder: Any) -> bool:
    """Whether ``forward`` of an encoder class cannot be called without ``lengths``, as for modalities of one length."""
    lengths = signature(encoder.forward).parameters.get("lengths")
    return lengths is not None and lengths.default is Parameter.empty


def has_trained_weights(registry: Registry, spec: Spec, modality: Modality) -> bool:
    """Whether an encoder has weights that are trained; False for one that does not take the modality."""
    cls = registry.find("encoders", spec.name).component
    if not takes_modality(cls, modality):
        return False
    encoder = cls(modality, **registry.bound("encoders", spec))
    return not encoder.frozen and any(weight.requires_grad for weight in encoder.parameters())
