"""Model: an encoder for each modality that is trained, and a fusion."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmbench.contract import Encoder, Fusion, Tokens
from mmbench.data import Bags
from mmbench.errors import DataError, PluginError, TrainingError
from mmbench.training.bag_encoding import encode_bag
from mmbench.training.targets import TargetScale

Batch = Mapping[str, Bags]


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
            name: encode_finite(self.encoder(name), bags) if name in self.encoders else as_tokens(bags)
            for name, bags in batch.items()
        }

    def encoder(self, name: str) -> Encoder:
        """The encoder of one modality."""
        encoder = self.encoders[name]
        assert isinstance(encoder, Encoder)
        return encoder

    def forward(self, batch: Batch) -> Tensor:
        """Outputs ``(B, n_outputs)``, as `outputs`."""
        return self.outputs(self.tokens(batch))

    def outputs(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)`` from tokens: logits, or values in units of the data."""
        outputs: Tensor = self.fusion(tokens)
        check_outputs(self.fusion, outputs)
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


def encode_finite(encoder: Encoder, bags: Bags) -> Tokens:
    """Tokens of bags; TrainingError that names the encoder if they are not finite although its weights are.

    Where the weights are not finite either, the training has diverged, which its loss tells.
    """
    tokens = encode_bag(encoder, bags)
    if not tokens.x.detach().isfinite().all() and all(weight.isfinite().all() for weight in encoder.parameters()):
        raise TrainingError(
            "gives tokens that are not finite",
            where=f"encoder {encoder.name} of {encoder.modality.name}",
            remedy="correct the encoder, or lower --training lr=...",
        )
    return tokens


def check_outputs(fusion: Fusion, outputs: Tensor) -> None:
    """PluginError unless a fusion gives ``(B, n_outputs)``: a loss would spread other shapes over the targets."""
    if outputs.ndim != 2 or outputs.shape[1] != fusion.n_outputs:
        raise PluginError(
            f"gives outputs of the shape {tuple(outputs.shape)}, not (batch, {fusion.n_outputs})",
            where=f"{'estimator' if hasattr(fusion, 'estimator') else 'fusion'} {fusion.name}",
            remedy="return n_outputs numbers for each sample",
        )


def as_tokens(bags: Bags) -> Tokens:
    """Bags that are the tokens of a frozen encoder, with their mask."""
    if bags.lengths is None:
        return Tokens(bags.x, bags.present)
    steps = torch.arange(bags.x.shape[2], device=bags.x.device)
    return Tokens(bags.x, bags.present, steps < bags.lengths[..., None])
