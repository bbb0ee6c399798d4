"""Loss of the host: cross-entropy, optionally with class weights."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mmbench.contract import Training


def make_criterion(labels: NDArray[np.int64], n_classes: int, training: Training) -> nn.CrossEntropyLoss:
    """Cross-entropy; with ``training.class_weights`` weighted inversely to the class frequencies in ``labels``."""
    weight = torch.from_numpy(class_weights(labels, n_classes)) if training.class_weights else None
    return nn.CrossEntropyLoss(weight=weight, label_smoothing=training.label_smoothing)


def class_weights(labels: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Weights of the classes ``(C,)``, inverse to their frequencies, with mean 1 over the samples."""
    counts = np.bincount(labels, minlength=n_classes)
    weights: NDArray[np.float32] = np.where(
        counts > 0, len(labels) / np.maximum(counts, 1) / max((counts > 0).sum(), 1), 1.0
    ).astype(np.float32)
    return weights
