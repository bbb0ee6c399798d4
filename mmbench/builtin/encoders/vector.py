"""Encoders of vectors: a perceptron, and the unchanged vector."""

from typing import ClassVar

from torch import Tensor, nn

from mmbench import Encoder, Float, Int, Modality, TokenSpec
from mmbench.builtin.arguments import at_least, fraction


class Mlp(Encoder):
    """A perceptron of ``depth`` hidden layers, trained with the rest: one token ``(1, dim)``."""

    name = "mlp"
    kinds = ("vector",)
    space: ClassVar = {
        "dim": Int(16, 256, log=True),
        "hidden": Int(16, 512, log=True),
        "depth": Int(0, 3),
        "dropout": Float(0.0, 0.6),
    }

    def __init__(
        self, modality: Modality, *, dim: int = 64, hidden: int = 128, depth: int = 1, dropout: float = 0.1
    ) -> None:
        super().__init__(modality)
        at_least(1, dim=dim, hidden=hidden)
        at_least(0, depth=depth)
        fraction(dropout=dropout)
        layers: list[nn.Module] = []
        width = modality.fixed_shape[0]
        for _ in range(depth):
            layers += [nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout)]
            width = hidden
        self.layers = nn.Sequential(*layers, nn.Linear(width, dim))
        self.out = TokenSpec(1, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Vectors ``(n, F)`` to tokens ``(n, 1, dim)``."""
        tokens: Tensor = self.layers(x)
        return tokens.unsqueeze(1)


class Raw(Encoder):
    """The unchanged vector as one token ``(1, F)``, standardised by the host like all frozen tokens."""

    name = "raw"
    kinds = ("vector",)
    frozen = True

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out = TokenSpec(1, modality.fixed_shape[0])

    def forward(self, x: Tensor) -> Tensor:
        """Vectors ``(n, F)`` to tokens ``(n, 1, F)``."""
        return x.unsqueeze(1)
