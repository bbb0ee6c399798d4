"""Covariances of the channels in the tangent space of their mean, by pyriemann."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmbench import Encoder, Modality, TokenSpec

Shrinkage = Literal["lwf", "oas"]
# Relative to the largest variance of a direction; smaller ones are rounding, as in average-referenced channels.
RANK_TOLERANCE = 1e-9
# Relative to the mean variance, added to every covariance: the logarithm is undefined for a window of zeros.
FLOOR = 1e-6


class TangentSpace(Encoder):
    """``log(M^-½ Σ M^-½)`` of the covariance Σ of each window: one token ``(1, C(C+1)/2)``.

    M is the Riemannian mean of the covariances in the training part; a token is the upper triangle, with off-diagonal
    elements times √2. Barachant et al. 2012, "Multiclass brain-computer interface classification by Riemannian
    geometry". Covariances are shrunk towards a multiple of the identity: ``lwf``, Ledoit and Wolf 2004, or ``oas``,
    Chen et al. 2010. If channels are linearly dependent, as average-referenced ones are, all of this is computed in the
    directions in which the training part has variance, and mapped back to the channels. There are no trained
    parameters; M is computed in ``adapt``, and is the identity before.
    """

    name = "tangent"
    kinds = ("timeseries",)

    reference: Tensor

    def __init__(self, modality: Modality, *, shrinkage: Shrinkage = "lwf") -> None:
        super().__init__(modality)
        self.shrinkage = shrinkage
        n_channels = modality.fixed_shape[0]
        self.register_buffer("reference", torch.eye(n_channels, dtype=torch.float64))
        self.out = TokenSpec(1, n_channels * (n_channels + 1) // 2)

    @torch.no_grad()
    def adapt(self, x: Tensor) -> None:
        """Set M to the Riemannian mean of the covariances of windows ``(n, C, T)``."""
        from pyriemann.geometry.mean import mean_riemann

        windows = to_numpy(x)
        centred = windows - windows.mean(axis=2, keepdims=True)
        pooled = np.einsum("nct,ndt->cd", centred, centred) / max(windows.shape[0] * windows.shape[2], 1)
        basis = directions(pooled)
        if not basis.shape[1]:
            return
        covariances = self._covariances(windows, basis, np.trace(pooled) / basis.shape[1])
        mean = basis @ mean_riemann(covariances) @ basis.T
        self.reference.copy_(torch.from_numpy(mean))

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Windows ``(n, C, T)`` to tokens ``(n, 1, C(C+1)/2)``; computed in double precision."""
        from pyriemann.geometry.tangentspace import log_map_riemann, upper

        reference = to_numpy(self.reference)
        basis = directions(reference)
        covariances = self._covariances(to_numpy(x), basis, np.trace(reference) / basis.shape[1])
        maps = basis @ log_map_riemann(covariances, basis.T @ reference @ basis) @ basis.T
        return torch.from_numpy(upper(maps)).to(x)[:, None]

    def _covariances(
        self, windows: NDArray[np.float64], basis: NDArray[np.float64], variance: float
    ) -> NDArray[np.float64]:
        """Shrunk covariances ``(n, r, r)`` in the directions of ``basis`` ``(C, r)``."""
        from pyriemann.geometry.covariance import covariances

        shrunk = covariances(basis.T @ windows, estimator=self.shrinkage)
        floored: NDArray[np.float64] = shrunk + FLOOR * variance * np.eye(basis.shape[1])
        return floored


def directions(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis ``(C, r)`` of the directions with variance."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors[:, values > RANK_TOLERANCE * values.max()]


def to_numpy(x: Tensor) -> NDArray[np.float64]:
    """The tensor as a NumPy array in double precision."""
    values: NDArray[np.float64] = x.detach().cpu().double().numpy()
    return values
