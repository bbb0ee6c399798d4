"""Convolutional networks of braindecode as encoders; it is imported only when one is built."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mmbench import Choice, Encoder, Float, Int, Modality, SpecError, TokenSpec
from mmbench_neuro.resampling import Resample

# Of the classifier, which is taken off: as small as may be, and without the softmax that braindecode warns of.
OPEN = {"final_conv_length": 1, "add_log_softmax": False}
MOMENTUM = 0.1
INSTALL = 'pip install "mmbench-neuro[braindecode]"'


class Convolutional(Encoder):
    """The feature map before the classifier of a network of braindecode, one token a step of time: ``(T', D)``.

    The kernels are as many samples long as in the paper, hence windows are brought to ``own_rate``, in Hz, for
    which they were chosen, or to ``rate``. A window needs ``shortest`` samples at that rate. Raises SpecError for a
    shorter one, a modality without a rate, or where braindecode is missing.
    """

    kinds = ("timeseries",)
    own_rate: ClassVar[float] = 250.0
    shortest: ClassVar[int]

    def __init__(
        self, modality: Modality, model: str, rate: float | None, dropout: float, options: Mapping[str, object]
    ) -> None:
        super().__init__(modality)
        rate = self.own_rate if rate is None else rate
        if not rate > 0:
            raise SpecError(f"rate is {rate}", where=self.name, remedy="give a rate in Hz, or leave it out")
        if not 0 <= dropout < 1:
            raise SpecError(f"dropout is {dropout}", where=self.name, remedy="give a number from 0 to below 1")
        self.resample = Resample(from_rate=rate_of(modality, self.name), rate=rate)
        n_times = self.resample.length(modality.shape[1])
        self._check_window(n_times, rate)
        self.network = create_network(
            model, {"n_chans": modality.shape[0], "n_times": n_times, "drop_prob": dropout, **options}, self.name
        )
        with torch.no_grad():
            tokens = self.eval()(torch.zeros(1, *modality.shape))
        self.out = TokenSpec(tokens.shape[1], tokens.shape[2])
        self.train()

    def forward(self, x: Tensor) -> Tensor:
        """Windows ``(n, C, T)`` to tokens ``(n, T', D)``."""
        features: Tensor = self.network(self.resample(x))
        return features if features.ndim == 3 else features.flatten(2).transpose(1, 2)

    def _check_window(self, n_times: int, rate: float) -> None:
        if n_times < self.shortest:
            raise SpecError(
                f"windows of {n_times / rate:.3g} s are too short, it needs {self.shortest / rate:.3g} s "
                f"({self.shortest} samples at {rate:g} Hz)",
                where=f"{self.name} on {self.modality.name}",
                remedy="take longer windows or another encoder",
            )


class EEGNet(Convolutional):
    """EEGNet: temporal, depthwise spatial and separable convolutions; ``filters``·``depth`` features a step.

    Lawhern et al. 2018, "EEGNet: a compact convolutional neural network for EEG-based brain-computer interfaces"
    (arXiv 1611.08024), for 128 Hz, the first kernel half a second long. A step of time is 32 samples. The statistics
    that batch norms keep for evaluation move by a tenth a step, as in the other networks; by a hundredth, as in
    braindecode, they lag behind the weights for hundreds of steps, and validation would see another network.
    """

    name = "eegnet"
    own_rate = 128.0
    shortest = 27
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
        at_least_one(self.name, filters=filters, depth=depth)
        options = {"F1": filters, "D": depth, "F2": filters * depth}
        super().__init__(modality, "EEGNetv4", rate, dropout, options)
        for layer in self.network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = MOMENTUM


class Shallow(Convolutional):
    """ShallowConvNet: the logarithm of the power behind ``filters`` temporal and spatial filters.

    Schirrmeister et al. 2017, "Deep learning with convolutional neural networks for EEG decoding and visualization"
    (arXiv 1703.05051), for 250 Hz. A step of time is 15 samples.
    """

    name = "shallow"
    shortest = 99
    space: ClassVar = {"filters": Int(10, 80, log=True), "dropout": Float(0.1, 0.6)}

    def __init__(
        self, modality: Modality, *, filters: int = 40, dropout: float = 0.5, rate: float | None = None
    ) -> None:
        at_least_one(self.name, filters=filters)
        options = {"n_filters_time": filters, "n_filters_spat": filters, **OPEN}
        super().__init__(modality, "ShallowFBCSPNet", rate, dropout, options)


class Deep4(Convolutional):
    """DeepConvNet: four blocks of convolution and pooling, of 1, 2, 4 and 8 times ``filters`` features.

    Schirrmeister et al. 2017 (arXiv 1703.05051), for 250 Hz. A step of time is 81 samples.
    """

    name = "deep4"
    shortest = 441
    space: ClassVar = {"filters": Int(8, 50, log=True), "dropout": Float(0.1, 0.6)}

    def __init__(
        self, modality: Modality, *, filters: int = 25, dropout: float = 0.5, rate: float | None = None
    ) -> None:
        at_least_one(self.name, filters=filters)
        options = {
            "n_filters_time": filters,
            "n_filters_spat": filters,
            "n_filters_2": 2 * filters,
            "n_filters_3": 4 * filters,
            "n_filters_4": 8 * filters,
            **OPEN,
        }
        super().__init__(modality, "Deep4Net", rate, dropout, options)


class Conformer(Convolutional):
    """EEG-Conformer: temporal and spatial filters, then ``depth`` layers of self-attention over steps of time.

    Song et al. 2023, "EEG Conformer: convolutional transformer for EEG decoding and visualization" (IEEE Transactions
    on Neural Systems and Rehabilitation Engineering 31), for 250 Hz. ``heads`` must divide ``dim``. A step of time is
    15 samples.
    """

    name = "conformer"
    shortest = 99
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
        at_least_one(self.name, dim=dim, depth=depth, heads=heads)
        if dim % heads:
            raise SpecError(f"{heads} heads do not divide dim {dim}", where=self.name, remedy="choose other numbers")
        options = {
            "n_filters_time": dim,
            "att_depth": depth,
            "att_heads": heads,
            "att_drop_prob": dropout,
            "final_fc_length": 1,
            "add_log_softmax": False,
        }
        super().__init__(modality, "EEGConformer", rate, dropout, options)


def at_least_one(encoder: str, **params: int) -> None:
    """Raise SpecError for the first of ``params`` below 1."""
    for name, value in params.items():
        if value < 1:
            raise SpecError(f"{name} is {value}", where=encoder, remedy="give a whole number of at least 1")


def rate_of(modality: Modality, encoder: str) -> float:
    """The sampling rate in Hz."""
    if modality.rate is None:
        raise SpecError("has no sampling rate", where=modality.name, remedy=f"choose another encoder than {encoder}")
    return modality.rate


def create_network(model: str, options: Mapping[str, object], encoder: str) -> nn.Module:
    """Build braindecode's ``model`` and take its classifier off."""
    try:
        from braindecode import models
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
