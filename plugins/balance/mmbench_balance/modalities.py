"""Modalities that a network reads, pooled tokens of each, and classifiers of single modalities."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mmbench import Criterion, Network, SpecError, Tokens

Heads = nn.ModuleDict


def modalities_to_balance(model: Network, trainer: str) -> tuple[str, ...]:
    """The modalities that a network reads, in order; none where it reads a single one.

    Raises SpecError if it reads several, but the encoder of none of them is trained.
    """
    names = tuple(sorted(name for name, spec in model.fusion.inputs.items() if spec.dim))
    if len(names) < 2:
        return ()
    if not any(name in model.encoders and trained_parameters(model.encoders[name]) for name in names):
        raise SpecError(
            f"balances the training of encoders, but those of {', '.join(names)} are not trained",
            where=f"trainer {trainer}",
            remedy=f"choose one that is trained, such as --encoder {names[0]}=NAME; mmbench list shows them",
        )
    return names


def trained_parameters(module: Network | nn.Module) -> list[nn.Parameter]:
    """The parameters of a module that are trained."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def pool(tokens: Tokens) -> Tensor:
    """The mean ``(B, D)`` of the tokens of a modality that are there; zero where it is missing."""
    weight = tokens.mask[..., None].to(tokens.x.dtype)
    mean: Tensor = (tokens.x * weight).sum(dim=(1, 2)) / weight.sum(dim=(1, 2)).clamp_min(1)
    return mean


def is_present(tokens: Tokens) -> Tensor:
    """Whether a modality is there, bool ``(B,)``."""
    return tokens.present.any(dim=1)


def make_heads(model: Network, names: Sequence[str]) -> Heads:
    """A linear layer for each modality, from pooled tokens to the outputs of the task, on the network's device."""
    device = next(model.parameters()).device
    inputs, n_outputs = model.fusion.inputs, model.fusion.n_outputs
    return Heads({name: nn.Linear(inputs[name].dim, n_outputs) for name in names}).to(device)


def name_of_loss(modality: str) -> str:
    """The name of the loss of a modality alone."""
    return f"{modality} alone"


def losses_alone(heads: Heads, tokens: Mapping[str, Tokens], target: Tensor, criterion: Criterion) -> dict[str, Tensor]:
    """The loss of each head by `name_of_loss`, on the samples that have its modality; zero where none has."""
    losses = {}
    for name, head in heads.items():
        there = is_present(tokens[name])
        outputs = head(pool(tokens[name])[there])
        empty = outputs.sum() * 0.0
        losses[name_of_loss(name)] = criterion(outputs, target[there]) if bool(there.any()) else empty
    return losses


def flatten(gradients: Sequence[Tensor]) -> Tensor:
    """Gradients of an encoder as one vector."""
    return torch.cat([gradient.flatten() for gradient in gradients])
