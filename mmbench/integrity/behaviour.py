"""Behaviour probes: outputs, losses and gradients of a model on a few samples, part by part."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmbench.contract import Encoder, Tokens, TokenSpec, Training, overrides
from mmbench.data import Bags, Inputs, Labels, Rows
from mmbench.errors import PluginError
from mmbench.registry import isolated_random_state, seed_torch
from mmbench.training import (
    EstimatorModel,
    Model,
    adapt_encoder,
    deterministic,
    make_criterion,
    mixed_precision,
    sum_losses,
    weights_digest,
)

FUSION = "fusion"


class Observation(NamedTuple):
    """An observation of a part, ``fusion`` or the modality of an encoder: a digest, the name of an error, or values."""

    part: str
    what: str
    value: str | Tensor


class RoundingTolerance(NamedTuple):
    """Allowed differences relative to the largest value: in the same batch again, and in another batch."""

    again: float
    in_batch: float


def rounding_tolerance(device: torch.device) -> RoundingTolerance:
    """Tolerances for the order of summation on a CPU; elsewhere for bfloat16 and non-deterministic sums.

    Models that keep state, or mix samples of a batch, differ far more.
    """
    return RoundingTolerance(0.0, 1e-4) if device.type == "cpu" else RoundingTolerance(1e-2, 5e-2)


@dataclass(frozen=True)
class ProbedSamples:
    """Samples that a model is probed with: a few training samples, more of them to adapt to, and all its labels."""

    inputs: Inputs
    few: Rows
    many: Rows
    train: Rows
    labels: Labels
    training: Training
    device: torch.device
    seed: int


def observe_behaviour(model: Model, probed: ProbedSamples) -> list[Observation]:
    """Observations of a new model: weights, adapted statistics, tokens, logits, loss and gradients.

    Each follows those it depends on, so that the first difference identifies the part. Changes the model. Errors of
    components are observations, too: training reports them.
    """
    with isolated_random_state(probed.seed), deterministic(probed.device):
        return [*observe_weights(model), *_until_error(_observe_parts(model.to(probed.device), probed))]


def _until_error(observations: Iterator[Observation]) -> Iterator[Observation]:
    try:
        yield from observations
    except (MemoryError, torch.OutOfMemoryError, PluginError):
        raise
    except Exception as error:
        yield Observation(FUSION, "error", type(error).__name__)


def _observe_parts(model: Model, probed: ProbedSamples) -> Iterator[Observation]:
    if isinstance(model, EstimatorModel):
        with warnings.catch_warnings(action="ignore"):  # about few samples, which these are
            model.fit_estimator(probed.inputs, probed.many, probed.labels, probed.training, probed.seed, probed.device)
        yield Observation(FUSION, "outputs", predict_parts(model, probed.inputs, probed.few, probed.device)[FUSION])
        return
    for name, encoder in _encoders(model).items():
        if overrides(encoder, "adapt", Encoder):
            adapt_encoder(encoder, probed.inputs.streams[name].batch(probed.many).to(probed.device))
            yield Observation(name, "statistics after adapt", weights_digest(encoder))
    for name, value in predict_parts(model, probed.inputs, probed.few, probed.device).items():
        yield Observation(name, "logits" if name == FUSION else "tokens", value)
    yield from _observe_training_step(model, probed)


def _observe_training_step(model: Model, probed: ProbedSamples) -> Iterator[Observation]:
    """Loss and gradients of a training step, without an update of the weights."""
    seed_torch(probed.seed)
    model.train()
    criterion = make_criterion(probed.labels[probed.train], model.fusion.task, probed.training).to(probed.device)
    model.fit_targets(probed.labels[probed.train])
    target = model.target(probed.labels[probed.few], probed.device)
    with mixed_precision(probed.device):
        tokens = model.tokens(_batch(probed.inputs, probed.few, probed.device))
        loss = sum_losses(model.fusion.training_loss(tokens, target, criterion))
    for name, encoder in _encoders(model).items():
        yield Observation(name, "tokens in training", comparable_tokens(tokens[name], encoder.out))
    yield Observation(FUSION, "loss", loss.detach().float().cpu())
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        # The fusion first: gradients of encoders depend on it.
        for name, part in reversed(find_parts(model).items()):
            yield Observation(name, "gradients", _gradients(part))


def _gradients(part: nn.Module) -> Tensor:
    """Sum and norm of the gradient of each parameter ``(P, 2)``, a compact summary."""
    found = [parameter.grad for parameter in part.parameters() if parameter.grad is not None]
    pairs = [torch.stack([gradient.sum(), gradient.norm()]) for gradient in found]
    return torch.stack(pairs).float().cpu() if pairs else torch.zeros(0, 2)


def predict_parts(model: Model, inputs: Inputs, rows: Rows, device: torch.device) -> dict[str, Tensor]:
    """In evaluation mode, the tokens of each trained encoder, and last the logits of the fusion."""
    model.eval()
    with torch.inference_mode(), mixed_precision(device):
        tokens = model.tokens(_batch(inputs, rows, device))
        tokens_of = {name: comparable_tokens(tokens[name], encoder.out) for name, encoder in _encoders(model).items()}
        return {**tokens_of, FUSION: model.outputs(tokens).float().cpu()}


def comparable_tokens(tokens: Tokens, out: TokenSpec) -> Tensor:
    """Tokens ``(B, K, T, D)``; where their numbers differ, their means and counts ``(B, K, 1, D + 1)`` over T.

    The padding, and so T, depends on the other samples of the batch.
    """
    x = tokens.x.detach().float().cpu()
    if out.length is not None:
        return x
    count = tokens.mask.sum(dim=2, keepdim=True)[..., None].float().cpu()
    return torch.cat([x.sum(dim=2, keepdim=True) / count.clamp(min=1), count], dim=3)


def _batch(inputs: Inputs, rows: Rows, device: torch.device) -> dict[str, Bags]:
    # Copies: a component may modify its inputs, and the same rows are used again.
    return {name: bags.clone() for name, bags in inputs.batch(rows, device).items()}


def find_parts(model: Model) -> dict[str, nn.Module]:
    """The trained encoders, by modality, and the fusion."""
    return {**_encoders(model), FUSION: model.fusion}


def _encoders(model: Model) -> dict[str, Encoder]:
    return {name: model.encoder(name) for name in sorted(model.encoders)}


def observe_weights(model: Model) -> list[Observation]:
    """Weights and buffers of each part, as digests."""
    return [Observation(name, "weights", weights_digest(part)) for name, part in find_parts(model).items()]


def find_first_difference(
    before: Sequence[Observation], after: Sequence[Observation], tolerance: float = 0.0
) -> Observation | None:
    """The first observation that differs between ``before`` and ``after``; None if there is none."""
    for one, other in zip(before, after, strict=False):
        if one[:2] != other[:2] or _differs(one.value, other.value, tolerance):
            return other
    return None


def _differs(one: str | Tensor, other: str | Tensor, tolerance: float) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one is not other and one != other
    return one.shape != other.shape or bool(_absolute_differences(one, other).gt(tolerance * _size(other)).any())


def find_differing_part(one: Mapping[str, Tensor], other: Mapping[str, Tensor], tolerance: float) -> str | None:
    """The first part whose values ``(n, ...)`` differ in more than a quarter of the samples; None if there is none.

    Rounding may change a selection of instances in single samples; dependence on the batch affects most of them.
    """
    for name, value in other.items():
        differences = _absolute_differences(one[name], value).flatten(1).amax(dim=1)
        if int(differences.gt(tolerance * _size(value)).sum()) > len(differences) // 4:
            return name
    return None


def _absolute_differences(one: Tensor, other: Tensor) -> Tensor:
    """Absolute differences; 0 if both are NaN, infinite where one is."""
    differences = (one - other).abs()
    differences[one.isnan() & other.isnan()] = 0.0
    differences[one == other] = 0.0
    return differences.nan_to_num(nan=float("inf"), posinf=float("inf"))


def _size(values: Tensor) -> float:
    return 1.0 + (float(values.detach().nan_to_num(0.0, 0.0, 0.0).abs().max()) if values.numel() else 0.0)
