"""Checks of encoders: shapes, finite values, gradients, determinism, state."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from mmbench.conformance.declaration import (
    check_name,
    check_parameters,
    check_space,
    parameters_of,
    params_for,
    subject_of,
)
from mmbench.conformance.outcome import Check, checks_of, demand
from mmbench.conformance.tensors import close, demand_gradients, demand_registered, perturb, seeded
from mmbench.contract import Encoder, Kind, Modality, TokenSpec, overrides
from mmbench.errors import SpecError
from mmbench.training import weights_digest

EXAMPLES: dict[Kind, Modality] = {
    "timeseries": Modality("signal", "timeseries", (4, 256), instances=3, rate=128.0),
    "image": Modality("picture", "image", (3, 64, 64), instances=3),
    "vector": Modality("features", "vector", (7,)),
}
N_INSTANCES = 4


@dataclass(frozen=True)
class EncoderCase:
    """An encoder class with what it is built from."""

    cls: type[Encoder]
    modality: Modality
    params: Mapping[str, object]

    def build(self, seed: int = 0) -> Encoder:
        """A new encoder; `adapt`, where implemented, was called with a few instances."""
        with seeded(seed):
            encoder = self.cls(self.modality, **self.params)
            if overrides(encoder, "adapt", Encoder):
                encoder.adapt(self.instances(seed=9))
        return encoder

    def instances(self, seed: int = 1) -> Tensor:
        """Noise of the modality's shape: ``(4, *shape)``, uint8 for images."""
        shape = (N_INSTANCES, *self.modality.shape)
        generator = torch.Generator().manual_seed(seed)
        if self.modality.kind == "image":
            return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        return torch.randn(shape, generator=generator)


def check_encoder(cls: type[Encoder], modality: Modality | None = None, **params: object) -> Iterator[Check]:
    """All checks of an encoder, on ``modality`` or on an example of each kind it names."""
    subject = subject_of("encoder", cls, params)
    yield from checks_of(subject, cls, check_name, check_parameters, check_space, check_kinds)
    own = modality or getattr(cls, "conformance_modality", None)
    examples = [own] if own else [EXAMPLES[kind] for kind in getattr(cls, "kinds", ()) if kind in EXAMPLES]
    for example in examples:
        case = EncoderCase(cls, example, params_for(cls, params))
        yield from checks_of(f"{subject} on {example.kind}", case, *CHECKS)


def check_kinds(cls: type[Encoder]) -> None:
    """The encoder names the kinds of modalities it accepts."""
    kinds = getattr(cls, "kinds", ())
    demand(len(kinds) > 0, "kinds is missing")
    for kind in kinds:
        demand(kind in EXAMPLES, f"kinds names {kind!r}, not one of {', '.join(EXAMPLES)}")


def check_shapes(case: EncoderCase) -> None:
    """``out`` is set and matches the tokens."""
    encoder = case.build().eval()
    out = getattr(encoder, "out", None)
    demand(isinstance(out, TokenSpec), "__init__ does not set self.out to a TokenSpec")
    assert isinstance(out, TokenSpec)
    tokens = encode(encoder, case.instances())
    wanted = (N_INSTANCES, out.length, out.dim)
    demand(tuple(tokens.shape) == wanted, f"tokens are {tuple(tokens.shape)}, out says {wanted}")
    demand(tokens.is_floating_point(), f"tokens are {tokens.dtype}, not a float type")


def check_finite(case: EncoderCase) -> None:
    """Noise and constant instances both give finite tokens."""
    encoder = case.build().eval()
    x = case.instances()
    for what, instances in (("noise", x), ("zeros", torch.zeros_like(x)), ("ones", torch.ones_like(x))):
        demand(bool(encode(encoder, instances).isfinite().all()), f"tokens of {what} are not finite")


def check_batch_independence(case: EncoderCase) -> None:
    """The tokens of an instance do not depend on the others in the batch."""
    encoder = case.build().eval()
    x = case.instances()
    alone = torch.cat([encode(encoder, instance[None]) for instance in x])
    demand(close(encode(encoder, x), alone), "an instance alone has other tokens than in a batch")


