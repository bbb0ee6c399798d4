"""Loads a Swin from a checkpoint; its architecture is inferred from the weights."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmbench import SpecError, WeightsError, load_state_dict
from mmbench_milmer.swin_weight_names import Checkpoint, translate
from mmbench_milmer.swin_windows import WindowBlock
from mmbench_milmer.weight_shapes import check_fit

_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Architecture:
    """Sizes of a Swin: ``depths``, ``heads`` and ``windows`` by stage; ``patch`` in pixels, ``dim`` in features."""

    channels: int
    patch: int
    dim: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    windows: tuple[int, ...]
    mlp_ratio: float
    qkv_bias: bool

    @property
    def stride(self) -> int:
        """Side of a token in pixels."""
        return int(self.patch * 2 ** (len(self.depths) - 1))


class SwinTokens(nn.Module):
    """A Swin without its classifier: ``dim`` features D per token; ``net`` is timm's, for any image size."""

    def __init__(self, net: Any, architecture: Architecture) -> None:
        super().__init__()
        self.net = net
        self.architecture = architecture
        self.dim = int(net.num_features)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images ``(n, C, H, W)`` to tokens ``(n, T, D)``, row by row from the top left."""
        self.grid(*images.shape[-2:])
        patch = self.architecture.patch
        height, width = images.shape[-2:]
        features: Tensor = self.net.forward_features(F.pad(images, (0, -width % patch, 0, -height % patch)))
        return features.flatten(1, 2)

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of tokens of such an image; SpecError if a window is larger than its feature map."""
        rows, columns = (-(-side // self.architecture.patch) for side in (height, width))
        for stage, window in enumerate(self.architecture.windows):
            if stage:
                rows, columns = -(-rows // 2), -(-columns // 2)
            if min(rows, columns) < window:
                smallest = self.architecture.patch * 2**stage * window
                raise SpecError(
                    f"{height} × {width} px give a map of {rows} × {columns}, smaller than the window of {window}",
                    where="swin",
                    remedy=f"use images of {smallest} × {smallest} px or more",
                )
        return rows, columns


def load_swin(
    source: str | Path | Mapping[str, Tensor], *, drop_path: float = 0.0, part: str | None = None
) -> SwinTokens:
    """A Swin transformer (Liu et al. 2021, 2103.14030) from a checkpoint, in evaluation mode.

    ``source`` is a file (.safetensors, .bin, .pt), a folder with ``model.safetensors`` or ``pytorch_model.bin``, or a
    state dict, in the names of Hugging Face's SwinModel or SwinForImageClassification or of timm. The architecture
    is inferred from the weights; a classifier is omitted. Returns a module from normalised images ``(n, 3, H, W)`` to
    tokens ``(n, T, D)``, float32. ``drop_path`` is the rate of stochastic depth should it be trained, ``part``
    the name or prefix of one model of a file that holds several, such as a student and a teacher. Raises WeightsError
    naming the keys and shapes that do not fit.
    """
    where, state = ("the state dict", source) if isinstance(source, Mapping) else _read(Path(source), part)
    checkpoint = translate(state, where, part)
    architecture = infer(checkpoint.state, where)
    net = _build(architecture, checkpoint, drop_path)
    check_fit(checkpoint.state, net.state_dict(), where)
    net.load_state_dict(checkpoint.state)
    return SwinTokens(net, architecture).eval()


def _read(path: Path, part: str | None) -> tuple[str, Mapping[str, Tensor]]:
    inside = [path / name for name in _FILES if (path / name).is_file()]
    file = inside[0] if inside else path
    return str(file), load_state_dict(file, part)


def infer(state: Mapping[str, Tensor], where: str) -> Architecture:
    """Infer the architecture from weights in timm's names."""
    patch = state["patch_embed.proj.weight"]
    depths = _count_blocks(state, where)
    tables = [_table(state, stage, where) for stage in range(len(depths))]
    fc1 = state.get("layers.0.blocks.0.mlp.fc1.weight")
    if patch.ndim != 4 or fc1 is None or fc1.ndim != 2:
        raise WeightsError(
            "patch_embed.proj.weight or layers.0.blocks.0.mlp.fc1.weight is not that of a Swin", where=where
        )
    return Architecture(
        channels=patch.shape[1],
        patch=patch.shape[-1],
        dim=patch.shape[0],
        depths=depths,
        heads=tuple(table.shape[1] for table in tables),
        windows=tuple((math.isqrt(table.shape[0]) + 1) // 2 for table in tables),
        mlp_ratio=fc1.shape[0] / fc1.shape[1],
        qkv_bias="layers.0.blocks.0.attn.qkv.bias" in state,
    )


def _count_blocks(state: Mapping[str, Tensor], where: str) -> tuple[int, ...]:
    matches = (re.match(r"layers\.(\d+)\.blocks\.(\d+)\.", key) for key in state)
    positions = {(int(match[1]), int(match[2])) for match in matches if match}
    stages = sorted({stage for stage, _ in positions})
    depths = tuple(sum(1 for other, _ in positions if other == stage) for stage in stages)
    if not depths or stages != list(range(len(stages))):
        raise WeightsError(
            f"has blocks in the stages {stages}", where=where, remedy="give the weights of one whole model"
        )
    return depths


def _table(state: Mapping[str, Tensor], stage: int, where: str) -> Tensor:
    """The relative-position table of a stage: (2w-1)² rows for a square window w, one column per head."""
    key = f"layers.{stage}.blocks.0.attn.relative_position_bias_table"
    table = state.get(key)
    if table is None:
        raise WeightsError(f"lacks {key}", where=where, remedy="give the weights of one whole model")
    side = math.isqrt(len(table)) if table.ndim == 2 else 0
    if side * side != len(table) or side % 2 == 0:
        raise WeightsError(
            f"{key} {tuple(table.shape)} does not belong to a square window",
            where=where,
            remedy="give weights for square images",
        )
    return table


def _build(architecture: Architecture, checkpoint: Checkpoint, drop_path: float) -> Any:
    from timm.models.swin_transformer import SwinTransformer, WindowAttention

    window = max(architecture.windows)
    with torch.random.fork_rng(devices=[]):  # its random weights are replaced; other random numbers stay the same
        net = SwinTransformer(
            img_size=architecture.stride * window,  # the smallest size at which timm reduces no window
            patch_size=architecture.patch,
            in_chans=architecture.channels,
            num_classes=0,
            embed_dim=architecture.dim,
            depths=architecture.depths,
            num_heads=architecture.heads,
            window_size=window,
            mlp_ratio=architecture.mlp_ratio,
            qkv_bias=architecture.qkv_bias,
            drop_path_rate=drop_path,
            strict_img_size=False,
        )
    for stage, size, heads in zip(net.layers, architecture.windows, architecture.heads, strict=True):
        for block in stage.blocks:
            if size != window:
                block.attn = WindowAttention(block.dim, heads, window_size=size, qkv_bias=architecture.qkv_bias)
        stage.blocks = nn.Sequential(
            *(
                WindowBlock(block, shifted=index % 2 == 1, hugging_face=checkpoint.layout == "Hugging Face")
                for index, block in enumerate(stage.blocks)
            )
        )
    return net
