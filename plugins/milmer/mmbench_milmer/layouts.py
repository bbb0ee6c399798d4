"""Translates the names of a Swin's weights from Hugging Face and older timm to current timm."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from mmbench import WeightsError, choose_prefix

Layout = Literal["Hugging Face", "timm"]

# Follow from the sizes of the windows and of the image; older versions saved them.
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
    """A Swin's weights in timm's names, without a classifier; ``layout`` is the one they came in."""

    state: dict[str, Tensor]
    layout: Layout


def translate(state: Mapping[str, Tensor], where: str, part: str | None = None) -> Checkpoint:
    """Find the Swin in a state dict, behind whatever prefix, and give its weights timm's names.

    Raises WeightsError about ``where`` when there is none, or several; ``part`` is what was chosen of the file.
    """
    prefix, layout = _find(state, where, part)
    own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    own = {key: value for key, value in own.items() if not key.startswith(_HEADS) and not key.endswith(_DERIVED)}
    if layout == "Hugging Face":
        own = _merge_late(_fuse(_rename(own), where))
    elif any(key.startswith("layers.0.downsample.") for key in own):
        own = _merge_late(own)
    return Checkpoint(own, layout)


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
                f"query, key and value of {key.replace('.attn.q.', '.attn.')} are not all there in one shape",
                where=where,
                remedy="give the weights of one whole model",
            )
        fused[key.replace(".attn.q.", ".attn.qkv.")] = torch.cat([part for part in parts if part is not None])
    return fused


def _merge_late(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Patch merging opens a stage in timm, where it once closed the one before."""

    def later(match: re.Match[str]) -> str:
        return f"layers.{int(match[1]) + 1}.downsample."

    return {re.sub(r"^layers\.(\d+)\.downsample\.", later, key): value for key, value in state.items()}


def check_fit(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], where: str) -> None:
    """WeightsError that names every kind of misfit: keys that are missing, unknown, or of another shape."""
    misfits = [
        _named("missing", wanted.keys() - given.keys()),
        _named("unknown", given.keys() - wanted.keys()),
        _named(
            "of another shape",
            (
                f"{key} {tuple(given[key].shape)} for {tuple(wanted[key].shape)}"
                for key in given.keys() & wanted.keys()
                if given[key].shape != wanted[key].shape
            ),
        ),
    ]
    if any(misfits):
        raise WeightsError(
            f"does not fit: {'; '.join(filter(None, misfits))}",
            where=where,
            remedy="give the weights of one whole model",
        )


def _named(what: str, keys: Iterable[str], shown: int = 3) -> str:
    names = sorted(keys)
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{what}: {', '.join(names[:shown])}{more}" if names else ""
