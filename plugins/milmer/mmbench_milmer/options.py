"""The names of Milmer's options, apart from the networks: listing them must not import torch."""

from typing import Literal

SelectorName = Literal[
    "none",
    "softmax",
    "amil",
    "attention_topk",
    "attention_weighted_topk",
    "random",
    "uniform",
    "mean",
    "max",
]

PublishedSelector = Literal["none", "softmax", "amil", "attention_topk", "attention_weighted_topk"]
BalancingName = Literal["cross_attention", "mlp", "none"]
