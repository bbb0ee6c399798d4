"""Translates the names of a Swin's weights from Hugging Face and older timm to current timm."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from mmbench import WeightsError, choose_prefix

Layout = Literal["Hugging Face", "timm"]

# Computed from the sizes of the windows and of the image; older versions saved them.
_DERIVED = ("relative_position_index", "attn_mask")
_HEADS = ("head.", "classifier.", "pooler.", "embeddings.mask_token")
_FIRST: Mapping[str, Layout] = {
    "embeddings.patch_embeddings.projection.weight": "Hugging Face",
    "patch_embed.proj.weight": "timm",
}
# Both generations of Hugging Face's names; the longer ones come first.
_RENAMED = (
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^embeddings\.norm\.", "patch_embed.norm."),
    (r"^layernorm\.", "norm."),
    (r"^encoder\.layers\.", "layers."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.(output\.dense|o_proj)\.", ".attn.proj."),
    (
        r"\.attention\.(self|relative_position_bias)\.relative_position_bias_table$",
        ".attn.relative_position_bias_table",
    ),
    (r"\.attention\.(self\.query|q_proj)\.", ".attn.q."),
    (r"\.attention\.(self\.key|k_proj)\.", ".attn.k."),
    (r"\.attention\.(self\.value|v_proj)\.", ".attn.v."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
)


class Checkpoint(NamedTuple):
    """A Swin's weights in timm's names, without a classifier; ``layout`` is that of the file."""

    state: dict[str, Tensor]
    layout: Layout


def translate(state: Mapping[str, Tensor], where: str, part: str | None = None) -> Checkpoint:
    """Find the Swin in a state dict, under any prefix, and give its weights timm's names.

    Raises WeightsError about ``where`` if there is none, or several; ``part`` is the model chosen from the file.
    """
    prefix, layout = _find(state, where, part)
    weights = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    weights = {
        key: value for key, value in weights.items() if not key.startswith(_HEADS) and not key.endswith(_DERIVED)
    }
    if layout == "Hugging Face":
        weights = _move_downsampling(_fuse(_rename(weights), where))
    elif any(key.startswith("layers.0.downsample.") for key in weights):
        weights = _move_downsampling(weights)
    return Checkpoint(weights, layout)


def _find(state: Mapping[str, Tensor], where: str, part: str | None) -> tuple[str, Layout]:
    prefix = choose_prefix(state, [[first] for first in _FIRST], where, part)
    for first, layout in _FIRST.items() if prefix is not None else ():
        if f"{prefix}{first}" in state:
            return prefix or "", layout
    names = ", ".join(sorted(state)[:3])
    raise WeightsError(
        f"holds no Swin, but {len(state)} tensors such as {names}",
        where=where,
        remedy=f"give weights with {' or '.join(_FIRST)}",
    )


def _rename(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for key, value in state.items():
        for pattern, replacement in _RENAMED:
            key = re.sub(pattern, replacement, key)
        renamed[key] = value
    return renamed


def _fuse(state: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Query, key and value as one projection, in this order."""
    fused = {key: value for key, value in state.items() if not re.search(r"\.attn\.[qkv]\.", key)}
    for key in state:
        if ".attn.q." not in key:
            continue
        parts = [state.get(key.replace(".attn.q.", f".attn.{letter}.")) for letter in "qkv"]
        if any(part is None or part.shape[1:] != state[key].shape[1:] for part in parts):
            raise WeightsError(
                f"query, key and value of {key.replace('.attn.q.', '.attn.')} are incomplete or differ in shape",
                where=where,
                remedy="give the weights of one whole model",
            )
        fused[key.replace(".attn.q.", ".attn.qkv.")] = torch.cat([part for part in parts if part is not None])
    return fused


def _move_downsampling(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Number patch merging as the first layer of a stage, as timm does; it was the last one of the stage before."""

    def next_stage(match: re.Match[str]) -> str:
        return f"layers.{int(match[1]) + 1}.downsample."

    return {re.sub(r"^layers\.(\d+)\.downsample\.", next_stage, key): value for key, value in state.items()}
