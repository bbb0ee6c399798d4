"""Encoders of instances of unequal length, right and wrong ones, and a fusion that reads masks, for tests."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from mmbench import Encoder, Fusion, Modality, TokenSpec, hookimpl


def mask(lengths: Tensor, n_tokens: int) -> Tensor:
    return torch.arange(n_tokens, device=lengths.device) < lengths[:, None]


class Recurrent(Encoder):
    """A token for every second step, from a GRU."""

    name = "recurrent"
    kinds = ("timeseries", "audio")

    def __init__(self, modality: Modality, *, frozen: bool = False) -> None:
        super().__init__(modality)
        self.out = TokenSpec(None, 6, modality.instances)
        self.frozen = frozen
        self.net = nn.GRU(modality.shape[0], 6, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.net(x.transpose(1, 2))[0][:, ::2]
        return tokens, mask(-(-lengths // 2), tokens.shape[1])


class Frames(Encoder):
    """The mean of each colour of each frame."""

    name = "frame-colours"
    kinds = ("video",)

    def __init__(self, modality: Modality, *, frozen: bool = True) -> None:
        super().__init__(modality)
        self.out = TokenSpec(None, 3, modality.instances)
        self.frozen = frozen
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return x.float().mean(dim=(3, 4)) / 255 * self.scale, mask(lengths, x.shape[1])


class Words(Encoder):
    """The length and the first letter of each word that is longer than one letter; texts may have none."""

    name = "word-lengths"
    kinds = ("text",)
    frozen = True

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out = TokenSpec(None, 2, modality.instances)

    def forward(self, x: list[str]) -> tuple[Tensor, Tensor]:
        words = [
            torch.tensor([[len(word), ord(word[0]) / 100] for word in text.split() if len(word) > 1]).reshape(-1, 2)
            for text in x
        ]
        tokens = pad_sequence(words, batch_first=True)
        return tokens, mask(torch.tensor([len(each) for each in words]), tokens.shape[1])


class PaddingReader(Recurrent):
    """Divides by the padded length."""

    name = "padding-reader"

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        tokens, there = super().forward(x, lengths)
        return tokens / x.shape[2], there


class BatchReader(Recurrent):
    """Subtracts the mean of the batch."""

    name = "batch-reader"

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(x - x.mean(), lengths)


class MeanOfTokens(Fusion):
    """A linear layer on the mean of all tokens of the modalities of unequal length."""

    name = "mean-of-tokens"

    def __init__(self, inputs, n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        read = {name: spec.dim for name, spec in sorted(inputs.items()) if spec.dim}
        self.layers = nn.ModuleDict({name: nn.Linear(dim, n_outputs) for name, dim in read.items()})

    @classmethod
    def uses(cls, modalities: Sequence[str], **params: object) -> Sequence[str]:
        return [name for name in modalities if name in ("motion", "voice", "clip", "note")]

    def forward(self, tokens) -> Tensor:
        return torch.stack(
            [
                layer(tokens[name].x.sum(dim=(1, 2)) / tokens[name].mask.sum(dim=(1, 2)).clamp(min=1)[:, None])
                for name, layer in self.layers.items()
            ]
        ).sum(dim=0)


@hookimpl
def register_encoders(register: Callable[[type[Encoder]], None]) -> None:
    for encoder in (Recurrent, Frames, Words, PaddingReader, BatchReader):
        register(encoder)


@hookimpl
def register_fusions(register: Callable[[type[Fusion]], None]) -> None:
    register(MeanOfTokens)
