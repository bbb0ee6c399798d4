"""Encoders of tables: standardised numbers and one-hot levels, or learned embeddings of both."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmbench import Column, Encoder, Int, Modality, TokenSpec
from mmbench.builtin.arguments import at_least


class TableColumns(nn.Module):
    """Imputed columns of tables ``(n, columns)``, by statistics of the training part.

    Missing numbers are set to the mean; numbers are divided by the deviation (1 where it is 0). Of a categorical
    column, the index of its level is kept, or the number of its levels where it is missing or no known level.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self.numeric = [at for at, column in enumerate(columns) if not column.levels]
        self.categorical = [at for at, column in enumerate(columns) if column.levels]
        self.sizes = [len(columns[at].levels) for at in self.categorical]
        self.register_buffer("mean", torch.zeros(len(self.numeric)))
        self.register_buffer("deviation", torch.ones(len(self.numeric)))

    def adapt(self, x: Tensor) -> None:
        """Set mean and deviation of the numbers that are there; a column without any keeps 0 and 1."""
        values = x[:, self.numeric].double()
        there = ~values.isnan()
        count = there.sum(dim=0).clamp_min(1)
        mean = values.nan_to_num().sum(dim=0) / count
        variance = ((values - mean).nan_to_num().square()).sum(dim=0) / count
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(variance > 0, variance.sqrt(), 1.0))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Standardised numbers and 1 where they are missing, both ``(n, numeric)``, and levels ``(n, categorical)``."""
        values = x[:, self.numeric]
        missing = values.isnan()
        scaled = ((values - self.mean) / self.deviation).masked_fill(missing, 0.0)
        sizes = torch.tensor(self.sizes, device=x.device, dtype=x.dtype)
        levels = x[:, self.categorical]
        known = (levels >= 0) & (levels < sizes)
        return scaled, missing.to(x.dtype), torch.where(known, levels, sizes).long()


class Table(Encoder):
    """One token of all columns: ``(1, 2·numeric + levels + categorical)``, without parameters to train.

    Numbers are standardised by the training part, and missing ones set to its mean; an indicator tells them apart.
    Levels are one-hot, with one more place for missing and unknown ones.
    """

    name = "table"
    kinds = ("table",)

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.columns = TableColumns(modality.columns)
        width = 2 * len(self.columns.numeric) + sum(size + 1 for size in self.columns.sizes)
        self.out = TokenSpec(1, width)

    def adapt(self, x: Tensor) -> None:
        """Set mean and deviation of each numeric column."""
        self.columns.adapt(x)

    def forward(self, x: Tensor) -> Tensor:
        """Tables ``(n, columns)`` to tokens ``(n, 1, D)``: numbers, their indicators, then levels column by column."""
        scaled, missing, levels = self.columns(x)
        one_hot = [
            nn.functional.one_hot(levels[:, at], size + 1).to(x.dtype) for at, size in enumerate(self.columns.sizes)
        ]
        return torch.cat([scaled, missing, *one_hot], dim=1).unsqueeze(1)


class TableEmbedding(Encoder):
    """One token per column ``(columns, dim)``, learned: a level's own vector, or a number times a vector plus another.

    Missing values have a vector of their own. Gorishniy et al. 2021, "Revisiting deep learning models for tabular
    data" (the feature tokenizer). Numeric columns come first.
    """

    name = "table-embedding"
    kinds = ("table",)
    space: ClassVar = {"dim": Int(8, 128, log=True)}

    def __init__(self, modality: Modality, *, dim: int = 32) -> None:
        super().__init__(modality)
        at_least(1, dim=dim)
        self.columns = TableColumns(modality.columns)
        numeric = len(self.columns.numeric)
        self.weight = nn.Parameter(torch.randn(numeric, dim) * dim**-0.5)
        self.bias = nn.Parameter(torch.randn(numeric, dim) * dim**-0.5)
        self.missing = nn.Parameter(torch.randn(numeric, dim) * dim**-0.5)
        self.levels = nn.ModuleList(nn.Embedding(size + 1, dim) for size in self.columns.sizes)
        for table in self.levels:
            assert isinstance(table, nn.Embedding)
            nn.init.normal_(table.weight, std=dim**-0.5)
        self.out = TokenSpec(len(modality.columns), dim)

    def adapt(self, x: Tensor) -> None:
        """Set mean and deviation of each numeric column."""
        self.columns.adapt(x)

    def forward(self, x: Tensor) -> Tensor:
        """Tables ``(n, columns)`` to tokens ``(n, columns, dim)``."""
        scaled, missing, levels = self.columns(x)
        numbers = torch.where(missing[..., None] > 0, self.missing, scaled[..., None] * self.weight + self.bias)
        embedded = [table(levels[:, at]) for at, table in enumerate(self.levels)]
        return torch.cat([numbers, *(token[:, None] for token in embedded)], dim=1)
