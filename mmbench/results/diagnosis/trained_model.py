"""Repeated predictions of a trained model for its test part, with tokens computed once."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mmbench.contract import Tokens
from mmbench.data import Bags, Fold, Inputs, Rows, Store
from mmbench.results.diagnosis.kept_tokens import FixedTokens, RaggedTokens
from mmbench.results.diagnosis.perturbations import MISSING, RowSources
from mmbench.results.diagnosis.predictions import Predictions
from mmbench.training import Model, as_tokens, encode_bag, mask_modality, mixed_precision

_ENCODE_BATCH = 64  # samples per batch, as in `training.predict`
_MAX_FUSED = 256
_MAX_FUSED_NUMBERS = 1 << 21  # largest number of values in the tokens of a batch of the fusion


@dataclass(frozen=True)
class TrainedModel:
    """A trained model, its inputs, and the fold it was trained on.

    ``modalities`` are those that its fusion reads. ``noisy`` are token files by modality with a frozen encoder and by
    signal-to-noise ratio in dB; ``left_out`` are the modalities without noise, with the reason.
    """

    model: Model
    inputs: Inputs
    store: Store
    fold: Fold
    modalities: tuple[str, ...]
    noisy: Mapping[str, Mapping[int, Path]]
    left_out: Mapping[str, str]
    device: torch.device


class ModalityPredictor:
    """Predicts the test part with modalities taken from other samples.

    Tokens of trained encoders are computed once for ``rows``, which include the test part and all source samples;
    those of frozen encoders are read. A context manager: large tokens are in a temporary file.
    """

    def __init__(self, trained: TrainedModel, rows: Rows) -> None:
        self.trained = trained
        self._rows = rows
        self._place = np.full(len(trained.store), MISSING, dtype=np.int64)
        self._place[rows] = np.arange(len(rows))
        self._tokens_of: dict[str, FixedTokens | RaggedTokens] = {}

    def __enter__(self) -> "ModalityPredictor":
        self._stack = ExitStack()
        with self._stack:
            for name in self.trained.model.encoders:
                self._tokens_of[name] = self._encode_all(name)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._tokens_of.clear()
        self._stack.close()

    def predict(self, sources: RowSources, at: Rows | None = None) -> Predictions:
        """Predicted classes ``(n,)`` of the test part, or of the positions ``at`` in it."""
        test = self.trained.fold.test
        at = np.arange(len(test)) if at is None else at
        return np.concatenate(
            [
                self.classify({name: self._tokens(name, sources.get(name, test)[part]) for name in self._names})
                for part in batches(at, self._size)
            ]
        )

    def classify(self, tokens: Mapping[str, Tokens]) -> Predictions:
        """Predicted classes ``(B,)``, or outputs ``(B, n_outputs)`` of other tasks, from tokens ``(B, K, T, D)``."""
        with mixed_precision(self.trained.device):
            outputs = self.trained.model.outputs(tokens)
            outputs = outputs if outputs.dtype == torch.float64 else outputs.float()
        is_class = self.trained.model.fusion.task.kind == "class"
        return (outputs.argmax(dim=1) if is_class else outputs).cpu().numpy()

    def clean(self, part: Rows) -> dict[str, Tokens]:
        """The unchanged tokens of some rows."""
        return {name: self._tokens(name, part) for name in self._names}

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.trained.inputs.streams)

    @property
    def _size(self) -> int:
        """Batch size of the fusion, which depends on the model and its longest input."""
        inputs = self.trained.model.fusion.inputs
        numbers = sum(spec.instances * self._longest(name) * spec.dim for name, spec in inputs.items())
        return min(max(_MAX_FUSED_NUMBERS // max(numbers, 1), _ENCODE_BATCH), _MAX_FUSED)

    def _longest(self, name: str) -> int:
        """The largest number of tokens of an instance."""
        if name in self._tokens_of:
            return self._tokens_of[name].longest
        lengths = self.trained.inputs.streams[name].lengths
        length = self.trained.model.fusion.inputs[name].length
        return length or 0 if lengths is None else int(lengths.max(initial=1))

    def _tokens(self, name: str, rows: Rows) -> Tokens:
        """Tokens of some rows on the device; missing for -1."""
        here = torch.from_numpy(rows != MISSING)
        rows = np.where(rows == MISSING, self._rows[0], rows)
        if name in self._tokens_of:
            tokens = self._tokens_of[name].read(self._place[rows])
        else:
            tokens = as_tokens(self.trained.inputs.streams[name].batch(rows))
        tokens = tokens if here.all() else mask_modality(tokens, here)
        return Tokens(*(part.to(self.trained.device) for part in tokens))

    def _encode_all(self, name: str) -> FixedTokens | RaggedTokens:
        stream, folder = self.trained.inputs.streams[name], self.trained.store.path.parent
        encoded = (self.encode(name, stream.batch(part)) for part in batches(self._rows, _ENCODE_BATCH))
        on_cpu = (Tokens(*(part.cpu() for part in tokens)) for tokens in encoded)
        if self.trained.model.encoder(name).out.length is None:
            return RaggedTokens(on_cpu, self._stack, folder)
        return FixedTokens(on_cpu, len(self._rows), self._stack, folder)

    def encode(self, name: str, raw: Bags) -> Tokens:
        """Standardised instances of one modality ``(B, K, *shape)`` through its trained encoder."""
        with mixed_precision(self.trained.device):
            return encode_bag(self.trained.model.encoder(name), raw.to(self.trained.device))


def batches(rows: Rows, size: int) -> Iterator[Rows]:
    """Batches of ``size`` rows."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
