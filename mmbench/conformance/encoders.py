"""Checks of encoders: shapes, masks, padding, finite values, gradients, determinism, state."""

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
from mmbench.contract import Column, Encoder, Kind, Modality, TokenSpec, overrides
from mmbench.errors import SpecError
from mmbench.registry import requires_lengths
from mmbench.training import Instances, encode_instances, pad_instances, random_instances, weights_digest

COLUMNS = (Column("age"), Column("dose"), Column("site", ("hand", "foot", "head")), Column("sex", ("f", "m")))
EXAMPLES: dict[Kind, Modality] = {
    "timeseries": Modality("signal", "timeseries", (4, 256), instances=3, rate=128.0),
    "audio": Modality("sound", "audio", (1, 8000), rate=8000.0),
    "image": Modality("picture", "image", (3, 64, 64), instances=3),
    "video": Modality("film", "video", (4, 3, 64, 64), rate=5.0),
    "text": Modality("words", "text", ()),
    "table": Modality("record", "table", (len(COLUMNS),), columns=COLUMNS),
    "vector": Modality("features", "vector", (7,)),
}
OPEN_EXAMPLES: dict[Kind, Modality] = {
    "timeseries": Modality("course", "timeseries", (4, None), instances=3, rate=128.0),
    "audio": Modality("speech", "audio", (1, None), rate=8000.0),
    "video": Modality("clip", "video", (None, 3, 64, 64), rate=5.0),
}
TEXTS = ("", "a", "🙂", "Good, but not 100 % — naïve 中文\n", "word " * 700)
MORE = 37
"""Steps of additional padding, which must change nothing."""
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
                encoder.adapt(*self.instances(seed=9).arguments)
        return encoder

    def instances(self, seed: int = 1) -> Instances:
        """Four instances of noise, as `forward` receives them; open ones differ in length down to 1."""
        return random_instances(self.modality, N_INSTANCES, torch.Generator().manual_seed(seed))

    def extremes(self) -> Iterator[tuple[str, Instances]]:
        """Instances with little in them, or with much, and what they are."""
        x, lengths = noise = self.instances()
        yield "noise", noise
        if isinstance(x, list):
            yield from ((f"the text {text[:12]!r}", Instances([text])) for text in TEXTS)
            return
        yield "zeros", Instances(torch.zeros_like(x), lengths)
        ones = torch.ones_like(x)
        yield "ones", Instances(ones if lengths is None else pad_instances(self.modality, ones, lengths), lengths)
        if self.modality.kind == "table":
            yield "missing values", Instances(torch.full_like(x, torch.nan))


def check_encoder(cls: type[Encoder], modality: Modality | None = None, **params: object) -> Iterator[Check]:
    """All checks of an encoder, on ``modality`` or on an example of each kind it names."""
    subject = subject_of("encoder", cls, params)
    yield from checks_of(subject, cls, check_name, check_parameters, check_space, check_kinds, check_lengths)
    own = modality or getattr(cls, "conformance_modality", None)
    for example in [own] if own else find_examples(cls):
        case = EncoderCase(cls, example, params_for(cls, params))
        name = f"open {example.kind}" if example.kind in OPEN_EXAMPLES and example.is_open else example.kind
        yield from checks_of(f"{subject} on {name}", case, *CHECKS)


def find_examples(cls: type[Encoder]) -> list[Modality]:
    """A modality of each kind that the encoder names, and one of open length where it takes lengths."""
    kinds = [kind for kind in getattr(cls, "kinds", ()) if kind in EXAMPLES]
    takes_open = [kind for kind in kinds if kind in OPEN_EXAMPLES and cls.takes_lengths()]
    takes_one = [kind for kind in kinds if kind not in takes_open or not requires_lengths(cls)]
    return [*(EXAMPLES[kind] for kind in takes_one), *(OPEN_EXAMPLES[kind] for kind in takes_open)]


