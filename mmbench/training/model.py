"""A model is an encoder for each modality that is trained, and a fusion."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from mmbench.contract import Encoder, Fusion, Tokens
from mmbench.errors import DataError

Batch = Mapping[str, Tokens]
INSTANCES_PER_PASS = 64  # instances of bags that an encoder sees in evaluation
INSTANCES_PER_PASS_GPU = 320  # on a GPU, which takes few in the time that it takes to ask
IN_CACHE = 1 << 19  # numbers that it sees then on a CPU: with more, what it makes of them leaves the caches


def check_modality_names(modalities: Iterable[str], dataset: str) -> None:
    """Raise DataError, naming the dataset, for a modality by whose name torch keeps no module."""
    container = nn.ModuleDict()
    for name in modalities:
        if hasattr(container, name):
            raise DataError(
                f"a modality is called {name!r}, which torch's ModuleDict has as an attribute",
                where=dataset,
                remedy="rename it in the dataset",
            )


class Model(nn.Module):
    """Encoders and a fusion; folds bags in and out so that encoders see instances only.

    A modality without an encoder arrives as tokens already.
    """

    def __init__(self, encoders: Mapping[str, Encoder], fusion: Fusion) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(dict(encoders))
        self.fusion = fusion

    def tokens(self, batch: Batch) -> dict[str, Tokens]:
        """Encode what is not encoded yet: ``(B, K, *shape)`` to ``(B, K, T, D)``, zero where absent."""
        return {
            name: Tokens(encode_bag(self.encoder(name), *stream), stream.present) if name in self.encoders else stream
            for name, stream in batch.items()
        }

    def encoder(self, name: str) -> Encoder:
        """The encoder of one modality."""
        encoder = self.encoders[name]
        assert isinstance(encoder, Encoder)
        return encoder

    def forward(self, batch: Batch) -> Tensor:
        """Logits ``(B, C)``."""
        logits: Tensor = self.fusion(self.tokens(batch))
        return logits

    def count(self) -> dict[str, int]:
        """Numbers of parameters, in all and trainable."""
        sizes = [(parameter.numel(), parameter.requires_grad) for parameter in self.parameters()]
        return {"total": sum(n for n, _ in sizes), "trainable": sum(n for n, trained in sizes if trained)}


def encode_bag(encoder: Encoder, x: Tensor, present: Tensor) -> Tensor:
    """Run an encoder over the present instances only, ``(B, K, *shape)`` to ``(B, K, T, D)``.

    With ``present`` on the CPU nobody waits for a GPU.
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
    """Tokens ``(n, T, D)`` of instances; where they are encoded in parts, with no more than one beside the whole."""
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
    """How many instances of the bags an encoder sees at once: all when it learns."""
    if torch.is_grad_enabled():
        return present.numel()
    # A batch of bags of pictures would take gigabytes at once.
    on_cpu = x.device.type == "cpu"
    most = (INSTANCES_PER_PASS if on_cpu else INSTANCES_PER_PASS_GPU) if present.shape[1] > 1 else len(x)
    return min(most, max(1, IN_CACHE // x[0, 0].numel())) if on_cpu else most
