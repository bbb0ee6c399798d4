"""Names of Milmer's options; imports no torch, so that listing them is fast."""

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
EEGVariant = Literal["published", "spectral"]
