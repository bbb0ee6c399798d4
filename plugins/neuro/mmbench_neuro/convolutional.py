"""Convolutional networks of braindecode as encoders; braindecode is imported when one is built."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mmbench import Choice, Encoder, Float, Int, Modality, SpecError, TokenSpec
from mmbench_neuro.braindecode_models import import_models
from mmbench_neuro.resampling import Resample

# Options of the classifier, which is removed: the smallest one, without the softmax that braindecode warns of.
SMALL_CLASSIFIER = {"final_conv_length": 1, "add_log_softmax": False}
MOMENTUM = 0.1
INSTALL = 'pip install "mmbench-neuro[braindecode]"'


class Convolutional(Encoder):
    """The feature map before the classifier of a network of braindecode, one token per time step: ``(T', D)``.

    Kernels have the lengths of the paper in samples, so windows are resampled to ``paper_rate`` in Hz, that of the
    paper, or to ``rate``. A window needs ``min_samples`` samples at that rate. Raises SpecError for a shorter window, a
    modality without a rate, or if braindecode is not installed.
    """

    kinds = ("timeseries",)
    paper_rate: ClassVar[float] = 250.0
    min_samples: ClassVar[int]

    def __init__(
        self, modality: Modality, model: str, rate: float | None, dropout: float, options: Mapping[str, object]
    ) -> None:
        super().__init__(modality)
        rate = self.paper_rate if rate is None else rate
        if not rate > 0:
            raise SpecError(f"rate={rate} is not positive", where=self.name, remedy="set rate in Hz, or omit it")
        if not 0 <= dropout < 1:
            raise SpecError(f"dropout={dropout} is not a rate", where=self.name, remedy="set dropout from 0 to below 1")
        self.resample = Resample(from_rate=sampling_rate(modality, self.name), rate=rate)
        n_times = self.resample.length(modality.fixed_shape[1])
        self._check_window(n_times, rate)
        self.network = create_network(
            model, {"n_chans": modality.fixed_shape[0], "n_times": n_times, "drop_prob": dropout, **options}, self.name
        )
        with torch.no_grad():
            tokens = self.eval()(torch.zeros(1, *modality.fixed_shape))
        self.out = TokenSpec(tokens.shape[1], tokens.shape[2])
        self.train()

    def forward(self, x: Tensor) -> Tensor:
        """Windows ``(n, C, T)`` to tokens ``(n, T', D)``."""
        features: Tensor = self.network(self.resample(x))
        return features if features.ndim == 3 else features.flatten(2).transpose(1, 2)

    def _check_window(self, n_times: int, rate: float) -> None:
        if n_times < self.min_samples:
            raise SpecError(
                f"windows of {n_times / rate:.3g} s are too short: the encoder needs {self.min_samples / rate:.3g} s "
                f"({self.min_samples} samples at {rate:g} Hz)",
                where=f"{self.name} on {self.modality.name}",
                remedy="use longer windows or another encoder",
            )


class EEGNet(Convolutional):
    """EEGNet: temporal, depthwise spatial and separable convolutions; ``filters``·``depth`` features per step.

    Lawhern et al. 2018, "EEGNet: a compact convolutional neural network for EEG-based brain-computer interfaces"
    (arXiv 1611.08024), for 128 Hz, the first kernel half a second long. A time step has 32 samples. The momentum
    of batch norms is 0.1, as in the other networks; with 0.01, as in braindecode, the statistics for evaluation lag
    hundreds of steps behind the weights, and validation would assess another network.
    """

    name = "eegnet"
    paper_rate = 128.0
    min_samples = 27
    space: ClassVar = {"filters": Choice(4, 8, 16), "depth": Int(1, 4), "dropout": Float(0.1, 0.6)}

    def __init__(
        self,
        modality: Modality,
        *,
        filters: int = 8,
        depth: int = 2,
        dropout: float = 0.25,
        rate: float | None = None,
    ) -> None:
        check_positive(self.name, filters=filters, depth=depth)
        options = {"F1": filters, "D": depth, "F2": filters * depth}
        super().__init__(modality, "EEGNetv4", rate, dropout, options)
        for layer in self.network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = MOMENTUM


class Shallow(Convolutional):
    """ShallowConvNet: the logarithm of the power after ``filters`` temporal and spatial filters.

    Schirrmeister et al. 2017, "Deep learning with convolutional neural networks for EEG decoding and visualization"
    (arXiv 1703.05051), for 250 Hz. A time step has 15 samples.
    """

    name = "shallow"
    min_samples = 99
    space: ClassVar = {"filters": Int(10, 80, log=True), "dropout": Float(0.1, 0.6)}

    def __init__(
        self, modality: Modality, *, filters: int = 40, dropout: float = 0.5, rate: float | None = None
    ) -> None:
        check_positive(self.name, filters=filters)
        options = {"n_filters_time": filters, "n_filters_spat": filters, **SMALL_CLASSIFIER}
        super().__init__(modality, "ShallowFBCSPNet", rate, dropout, options)


class Deep4(Convolutional):
    """DeepConvNet: four blocks of convolution and pooling, of 1, 2, 4 and 8 times ``filters`` features.

    Schirrmeister et al. 2017 (arXiv 1703.05051), for 250 Hz. A time step has 81 samples.
    """

    name = "deep4"
    min_samples = 441
    space: ClassVar = {"filters": Int(8, 50, log=True), "dropout": Float(0.1, 0.6)}

    def __init__(
        self, modality: Modality, *, filters: int = 25, dropout: float = 0.5, rate: float | None = None
    ) -> None:
        check_positive(self.name, filters=filters)
        options = {
            "n_filters_time": filters,
            "n_filters_spat": filters,
            "n_filters_2": 2 * filters,
            "n_filters_3": 4 * filters,
            "n_filters_4": 8 * filters,
            **SMALL_CLASSIFIER,
        }
        super().__init__(modality, "Deep4Net", rate, dropout, options)


class Conformer(Convolutional):
    """EEG-Conformer: temporal and spatial filters, then ``depth`` layers of self-attention over time steps.

    Song et al. 2023, "EEG Conformer: convolutional transformer for EEG decoding and visualization" (IEEE Transactions
    on Neural Systems and Rehabilitation Engineering 31), for 250 Hz. ``heads`` must divide ``dim``. A time step has
    15 samples.
    """

    name = "conformer"
    min_samples = 99
    space: ClassVar = {"depth": Int(1, 6), "dropout": Float(0.1, 0.6)}

    def __init__(
        self,
        modality: Modality,
        *,
        dim: int = 40,
        depth: int = 6,
        heads: int = 10,
        dropout: float = 0.5,
        rate: float | None = None,
    ) -> None:
        check_positive(self.name, dim=dim, depth=depth, heads=heads)
        if dim % heads:
            raise SpecError(
                f"dim={dim} is not a multiple of heads={heads}", where=self.name, remedy=f"set dim={dim + -dim % heads}"
            )
        options = {
            "n_filters_time": dim,
            "att_depth": depth,
            "att_heads": heads,
            "att_drop_prob": dropout,
            "final_fc_length": 1,
            "add_log_softmax": False,
        }
        super().__init__(modality, "EEGConformer", rate, dropout, options)


def check_positive(encoder: str, **params: int) -> None:
    """Raise SpecError for the first of ``params`` below 1."""
    for name, value in params.items():
        if value < 1:
            raise SpecError(f"{name}={value} is too small", where=encoder, remedy=f"set {name} to 1 or more")


def sampling_rate(modality: Modality, encoder: str) -> float:
    """The sampling rate in Hz."""
    if modality.rate is None:
        raise SpecError("has no sampling rate", where=modality.name, remedy=f"use another encoder than {encoder}")
    return modality.rate


def create_network(model: str, options: Mapping[str, object], encoder: str) -> nn.Module:
    """Build braindecode's ``model`` without its classifier."""
    try:
        models = import_models()
    except ImportError as error:
        raise SpecError("braindecode is not installed", where=encoder, remedy=INSTALL) from error
    if not hasattr(models, model):
        raise SpecError(f"this version of braindecode has no {model}", where=encoder, remedy=INSTALL)
    network: Any = getattr(models, model)(n_outputs=1, **options)
    for name in ("fc", "final_layer"):
        if hasattr(network, name):
            setattr(network, name, nn.Identity())
    built: nn.Module = network
    return built
