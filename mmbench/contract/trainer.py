"""Contract of trainers: how a network is fitted on one fold."""

from mmbench.contract.component import Component


class Trainer(Component):
    """Fits a network on the training part of one fold.

    The host calls a trainer with batches of the training and the validation part, chooses the epoch on the validation
    part, and predicts the test part, whose labels no trainer sees.
    """
