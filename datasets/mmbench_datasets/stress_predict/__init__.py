"""Stress-Predict: four signals of a wristband under three tasks that cause stress, and at rest."""

from mmbench_datasets.stress_predict.dataset import StressPredict as StressPredict

__all__ = ["StressPredict"]
