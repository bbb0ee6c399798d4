"""Model around an estimator: tokens to arrays, and its fit on the training part."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor

from mmbench.contract import Encoder, Estimator, EstimatorContext, Fusion, Task, Tokens, TokenSpec, Training, overrides
from mmbench.data import Inputs, Labels, Rows
from mmbench.errors import TrainingError, UserError
from mmbench.registry import isolated_random_state
from mmbench.storage import is_out_of_memory
from mmbench.training.bag_encoding import adapt_encoder
from mmbench.training.model import Model

_CPU = torch.device("cpu")


class EstimatorFusion(Fusion):
    """An estimator in the place of a fusion: it has no parameters, and its outputs have no gradients."""

    def __init__(self, inputs: Mapping[str, TokenSpec], task: Task, estimator: Estimator) -> None:
        super().__init__(inputs, task.n_outputs)
        self.task = task
        self.estimator = estimator
        self.name = estimator.name  # type: ignore[misc]  # for error messages

    def fit(
        self,
        tokens: Mapping[str, Tokens],
        target: NDArray[np.generic],
        groups: NDArray[np.int64],
        seed: int,
        class_weights: bool = True,
    ) -> None:
        """Fit the estimator; random numbers of Python, NumPy and torch are drawn from ``seed``."""
        codes = np.unique(groups, return_inverse=True)[1].astype(np.int64)
        inputs = {name: spec for name, spec in sorted(self.inputs.items()) if spec.dim}
        context = EstimatorContext(self.task, codes, inputs, seed, class_weights)
        with self._errors("cannot be fitted"), isolated_random_state(seed), _limited_threads():
            self.estimator.fit(self._arrays(tokens), target.copy(), context)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)`` on the device of the tokens: float32, or float64 for values."""
        dtype = np.float64 if self.task.kind == "values" else np.float32
        with self._errors("cannot predict"), _limited_threads():
            outputs = np.array(self.estimator.predict(self._arrays(tokens)), dtype=dtype)
        return torch.from_numpy(outputs).to(next(iter(tokens.values())).x.device)

    def _arrays(self, tokens: Mapping[str, Tokens]) -> dict[str, NDArray[np.float32]]:
        """Tokens ``(B, K, T, D)`` of the modalities that are read, NaN where masked."""
        return {name: as_array(tokens[name]) for name in sorted(tokens) if self.inputs[name].dim}

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except (UserError, MemoryError):
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise TrainingError(
                f"{what} ({type(error).__name__}: {str(error).partition(chr(10))[0]})",
                where=f"estimator {self.estimator.name}",
                remedy="choose other parameters, or correct the estimator",
            ) from error


class EstimatorModel(Model):
    """An estimator on tokens of encoders without trained weights: frozen ones, or such as learn statistics in `adapt`.

    ``groups`` are codes ``(N,)`` of all rows: those of the groups that the protocol keeps whole.
    """

    fusion: EstimatorFusion

    def __init__(self, encoders: Mapping[str, Encoder], fusion: EstimatorFusion, groups: NDArray[np.int64]) -> None:
        super().__init__(encoders, fusion)
        self.groups = groups

    def outputs(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``; values are in units of the data already."""
        scale, self.scale = self.scale, None
        try:
            return super().outputs(tokens)
        finally:
            self.scale = scale

    def fit_estimator(
        self,
        inputs: Inputs,
        rows: Rows,
        labels: Labels,
        training: Training,
        seed: int,
        device: torch.device = _CPU,
    ) -> None:
        """Fit to some rows: those of the training part, or a few of them; encoders compute on ``device``."""
        self.to(device).eval()
        batch = inputs.batch(rows, device)
        for name in self.encoders:
            if overrides(self.encoder(name), "adapt", Encoder):
                adapt_encoder(self.encoder(name), batch[name])
        with torch.inference_mode():
            tokens = self.tokens(batch)
        self.fusion.fit(tokens, labels[rows], self.groups[rows], seed, training.class_weights)


def as_array(tokens: Tokens) -> NDArray[np.float32]:
    """Tokens ``(B, K, T, D)`` as float32 in new memory, NaN where masked."""
    there = (tokens.mask & tokens.present[..., None]).cpu()
    x = tokens.x.detach().float().cpu().masked_fill(~there[..., None], torch.nan)
    found: NDArray[Any] = x.numpy()
    return found


@contextmanager
def _limited_threads() -> Iterator[None]:
    """Limit the threads of numerical libraries to those of torch, which the host has set."""
    with threadpool_limits(limits=torch.get_num_threads()):
        yield
