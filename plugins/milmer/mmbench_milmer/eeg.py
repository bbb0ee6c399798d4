"""Milmer's encoders of time series: one token per channel, from the waveform or from its power spectrum."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmbench import Encoder, Modality, SpecError, TokenSpec, WeightsError, load_state_dict
from mmbench_milmer.options import EEGVariant
from mmbench_milmer.weight_shapes import check_fit

# Names of the weights in a state dict of the public model class.
_PUBLIC = {"layernorm.": "project.0.", "eeg_proj.": "project.1."}
# Below the noise of any sensor, even in volts: reached by constant channels only.
_POWER_FLOOR = 1e-20
BANDS = 8
"""Bands of the spectral variant unless the user says otherwise."""


class MilmerEEG(Encoder):
    """``(n, C, T)`` to one token per channel, ``(n, C, dim)``. Wang et al. 2026 (arXiv 2502.00547).

    ``variant="published"``: LayerNorm over time → Linear(T, dim) → ReLU, which is linear in the waveform and so finds
    what is locked to the start of a window, but no band power. ``variant="spectral"``, which is not in the paper: log
    power of ``bands`` (8) learned bands → a Linear(bands, dim) of each channel's own → ReLU, which finds band power,
    but nothing that is locked. With one map for all channels a transformer has to learn first which token is which.

    ``channel_embedding`` adds a learned vector to each channel's token; the published code has none, so that
    all later layers are invariant to the order of electrodes. ``weights=FILE`` reads a state dict of the public model
    class, whose other weights are ignored and which has no channel embedding, or a file of ``--save-encoder``.
    ``frozen`` keeps the weights, and caches the tokens.
    """

    name = "milmer-eeg"
    kinds = ("timeseries",)

    def __init__(
        self,
        modality: Modality,
        *,
        dim: int = 768,
        channel_embedding: bool = True,
        variant: EEGVariant = "published",
        bands: int | None = None,
        weights: str | None = None,
        frozen: bool = False,
    ) -> None:
        super().__init__(modality)
        if dim < 1:
            raise SpecError(f"dim={dim} is not a width", where=self.name, remedy="set dim to 1 or more")
        n_channels, n_times = modality.fixed_shape
        if variant == "spectral":
            bands = BANDS if bands is None else bands
            self.spectrum = BandPower(n_channels, n_times, bands)
            self.project = nn.Sequential(self.spectrum, LinearByChannel(n_channels, bands, dim), nn.ReLU())
        elif bands is not None:
            raise SpecError(f"bands={bands} has no effect", where=self.name, remedy="set variant=spectral, too")
        else:
            self.project = nn.Sequential(nn.LayerNorm(n_times), nn.Linear(n_times, dim), nn.ReLU())
        self.variant = variant
        self.channels = nn.Parameter(0.02 * torch.randn(n_channels, dim)) if channel_embedding else None
        self.out = TokenSpec(length=n_channels, dim=dim)
        if weights is not None:
            self._load(weights)
        elif frozen:
            raise SpecError(
                "frozen=true keeps random weights", where=self.name, remedy="give weights=FILE, too, or leave it out"
            )
        self.frozen = frozen
        if frozen:
            self.requires_grad_(False)

    def _load(self, path: str) -> None:
        """Read the weights of a file; WeightsError if they do not fit."""
        state = load_state_dict(path)
        public = read_public_eeg(state)
        own = self.state_dict()
        if public:
            if self.channels is not None:
                raise WeightsError(
                    "is of the public model class, which has no embedding of channels",
                    where=path,
                    remedy="write milmer-eeg[channel_embedding=false,weights=FILE]",
                )
            self._check_public(public, path)
            state = public
        elif not state.keys() & own.keys():
            raise WeightsError(
                f"holds no EEG encoder of Milmer, but {len(state)} tensors such as {', '.join(sorted(state)[:3])}",
                where=path,
                remedy="give a state dict saved by the public model class, or a file of --save-encoder",
            )
        check_fit(state, own, path)
        self.load_state_dict(state)

    def _check_public(self, state: Mapping[str, Tensor], path: str) -> None:
        """Raise UserError if windows or tokens have another size than in a state dict of the public class."""
        projection = state.get("project.1.weight")
        if projection is None or projection.ndim != 2:
            return  # `check_fit` names what is missing
        (dim, n_times), (own_dim, own_times) = projection.shape, (self.out.dim, self.modality.fixed_shape[1])
        if n_times != own_times:
            raise WeightsError(
                f"is for windows of {n_times} samples, but those of {self.modality.name!r} have {own_times}",
                where=path,
                remedy="set the window and the rate of the dataset that it was trained on",
            )
        if dim != own_dim:
            raise SpecError(f"dim is {own_dim}, but {dim} in the weights", where=path, remedy=f"set dim={dim}")

    def adapt(self, x: Tensor) -> None:
        """Standardise the log powers of the spectral variant by the training part ``(n, C, T)``."""
        if self.variant == "spectral":
            self.spectrum.standardize(x)

    def forward(self, x: Tensor) -> Tensor:
        """``(n, C, T)`` to ``(n, C, dim)``."""
        tokens: Tensor = self.project(x)
        return tokens if self.channels is None else tokens + self.channels


def read_public_eeg(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The EEG encoder's weights in a state dict of the public model class, in the names of `MilmerEEG`."""
    found = {}
    for key, value in state.items():
        name = key.removeprefix("module.")
        for public, own in _PUBLIC.items():
            if name.startswith(public):
                found[own + name.removeprefix(public)] = value.float()
    return found


