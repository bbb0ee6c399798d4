"""Frame encoder and temporal head for videos."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from mmbench import Encoder, Int, Modality, TokenSpec, make_encoder
from mmbench.builtin.arguments import at_least
from mmbench.builtin.encoders.image import TimmImages
from mmbench.builtin.encoders.masks import masked_mean, prefix_mask
from mmbench.builtin.encoders.pixels import Pixels

_KERNEL = 3
_FRAMES_PER_PASS = 64


class Frames(Encoder):
    """A video as the frames that an image encoder sees, and a head over their course.

    ``encoder`` is ``timm`` or ``pixels`` with their parameters, such as ``timm[model=resnet18,frozen=true]``; the
    tokens of a frame are averaged. ``head=mean`` averages the frames to one token, ``head=gru`` gives the last states
    of a recurrent network in both directions as one token ``(1, dim)``, ``head=conv`` a token ``(1, dim)`` for each
    frame, from its neighbours. With ``head=mean`` and a frozen encoder, tokens are computed once and cached.
    """

    name = "frames"
    kinds = ("video",)
    space: ClassVar = {"dim": Int(16, 256, log=True)}
    conformance: ClassVar = {"encoder": "timm[model=test_resnet]"}

    def __init__(
        self,
        modality: Modality,
        *,
        encoder: str = "timm[model=resnet18]",
        head: Literal["mean", "gru", "conv"] = "gru",
        dim: int = 64,
    ) -> None:
        super().__init__(modality)
        at_least(2, dim=dim)
        length, *shape = modality.shape
        picture = Modality(modality.name, "image", tuple(shape), resize=modality.resize)
        self.encoder = make_encoder(encoder, picture, (TimmImages, Pixels), where=f"frames[encoder={encoder}]")
        width = self.encoder.out.dim
        self.head = head
        self.gru = nn.GRU(width, dim // 2, batch_first=True, bidirectional=True) if head == "gru" else None
        self.convolution = nn.Conv1d(width, dim, _KERNEL, padding=_KERNEL // 2) if head == "conv" else None
        self.frozen = self.encoder.frozen and head == "mean"
        dims = {"mean": width, "gru": dim // 2 * 2, "conv": dim}
        self.out = TokenSpec(length if head == "conv" else 1, dims[head])

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Videos uint8 ``(n, F, 3, H, W)`` to tokens ``(n, T, D)``, with their mask for ``conv`` and open lengths."""
        ends = torch.full((len(x),), x.shape[1], device=x.device) if lengths is None else lengths
        mask = prefix_mask(ends, x.shape[1])
        frames = self._encode_frames(x, mask)
        if self.gru is not None:
            packed = pack_padded_sequence(frames, ends.cpu(), batch_first=True, enforce_sorted=False)
            _, last = self.gru(packed)
            return torch.cat([last[-2], last[-1]], dim=-1)[:, None]
        if self.convolution is None:
            return masked_mean(frames, mask)[:, None]
        tokens: Tensor = nn.functional.gelu(self.convolution(frames.transpose(1, 2))).transpose(1, 2)
        tokens = tokens * mask[..., None]
        return tokens if lengths is None else (tokens, mask)

    def _encode_frames(self, x: Tensor, mask: Tensor) -> Tensor:
        """Frames ``(n, F, D)``, zero beyond their end; those are not encoded."""
        pictures = x[mask]
        # All frames of a batch at once would take gigabytes; for gradients, all are kept anyway.
        step = len(pictures) if torch.is_grad_enabled() and not self.encoder.frozen else _FRAMES_PER_PASS
        parts = [self.encoder(part).mean(dim=1) for part in torch.split(pictures, max(1, step))]
        encoded = torch.cat(parts)
        frames = encoded.new_zeros(*mask.shape, encoded.shape[-1])
        frames[mask] = encoded
        return frames
