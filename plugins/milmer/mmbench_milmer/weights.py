"""Weights of a Swin from a file in timm's names."""

from collections.abc import Iterable

from torch import Tensor, nn

from mmbench import WeightsError, load_state_dict

# Derived from the image size by timm; older versions saved them.
_BUFFERS = ("relative_position_index", "attn_mask")


def fit_weights(net: nn.Module, path: str) -> None:
    """Load the file at ``path`` into ``net``; WeightsError names every kind of misfit. A classifier is ignored."""
    given = {
        key: value
        for key, value in load_state_dict(path).items()
        if not key.startswith("head.") and not key.endswith(_BUFFERS)
    }
    _refuse_hugging_face(given, path)
    wanted = net.state_dict()
    misfits = [
        _named("missing", wanted.keys() - given.keys()),
        _named("unknown", given.keys() - wanted.keys()),
        _named("of another shape", _misshapen(given, wanted)),
    ]
    if any(misfits):
        raise WeightsError(
            f"does not fit: {'; '.join(filter(None, misfits))}",
            where=path,
            remedy="give the weights of this model at this image size, in timm's names",
        )
    net.load_state_dict(given)


def _refuse_hugging_face(state: dict[str, Tensor], path: str) -> None:
    if any("embeddings.patch_embeddings." in key for key in state):
        raise WeightsError(
            "is in Hugging Face's SwinModel layout, which is not read yet",
            where=path,
            remedy="give a file in timm's names (patch_embed.proj.weight, layers.0.blocks.0. ...)",
        )


def _misshapen(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> list[str]:
    return [
        f"{key} {tuple(given[key].shape)} for {tuple(wanted[key].shape)}"
        for key in given.keys() & wanted.keys()
        if given[key].shape != wanted[key].shape
    ]


def _named(what: str, keys: Iterable[str], shown: int = 3) -> str:
    names = sorted(keys)
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{what}: {', '.join(names[:shown])}{more}" if names else ""
