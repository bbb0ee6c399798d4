"""Recurrent network for time series of any length."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mmbench import Encoder, Float, Int, Modality, TokenSpec
from mmbench.builtin.arguments import at_least, fraction
from mmbench.builtin.encoders.masks import prefix_mask


class Gru(Encoder):
    """Gated recurrent units that read a series in both directions, trained with the rest.

    ``pool=last`` gives the last states of both directions as one token ``(1, dim)``, ``pool=none`` a token for each
    time step; half of ``dim`` are of each direction. ``depth`` layers, with ``dropout`` between them.
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation".
    """

    name = "gru"
    kinds = ("timeseries",)
    space: ClassVar = {"dim": Int(16, 256, log=True), "depth": Int(1, 3), "dropout": Float(0.0, 0.5)}

    def __init__(
        self,
        modality: Modality,
        *,
        dim: int = 64,
        depth: int = 1,
        dropout: float = 0.1,
        pool: Literal["last", "none"] = "last",
    ) -> None:
        super().__init__(modality)
        at_least(2, dim=dim)
        at_least(1, depth=depth)
        fraction(dropout=dropout)
        n_channels, length = modality.shape
        assert n_channels is not None
        self.pool = pool
        between = dropout if depth > 1 else 0.0
        self.network = nn.GRU(n_channels, dim // 2, depth, batch_first=True, dropout=between, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.out = TokenSpec(1 if pool == "last" else length, dim // 2 * 2)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Series ``(n, C, time)`` to tokens ``(n, T, dim)``, with their mask where there is one for each time step."""
        steps = x.transpose(1, 2)
        if lengths is None:
            states, last = self.network(steps)
        else:
            packed = pack_padded_sequence(steps, lengths.cpu(), batch_first=True, enforce_sorted=False)
            states, last = self.network(packed)
            states, _ = pad_packed_sequence(states, batch_first=True, total_length=x.shape[-1])
        if self.pool == "last":
            return self.dropout(torch.cat([last[-2], last[-1]], dim=-1))[:, None]  # type: ignore[no-any-return]
        tokens: Tensor = self.dropout(states)
        return tokens if lengths is None else (tokens, prefix_mask(lengths, x.shape[-1]))