class BandPower(nn.Module):
    """Log power in bands whose centres and widths are learned: ``(n, C, T)`` to ``(n, C, bands)``.

    Bands are normal densities over the logarithm of the frequency. At first their centres are evenly spaced on it, from
    two cycles in a window to 0.8 of half the rate, and neighbours meet at half height. Powers are those under a Hann
    window. After `standardize` each channel and band has mean 0 and standard deviation 1 over the training part.
    """

    mean: Tensor
    spread: Tensor
    taper: Tensor
    logs: Tensor

    def __init__(self, n_channels: int, n_times: int, bands: int) -> None:
        super().__init__()
        highest = n_times // 2
        if not 1 <= bands <= highest // 2:
            raise SpecError(
                f"bands={bands} does not fit windows of {n_times} samples",
                where=MilmerEEG.name,
                remedy=f"choose 1 to {highest // 2}" if highest > 1 else "choose longer windows",
            )
        edges = torch.linspace(torch.tensor(2.0).log().item(), torch.tensor(0.8 * highest).log().item(), bands + 1)
        self.centres = nn.Parameter((edges[1:] + edges[:-1]) / 2)
        # A normal density falls to half its height at 1.177 standard deviations.
        self.log_widths = nn.Parameter(((edges[1:] - edges[:-1]) / 2 / 1.177).log())
        self.register_buffer("mean", torch.zeros(n_channels, bands))
        self.register_buffer("spread", torch.ones(n_channels, bands))
        self.register_buffer("taper", torch.hann_window(n_times, periodic=False), persistent=False)
        self.register_buffer("logs", torch.arange(1, highest + 1).float().log(), persistent=False)

    def standardize(self, x: Tensor) -> None:
        """Take means and standard deviations from windows ``(n, C, T)``."""
        with torch.no_grad():
            powers = torch.cat([self._log_powers(part) for part in torch.split(x, 256)])
            self.mean.copy_(powers.mean(0))
            self.spread.copy_(powers.std(0, correction=0))
            self.spread[self.spread < 1e-6] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """Windows ``(n, C, T)`` to standardised log powers ``(n, C, bands)``."""
        return (self._log_powers(x) - self.mean) / self.spread

    def _log_powers(self, x: Tensor) -> Tensor:
        centred = x - x.mean(dim=-1, keepdim=True)
        power = torch.fft.rfft(centred * self.taper)[..., 1:].abs().square()
        weights = (-0.5 * ((self.logs - self.centres[:, None]) / self.log_widths.exp()[:, None]).square()).exp()
        bands: Tensor = power @ (weights / weights.sum(1, keepdim=True)).T
        return bands.clamp_min(_POWER_FLOOR).log()


class LinearByChannel(nn.Module):
    """A linear layer of its own for each channel: ``(n, C, inputs)`` to ``(n, C, outputs)``."""

    def __init__(self, n_channels: int, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        bound = n_inputs**-0.5  # that of nn.Linear
        self.weight = nn.Parameter(torch.empty(n_channels, n_inputs, n_outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_channels, n_outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer of each channel."""
        return torch.einsum("nci,cio->nco", x, self.weight) + self.bias
