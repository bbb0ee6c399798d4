"""Token balancing: how the tokens of the selected instances enter the transformer."""

import torch
from torch import Tensor, nn

from mmbench_milmer.options import BalancingName


class CrossAttention(nn.Module):
    """``n_queries`` learned queries attend to the tokens of the selected instances."""

    def __init__(self, n_queries: int, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.queries = nn.Parameter(0.02 * torch.randn(n_queries, dim))
        self.attention = nn.MultiheadAttention(dim, heads, dropout=dropout, batch_first=True)

    def forward(self, x: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens ``(B, N, dim)`` and their mask ``(B, N)`` to ``(B, n_queries, dim)`` and ``(B, n_queries)``."""
        any_present = present.any(dim=1, keepdim=True)
        queries = self.queries.expand(len(x), -1, -1)
        # Some versions of torch return NaN if every key is masked: such a row attends to all and is masked afterwards.
        attended, _ = self.attention(queries, x, x, key_padding_mask=~present & any_present, need_weights=False)
        return attended, any_present.expand(-1, len(self.queries))


class TokenMLP(nn.Module):
    """An MLP for each token: dim → 4 dim → dim."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens ``(B, N, dim)`` and their mask ``(B, N)``, of the same shapes."""
        return self.layers(x), present


class NoBalancing(nn.Module):
    """Returns the tokens unchanged."""

    def forward(self, x: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens ``(B, N, dim)`` and their mask ``(B, N)``."""
        return x, present


def make_balancing(name: BalancingName, n_queries: int, dim: int, heads: int, dropout: float) -> nn.Module:
    """Build the balancing of that name; only ``cross_attention`` uses ``n_queries``, ``heads`` and ``dropout``."""
    if name == "cross_attention":
        return CrossAttention(n_queries, dim, heads, dropout)
    return TokenMLP(dim) if name == "mlp" else NoBalancing()