def check_kinds(cls: type[Encoder]) -> None:
    """The encoder names the kinds of modalities it accepts."""
    kinds = getattr(cls, "kinds", ())
    demand(len(kinds) > 0, "kinds is missing")
    for kind in kinds:
        demand(kind in EXAMPLES, f"kinds names {kind!r}, not one of {', '.join(EXAMPLES)}")


def check_lengths(cls: type[Encoder]) -> None:
    """An encoder of open lengths can be called without them, too."""
    demand(
        not requires_lengths(cls),
        "forward needs lengths, which modalities of one length do not have: write forward(self, x, lengths=None)",
    )


def check_shapes(case: EncoderCase) -> None:
    """``out`` is set and matches the tokens."""
    encoder = case.build().eval()
    out = getattr(encoder, "out", None)
    demand(isinstance(out, TokenSpec), "__init__ does not set self.out to a TokenSpec")
    assert isinstance(out, TokenSpec)
    made = call(encoder, case.instances())
    demand(
        isinstance(made, tuple) == (out.length is None),
        "out.length is None where forward returns tokens and a mask, and a number where it returns tokens alone",
    )
    tokens, mask = made if isinstance(made, tuple) else (made, None)
    wanted = (N_INSTANCES, tokens.shape[1] if out.length is None else out.length, out.dim)
    demand(tuple(tokens.shape) == wanted, f"tokens are {tuple(tokens.shape)}, out says {wanted}")
    demand(tokens.is_floating_point(), f"tokens are {tokens.dtype}, not a float type")
    if mask is not None:
        demand(mask.dtype == torch.bool, f"the mask is {mask.dtype}, not bool")
        demand(tuple(mask.shape) == wanted[:2], f"the mask is {tuple(mask.shape)}, not {wanted[:2]}")
        demand(bool((mask[:, 1:] <= mask[:, :-1]).all()), "the mask is not True first and False from there on")


def check_padding(case: EncoderCase) -> None:
    """More padding changes neither tokens nor mask, and what the padding holds changes nothing."""
    encoder, (x, lengths) = case.build().eval(), case.instances()
    if lengths is None or isinstance(x, list):
        return
    expected = encode(encoder, Instances(x, lengths))
    longer = Instances(pad_instances(case.modality, x, lengths, MORE), lengths)
    demand(same_tokens(encode(encoder, longer), expected), "more padding changes the tokens")


def check_finite(case: EncoderCase) -> None:
    """Noise, constant, empty and long instances all give finite tokens."""
    encoder = case.build().eval()
    for what, instances in case.extremes():
        demand(bool(encode(encoder, instances)[0].isfinite().all()), f"tokens of {what} are not finite")


def check_batch_independence(case: EncoderCase) -> None:
    """The tokens of an instance do not depend on the others in the batch."""
    encoder = case.build().eval()
    x, lengths = case.instances()
    tokens, mask = encode(encoder, Instances(x, lengths))
    for row in range(N_INSTANCES):
        alone = encode(encoder, Instances(x[row : row + 1], None if lengths is None else lengths[row : row + 1]))
        demand(
            same_tokens((tokens[row : row + 1], mask[row : row + 1]), alone),
            "an instance alone has other tokens than in a batch",
        )


def check_gradients(case: EncoderCase) -> None:
    """Every parameter of a trainable encoder gets a gradient."""
    with seeded(2):
        encoder = case.build().train()
        perturb(encoder)
        demand_gradients(encoder, (projected(*encode_instances(encoder, case.instances(seed))) for seed in (1, 2)))


def check_frozen(case: EncoderCase) -> None:
    """A frozen encoder requires no gradients and is bitwise equal in every pass, mode and build."""
    encoder = case.build()
    if not encoder.frozen:
        return
    for name, parameter in encoder.named_parameters():
        demand(not parameter.requires_grad, f"parameter {name} requires a gradient though the encoder is frozen")
    x = case.instances()
    first = encode(encoder.train(), x)
    demand(equal_tokens(first, encode(encoder, x)), "two passes in training mode differ")
    demand(equal_tokens(first, encode(encoder.eval(), x)), "training and evaluation mode differ")
    demand(equal_tokens(first, encode(case.build(), x)), "two builds under one seed differ")


