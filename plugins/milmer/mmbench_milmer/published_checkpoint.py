"""The fusion's part of a state dict of Milmer's public model class: found, compared with options, loaded."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmbench import Modality, SpecError, WeightsError, load_state_dict
from mmbench_milmer.published_fusion import Layers, PublishedFusion, Sizes
from mmbench_milmer.weight_shapes import check_fit

BACKBONE = "swin_model."
_EEG = ("layernorm.", "eeg_proj.")
# Part of every state dict of the public class, whatever options were chosen.
_OPTIONAL = ("cls_token", "query_tokens", "cross_attention.", "mlp_", "instance_weights", "amil_", "topk_")
_REMEDY = "give a state dict saved by the public model class"


class Shape(NamedTuple):
    """Sizes that a state dict determines: T tokens an image (0: it has no scorer), features, outputs, layers."""

    length: int
    dim: int
    n_outputs: int
    depth: int
    ff: int
    queries: int | None
    n_instances: int | None


def read_public_state(path: str) -> dict[str, Tensor]:
    """The state dict of a public model in a file; WeightsError if it is none."""
    state = {key.removeprefix("module."): value for key, value in load_state_dict(path).items()}
    read_shape(state, path)
    if not any(key.startswith(BACKBONE) for key in state):
        raise WeightsError(f"has no weights {BACKBONE}*", where=path, remedy=_REMEDY)
    for key in _EEG:
        require(state, f"{key}weight", path)
    return state


def read_shape(state: Mapping[str, Tensor], where: str) -> Shape:
    """The sizes of a public model; WeightsError if the state dict is none."""
    classifier = require(state, "classifier.weight", where, 2)
    n_outputs, dim = classifier.shape
    ff, _ = require(state, "transformer_encoder.layers.0.linear1.weight", where, 2).shape
    depth = len({key.split(".")[2] for key in state if key.startswith("transformer_encoder.layers.")})
    scorer, queries, weights = (
        state.get(key) for key in ("topk_weight_proj.weight", "query_tokens", "instance_weights")
    )
    return Shape(
        # Without a scorer no weight depends on the number of tokens.
        length=0 if scorer is None or not scorer.ndim else scorer.shape[-1] // max(dim, 1),
        dim=dim,
        n_outputs=n_outputs,
        depth=depth,
        ff=ff,
        queries=None if queries is None or queries.ndim != 3 else queries.shape[1],
        n_instances=None if weights is None or not weights.ndim else weights.shape[-1],
    )


def require(state: Mapping[str, Tensor], key: str, where: str, ndim: int | None = None) -> Tensor:
    """A tensor that every public model has; WeightsError if it is not there."""
    if key not in state:
        raise WeightsError(f"lacks {key}", where=where, remedy=_REMEDY)
    if ndim is not None and state[key].ndim != ndim:
        raise WeightsError(f"has {key} of shape {tuple(state[key].shape)}", where=where, remedy=_REMEDY)
    return state[key]


def encoder_specs(modalities: tuple[Modality, ...], path: str, *, dim: str, frozen: bool) -> dict[str, str]:
    """The encoders of a public checkpoint, by modality: for one of time series and one of images."""
    kinds = sorted(modality.kind for modality in modalities)
    if kinds != ["image", "timeseries"]:
        given = ", ".join(f"{modality.name} ({modality.kind})" for modality in modalities)
        raise SpecError(
            f"the public checkpoint reads one modality of images and one of time series, not {given or 'none'}",
            where="milmer[checkpoint=FILE]",
            remedy="choose two with --modalities" if len(modalities) > 2 else "leave checkpoint out",
        )
    text = str(frozen).lower()
    quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
    specs = {
        "timeseries": f"milmer-eeg[dim={dim},channel_embedding=false,weights={quoted},frozen={text}]",
        "image": f"swin[weights={quoted},size=auto,frozen={text}]",
    }
    return {modality.name: specs[modality.kind] for modality in modalities}


def load_fusion(fusion: PublishedFusion, state: Mapping[str, Tensor], where: str) -> None:
    """Give a fusion on the meta device the weights of a public model, without copying float32 tensors.

    Raises WeightsError naming the keys and shapes that do not fit.
    """
    state = {key: value.float() for key, value in state.items() if not key.startswith((BACKBONE, *_EEG))}
    expected = {key: value for key, value in fusion.state_dict().items() if key != "cls_token"}
    check_fit(
        {key: value for key, value in state.items() if key in expected or not key.startswith(_OPTIONAL)},
        expected,
        where,
    )
    fusion.load_state_dict({key: state[key] for key in expected}, strict=False, assign=True)
    dim = fusion.sizes.dim
    # Absent if the model was trained on CUDA; it then keeps its initial value.
    token = state.get("cls_token", torch.zeros(1, 1, dim))
    check_fit({"cls_token": token}, {"cls_token": torch.empty(1, 1, dim)}, where)
    fusion.cls_token = nn.Parameter(token) if "cls_token" in state else token


def check_options(shape: Shape, sizes: Sizes, layers: Layers, attends: bool, where: str) -> None:
    """Raise SpecError for the first option that the weights contradict; ``attends``: with cross-attention."""
    options = {
        "dim": (sizes.dim, shape.dim),
        "depth": (layers.depth, shape.depth),
        "ff": (layers.ff, shape.ff),
        "queries": (layers.queries, shape.queries if attends else None),
    }
    for name, (given, found) in options.items():
        if found is not None and given != found:
            raise SpecError(
                f"{name} is {given}, but {found} in the checkpoint", where=where, remedy=f"set milmer[{name}={found}]"
            )
    data = {
        "outputs, but the task has": (sizes.n_outputs, shape.n_outputs),
        "frames in a bag, but the dataset has": (sizes.n_instances, shape.n_instances),
        "tokens an image, but the face encoder gives": (sizes.length, shape.length or None),
    }
    for words, (given, found) in data.items():
        if found is not None and given != found:
            raise WeightsError(
                f"is for {found} {words} {given}",
                where=where,
                remedy="score it on data like those it was trained on",
            )
