"""Batches of the training and the validation part of a fold, as a trainer gets them."""

from collections.abc import Iterator
from typing import NoReturn

import numpy as np
import torch

from mmbench.contract import LabelledBatch, Training
from mmbench.data import Bags, Inputs, Labels, Rows
from mmbench.errors import PluginError
from mmbench.training.batches.augmentation import augment
from mmbench.training.batches.batching import training_batches
from mmbench.training.batches.modality_dropout import drop_modalities
from mmbench.training.determinism import mixed_precision
from mmbench.training.model import Model


class TrainingBatches:
    """Batches of the training part; each iteration is a pass in random order, of at most ``n_passes``.

    ``trainer`` is the name in errors; ``is_over`` ends the training.
    """

    def __init__(
        self,
        model: Model,
        inputs: Inputs,
        rows: Rows,
        labels: Labels,
        training: Training,
        device: torch.device,
        seed: int,
        n_passes: int,
        trainer: str = "trainer",
    ) -> None:
        self._model, self._inputs, self._rows, self._labels = model, inputs, rows, labels
        self._training, self._device, self._n_passes, self._trainer = training, device, n_passes, trainer
        self._shuffle = np.random.default_rng(seed)
        # A generator of its own: augmentation does not change how weights and order are drawn.
        self._augmentation_random = torch.Generator().manual_seed(seed)
        self._augmented = trained_images(model) if training.augment else ()
        self.n_begun = 0
        self.is_over = False
        self.error: PluginError | None = None

    def __len__(self) -> int:
        """Number of batches of a pass, as the batch size divides the samples."""
        return -(-len(self._rows) // self._training.batch_size)

    def __iter__(self) -> Iterator[LabelledBatch]:
        """One pass; PluginError beyond the budget or after the last epoch, kept in ``error``."""
        if self.is_over:
            self._refuse("begins a pass after context.end_epoch returned False")
        if self.n_begun >= self._n_passes:
            self._refuse(f"begins pass {self.n_begun + 1} over the training part, of {self._n_passes} in its budget")
        self.n_begun += 1
        return self._pass()

    def _refuse(self, problem: str) -> NoReturn:
        error = PluginError(problem, where=self._trainer, remedy="stop when context.end_epoch returns False")
        self.error = self.error or error
        raise error

    def _pass(self) -> Iterator[LabelledBatch]:
        self._model.train()
        for part in training_batches(
            self._rows, self._training.batch_size, self._shuffle, self._inputs.sizes(self._rows)
        ):
            target = self._model.target(self._labels[part], self._device)
            with mixed_precision(self._device):
                batch = self._batch(part)
            yield LabelledBatch(batch, target)

    def _batch(self, rows: Rows) -> dict[str, Bags]:
        batch = self._inputs.batch(rows, self._device)
        for name in self._augmented:
            bags = batch[name]
            batch[name] = bags._replace(x=augment(bags.x, self._augmentation_random, bags.lengths))
        return drop_modalities(batch, self._training.modality_dropout, self._augmentation_random)


class ValidationBatches:
    """Batches of the validation part, in its order."""

    def __init__(
        self, model: Model, inputs: Inputs, rows: Rows, labels: Labels, training: Training, device: torch.device
    ) -> None:
        self._model, self._inputs, self._rows, self._labels = model, inputs, rows, labels
        self._size, self._device = training.batch_size, device

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self._rows) // self._size)

    def __iter__(self) -> Iterator[LabelledBatch]:
        """One pass."""
        for start in range(0, len(self._rows), self._size):
            part = self._rows[start : start + self._size]
            target = self._model.target(self._labels[part], self._device)
            yield LabelledBatch(self._inputs.batch(part, self._device), target)


def trained_images(model: Model) -> tuple[str, ...]:
    """The image modalities that arrive as pixels, for an encoder that is trained."""
    return tuple(name for name in model.encoders if model.encoder(name).modality.kind in ("image", "video"))