def check_state(case: EncoderCase) -> None:
    """``state_dict`` holds everything that is learned or drawn."""
    encoder = case.build(seed=0).eval()
    demand_registered(encoder)
    other = case.build(seed=1).eval()
    other.load_state_dict(encoder.state_dict())
    x = case.instances()
    message = "another build with the same state_dict gives other tokens"
    demand(same_tokens(encode(other, x), encode(encoder, x)), message)


def check_evaluation(case: EncoderCase) -> None:
    """Evaluation changes neither the state nor the tokens of the same instances later."""
    encoder = case.build().eval()
    before, x = weights_digest(encoder), case.instances()
    passes = []
    for seed in (1, 2, 1):
        with seeded(3):
            passes.append(encode(encoder, case.instances(seed) if seed != 1 else x))
    demand(weights_digest(encoder) == before, "evaluation changes its state_dict")
    demand(same_tokens(passes[2], passes[0]), "instances have other tokens after other instances were encoded")


def check_rebuild(case: EncoderCase) -> None:
    """An encoder that is built again is not affected by the training of another one."""
    x = case.instances()
    first = encode(case.build().eval(), x)
    with seeded(2):
        tokens, mask = encode_instances(case.build().train(), x)
        if tokens.requires_grad:
            projected(tokens, mask).backward()  # type: ignore[no-untyped-call]
    message = "built again after a training step it gives other tokens"
    demand(same_tokens(encode(case.build().eval(), x), first), message)


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
    demand(same_tokens(encode(other, x), encode(encoder, x)), "with the saved weights it gives other tokens")


def _build_from(case: EncoderCase, file: str) -> Encoder:
    try:
        return replace(case, params={**case.params, "weights": file}).build(seed=1)
    except SpecError:
        # The file may determine the other parameters.
        return replace(case, params={"weights": file}).build(seed=1)


CHECKS = (
    check_shapes,
    check_padding,
    check_finite,
    check_batch_independence,
    check_gradients,
    check_frozen,
    check_state,
    check_evaluation,
    check_rebuild,
    check_weights,
)


def call(encoder: Encoder, instances: Instances) -> Tensor | tuple[Tensor, Tensor]:
    """What `forward` returns for copies of the instances."""
    copies = [part.clone() if isinstance(part, Tensor) else list(part) for part in instances.arguments]
    with torch.no_grad():
        made: Tensor | tuple[Tensor, Tensor] = encoder(*copies)
    return made


def encode(encoder: Encoder, instances: Instances) -> tuple[Tensor, Tensor]:
    """Tokens ``(n, T, D)``, zero where masked, and their mask ``(n, T)``."""
    made = call(encoder, instances)
    if not isinstance(made, tuple):
        return made, torch.ones(made.shape[:2], dtype=torch.bool)
    tokens, mask = made
    return tokens.masked_fill(~mask[..., None], 0.0), mask


def same_tokens(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> bool:
    """Whether two batches have the same tokens up to rounding and to the masked ones at the end."""
    longest = min(a[0].shape[1], b[0].shape[1])
    nothing_left = not a[1][:, longest:].any() and not b[1][:, longest:].any()
    same_mask = torch.equal(a[1][:, :longest], b[1][:, :longest])
    return nothing_left and same_mask and close(a[0][:, :longest], b[0][:, :longest])


def equal_tokens(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> bool:
    """Whether two batches are equal to the bit."""
    return torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])


def projected(tokens: Tensor, mask: Tensor) -> Tensor:
    """A scalar that depends differently on each token; a plain sum is constant behind a layer norm."""
    weights = torch.randn(tokens.shape[1:]) * mask[..., None]
    return (tokens * weights).flatten(1).sum(dim=1).square().mean()
