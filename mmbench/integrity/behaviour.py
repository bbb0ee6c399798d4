"""What is seen of a model on a few samples, part by part: where two models differ, the part can be named."""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmbench.contract import Encoder, Tokens, Training, overrides
from mmbench.data import Inputs, Rows
from mmbench.errors import PluginError
from mmbench.registry import seed_torch
from mmbench.training import Model, deterministic, make_criterion, mixed_precision, weights_digest

FUSION = "fusion"


class Observation(NamedTuple):
    """One thing seen of a part, ``fusion`` or the modality of an encoder: a digest, the name of an error or values."""

    part: str
    what: str
    value: str | Tensor


class RoundingTolerance(NamedTuple):
    """How far values may be from each other, relative to the largest: in the same batch again, and in another batch."""

    again: float
    in_batch: float


def rounding_tolerance(device: torch.device) -> RoundingTolerance:
    """On the CPU room for another order of summation in another batch; elsewhere for bfloat16 and sums without order.

    What remembers, or leans on its neighbours, is far beyond.
    """
    return RoundingTolerance(0.0, 1e-4) if device.type == "cpu" else RoundingTolerance(1e-2, 5e-2)


@dataclass(frozen=True)
class ProbedSamples:
    """What a model is portrayed with: a few samples of the training part, more of them to adapt to, all its labels."""

    inputs: Inputs
    few: Rows
    many: Rows
    train: Rows
    labels: NDArray[np.int64]
    training: Training
    device: torch.device
    seed: int


@contextmanager
def isolated_random_state(seed: int) -> Iterator[None]:
    """Random numbers from ``seed`` within the block; those outside are drawn as if it had not been."""
    # Plugins may draw from the global generators of Python and NumPy, whether or not that is wise.
    ours, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            seed_torch(seed)
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002
            yield
    finally:
        random.setstate(ours)
        np.random.set_state(numpys)  # noqa: NPY002


def observe_behaviour(model: Model, shown: ProbedSamples) -> list[Observation]:
    """All that a new model does: its weights, what it adapts to, tokens, logits, loss and gradients.

    Each thing comes after those that it depends on, so that the first that differs tells the part. The model is
    changed by it. What a component raises is a thing seen: training will tell what is wrong.
    """
    with isolated_random_state(shown.seed), deterministic(shown.device):
        return [*observe_weights(model), *_until_error(_observe_parts(model.to(shown.device), shown))]


def _until_error(sights: Iterator[Observation]) -> Iterator[Observation]:
    try:
        yield from sights
    except (MemoryError, torch.OutOfMemoryError, PluginError):
        raise
    except Exception as error:
        yield Observation(FUSION, "error", type(error).__name__)


def _observe_parts(model: Model, shown: ProbedSamples) -> Iterator[Observation]:
    for name, encoder in _encoders(model).items():
        if overrides(encoder, "adapt", Encoder):
            x, present = shown.inputs.streams[name].batch(shown.many)
            encoder.adapt(x[present].to(shown.device))
            yield Observation(name, "statistics after adapt", weights_digest(encoder))
    for name, value in predict_parts(model, shown.inputs, shown.few, shown.device).items():
        yield Observation(name, "logits" if name == FUSION else "tokens", value)
    yield from _observe_training_step(model, shown)


def _observe_training_step(model: Model, shown: ProbedSamples) -> Iterator[Observation]:
    """One step of training, but that no weight is moved."""
    seed_torch(shown.seed)
    model.train()
    criterion = make_criterion(shown.labels[shown.train], model.fusion.n_classes, shown.training).to(shown.device)
    target = torch.from_numpy(shown.labels[shown.few]).to(shown.device)
    with mixed_precision(shown.device):
        tokens = model.tokens(_batch(shown.inputs, shown.few, shown.device))
        loss = model.fusion.training_loss(tokens, target, criterion)
    for name in _encoders(model):
        yield Observation(name, "tokens in training", tokens[name].x.detach().float().cpu())
    yield Observation(FUSION, "loss", loss.detach().float().cpu())
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        # The fusion first: the gradients of an encoder have come through it.
        for name, part in reversed(find_parts(model).items()):
            yield Observation(name, "gradients", _gradients(part))


def _gradients(part: nn.Module) -> Tensor:
    """Sum and norm of the gradient of each parameter ``(P, 2)``: other gradients have others, and these are small."""
    found = [parameter.grad for parameter in part.parameters() if parameter.grad is not None]
    pairs = [torch.stack([gradient.sum(), gradient.norm()]) for gradient in found]
    return torch.stack(pairs).float().cpu() if pairs else torch.zeros(0, 2)


def predict_parts(model: Model, inputs: Inputs, rows: Rows, device: torch.device) -> dict[str, Tensor]:
    """In evaluation, the tokens of each encoder that is trained, and last the logits of the fusion."""
    model.eval()
    with torch.inference_mode(), mixed_precision(device):
        tokens = model.tokens(_batch(inputs, rows, device))
        seen = {name: tokens[name].x.float().cpu() for name in _encoders(model)}
        return {**seen, FUSION: model.fusion(tokens).float().cpu()}


def _batch(inputs: Inputs, rows: Rows, device: torch.device) -> dict[str, Tokens]:
    # Copies: a component may write into what it is given, and the same rows are shown again.
    return {name: Tokens(x.clone(), present.clone()) for name, (x, present) in inputs.batch(rows, device).items()}


def find_parts(model: Model) -> dict[str, nn.Module]:
    """The encoders that are trained, by modality, and the fusion."""
    return {**_encoders(model), FUSION: model.fusion}


def _encoders(model: Model) -> dict[str, Encoder]:
    return {name: model.encoder(name) for name in sorted(model.encoders)}


def observe_weights(model: Model) -> list[Observation]:
    """Weights and buffers of each part, as digests."""
    return [Observation(name, "weights", weights_digest(part)) for name, part in find_parts(model).items()]


def find_first_difference(
    before: Sequence[Observation], after: Sequence[Observation], tolerance: float = 0.0
) -> Observation | None:
    """The first thing that is another ``after`` than it was; what only one of them has is another."""
    for one, other in zip(before, after, strict=False):
        if one[:2] != other[:2] or _is_other(one.value, other.value, tolerance):
            return other
    return None


def _is_other(one: str | Tensor, other: str | Tensor, tolerance: float) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one is not other and one != other
    return one.shape != other.shape or bool(_absolute_differences(one, other).gt(tolerance * _size(other)).any())


def find_differing_part(one: Mapping[str, Tensor], other: Mapping[str, Tensor], tolerance: float) -> str | None:
    """The first part whose values ``(n, ...)`` differ in more than a quarter of the samples.

    A choice among instances may turn on a hair, and rounding with it; what leans on its neighbours does so everywhere.
    """
    for name, value in other.items():
        gaps = _absolute_differences(one[name], value).flatten(1).amax(dim=1)
        if int(gaps.gt(tolerance * _size(value)).sum()) > len(gaps) // 4:
            return name
    return None


def _absolute_differences(one: Tensor, other: Tensor) -> Tensor:
    """Absolute differences; none where both are no number, without bound where one is."""
    gaps = (one - other).abs()
    gaps[one.isnan() & other.isnan()] = 0.0
    gaps[one == other] = 0.0
    return gaps.nan_to_num(nan=float("inf"), posinf=float("inf"))


def _size(values: Tensor) -> float:
    return 1.0 + (float(values.nan_to_num(0.0, 0.0, 0.0).abs().max()) if values.numel() else 0.0)
