"""Model: an encoder for each modality that is trained, and a fusion."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmbench.contract import Encoder, Fusion, Tokens
from mmbench.errors import DataError
from mmbench.training.targets import TargetScale

Batch = Mapping[str, Tokens]
INSTANCES_PER_PASS = 64  # instances of bags per forward pass of an encoder in evaluation
INSTANCES_PER_PASS_GPU = 320  # the same on a GPU, where small passes are dominated by launch time
VALUES_PER_PASS = 1 << 19  # input values per pass on a CPU: with more, activations exceed its caches


def check_modality_names(modalities: Iterable[str], dataset: str) -> None:
    """Raise DataError, naming the dataset, for a modality whose name torch does not accept for a module."""
    container = nn.ModuleDict()
    for name in modalities:
        if hasattr(container, name):
            raise DataError(
                f"a modality is called {name!r}, which is an attribute of torch's ModuleDict",
                where=dataset,
                remedy="rename it in the dataset",
            )


class Model(nn.Module):
    """Encoders and a fusion; bags are flattened, so that encoders see single instances.

    A modality without an encoder must arrive as tokens.
    """

    def __init__(self, encoders: Mapping[str, Encoder], fusion: Fusion) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(dict(encoders))
        self.fusion = fusion
        self.scale = TargetScale(fusion.n_outputs) if fusion.task.kind == "values" else None

    def tokens(self, batch: Batch) -> dict[str, Tokens]:
        """Tokens of every modality: raw ``(B, K, *shape)`` encoded to ``(B, K, T, D)``, zero where absent."""
        return {
            name: Tokens(encode_bag(self.encoder(name), stream.x, stream.present), stream.present)
            if name in self.encoders
            else stream
            for name, stream in batch.items()
        }

    def encoder(self, name: str) -> Encoder:
        """The encoder of one modality."""
        encoder = self.encoders[name]
        assert isinstance(encoder, Encoder)
        return encoder

    def forward(self, batch: Batch) -> Tensor:
        """Outputs ``(B, n_outputs)``, as `outputs`."""
        return self.outputs(self.tokens(batch))

    def outputs(self, tokens: Batch) -> Tensor:
        """Outputs ``(B, n_outputs)`` from tokens: logits, or values in units of the data."""
        outputs: Tensor = self.fusion(tokens)
        return outputs if self.scale is None else self.scale(outputs)

    def fit_targets(self, known: NDArray[Any]) -> None:
        """Standardise values by ``known``, the labels of the training part; nothing to do for other tasks."""
        if self.scale is not None:
            self.scale.fit(known)

    def standardize(self, outputs: Tensor) -> Tensor:
        """The inverse of `outputs`, for the loss: values in standardised units, logits unchanged."""
        return outputs if self.scale is None else self.scale.standardize(outputs)

    def target(self, labels: NDArray[Any], device: torch.device) -> Tensor:
        """Labels as the criterion takes them: class indices ``(n,)``, or float32 ``(n, n_outputs)``."""
        target = torch.from_numpy(labels)
        if self.scale is not None:
            target = self.scale.standardize(target)
        return (target.float() if self.fusion.task.kind == "labels" else target).to(device)

    def count(self) -> dict[str, int]:
        """The number of parameters, ``total`` and ``trainable``."""
        sizes = [(parameter.numel(), parameter.requires_grad) for parameter in self.parameters()]
        return {"total": sum(n for n, _ in sizes), "trainable": sum(n for n, trained in sizes if trained)}


def encode_bag(encoder: Encoder, x: Tensor, present: Tensor) -> Tensor:
    """Run an encoder over the present instances only, ``(B, K, *shape)`` to ``(B, K, T, D)``.

    With ``present`` on the CPU there is no synchronisation with a GPU.
    """
    shape = (*present.shape, encoder.out.length, encoder.out.dim)
    instances, at_once = x.flatten(0, 1), _count_at_once(x, present)
    if present.numel() and present.all():
        return _encode_all(encoder, instances, at_once).reshape(shape)
    tokens = x.new_zeros((present.numel(), *shape[2:]), dtype=torch.get_default_dtype())
    here = present.flatten().nonzero()[:, 0].to(x.device)
    for part in torch.split(here, at_once) if len(here) else ():
        encoded = encoder(instances[part])
        tokens = tokens.to(encoded.dtype)
        tokens[part] = encoded
    return tokens.reshape(shape)


def _encode_all(encoder: Encoder, instances: Tensor, at_once: int) -> Tensor:
    """Tokens ``(n, T, D)`` of instances, encoded ``at_once`` at a time."""
    if len(instances) <= at_once:
        tokens: Tensor = encoder(instances)
        return tokens
    whole: Tensor | None = None
    for start in range(0, len(instances), at_once):
        tokens = encoder(instances[start : start + at_once])
        whole = tokens.new_empty((len(instances), *tokens.shape[1:])) if whole is None else whole
        whole[start : start + at_once] = tokens
    assert whole is not None
    return whole


def _count_at_once(x: Tensor, present: Tensor) -> int:
    """How many instances an encoder sees per forward pass: all of them in training."""
    if torch.is_grad_enabled():
        return present.numel()
    # All images of a batch of bags would take gigabytes at once.
    on_cpu = x.device.type == "cpu"
    most = (INSTANCES_PER_PASS if on_cpu else INSTANCES_PER_PASS_GPU) if present.shape[1] > 1 else len(x)
    return min(most, max(1, VALUES_PER_PASS // x[0, 0].numel())) if on_cpu else most
