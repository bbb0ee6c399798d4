"""The default trainer, which is the contract as it stands."""

from mmbench import Trainer


class AdamW(Trainer):
    """AdamW (Loshchilov and Hutter 2019), a cosine schedule, clipped gradients."""

    name = "adamw"