def check_gradients(case: EncoderCase) -> None:
    """Every parameter of a trainable encoder gets a gradient."""
    with seeded(2):
        encoder = case.build().train()
        perturb(encoder)
        demand_gradients(encoder, (projected(encoder(case.instances(seed))) for seed in (1, 2)))


def check_frozen(case: EncoderCase) -> None:
    """A frozen encoder requires no gradients and is bitwise equal in every pass, mode and build."""
    encoder = case.build()
    if not encoder.frozen:
        return
    for name, parameter in encoder.named_parameters():
        demand(not parameter.requires_grad, f"parameter {name} requires a gradient though the encoder is frozen")
    x = case.instances()
    first = encode(encoder.train(), x)
    demand(torch.equal(first, encode(encoder, x)), "two passes in training mode differ")
    demand(torch.equal(first, encode(encoder.eval(), x)), "training and evaluation mode differ")
    demand(torch.equal(first, encode(case.build(), x)), "two builds under one seed differ")


def check_state(case: EncoderCase) -> None:
    """``state_dict`` holds everything that is learned or drawn."""
    encoder = case.build(seed=0).eval()
    demand_registered(encoder)
    other = case.build(seed=1).eval()
    other.load_state_dict(encoder.state_dict())
    x = case.instances()
    demand(close(encode(other, x), encode(encoder, x)), "another build with the same state_dict gives other tokens")


def check_evaluation(case: EncoderCase) -> None:
    """Evaluation changes neither the state nor the tokens of the same instances later."""
    encoder = case.build().eval()
    before, x = weights_digest(encoder), case.instances()
    passes = []
    for seed in (1, 2, 1):
        with seeded(3):
            passes.append(encode(encoder, case.instances(seed) if seed != 1 else x))
    demand(weights_digest(encoder) == before, "evaluation changes its state_dict")
    demand(close(passes[2], passes[0]), "instances have other tokens after other instances were encoded")


def check_rebuild(case: EncoderCase) -> None:
    """An encoder that is built again is not affected by the training of another one."""
    x = case.instances()
    first = encode(case.build().eval(), x)
    with seeded(2):
        tokens = case.build().train()(x)
        if tokens.requires_grad:
            projected(tokens).backward()  # type: ignore[no-untyped-call]
    demand(close(encode(case.build().eval(), x), first), "built again after a training step it gives other tokens")


def check_weights(case: EncoderCase) -> None:
    """The parameter ``weights``, if there is one, loads the tensors of ``weights_to_save``."""
    if "weights" not in parameters_of(case.cls):
        return
    from safetensors.torch import save_file

    encoder = case.build(seed=0).eval()
    with tempfile.TemporaryDirectory(prefix="mmbench-check-") as folder:
        file = str(Path(folder) / "saved.safetensors")
        save_file({name: tensor.detach().clone() for name, tensor in encoder.weights_to_save().items()}, file)
        other = _build_from(case, file).eval()
    x = case.instances()
    demand(close(encode(other, x), encode(encoder, x)), "with the saved weights it gives other tokens")


def _build_from(case: EncoderCase, file: str) -> Encoder:
    try:
        return replace(case, params={**case.params, "weights": file}).build(seed=1)
    except SpecError:
        # The file may determine the other parameters.
        return replace(case, params={"weights": file}).build(seed=1)


CHECKS = (
    check_shapes,
    check_finite,
    check_batch_independence,
    check_gradients,
    check_frozen,
    check_state,
    check_evaluation,
    check_rebuild,
    check_weights,
)


@torch.no_grad()
def encode(encoder: Encoder, x: Tensor) -> Tensor:
    """Tokens ``(n, T, D)``."""
    tokens: Tensor = encoder(x.clone())
    return tokens


def projected(tokens: Tensor) -> Tensor:
    """A scalar that depends differently on each token; a plain sum is constant behind a layer norm."""
    weights = torch.randn(tokens.shape[1:])
    return (tokens * weights).flatten(1).sum(dim=1).square().mean()
