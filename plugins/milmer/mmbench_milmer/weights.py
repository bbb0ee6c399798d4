"""Weights of a Swin: from timm's hub, or from a file in timm's names."""

import urllib.error
import urllib.request
from collections.abc import Iterable

from torch import Tensor, nn

from mmbench import WeightsError, load_state_dict

_PROBE_S = 5.0
# Derived from the image size by timm; older versions saved them.
_BUFFERS = ("relative_position_index", "attn_mask")


def fetch_pretrained(model: str) -> str:
    """The path of timm's pretrained weights of ``model``, downloaded on first use; WeightsError when out of reach."""
    import timm
    from huggingface_hub import hf_hub_download

    config = timm.get_pretrained_cfg(model)
    if not config or not config.hf_hub_id:
        raise _unreachable(model, "timm's hub has none of that name")
    source = {"repo_id": config.hf_hub_id, "filename": config.hf_hub_filename or "model.safetensors"}
    try:
        return str(hf_hub_download(**source, local_files_only=True))
    except OSError:
        _probe(model)
    try:
        return str(hf_hub_download(**source))
    except Exception as error:
        raise _unreachable(model, f"{type(error).__name__} while downloading") from error


def _probe(model: str) -> None:
    """One short knock, since the hub's own client tries for most of a minute before it gives up."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise _unreachable(model, "HF_HUB_OFFLINE is set and they are not in the cache")
    try:
        urllib.request.urlopen(constants.ENDPOINT, timeout=_PROBE_S).close()
    except urllib.error.HTTPError as answer:
        answer.close()
    except OSError as error:
        raise _unreachable(model, "no network, and they are not in the cache") from error


def _unreachable(model: str, reason: str) -> WeightsError:
    return WeightsError(
        f"the pretrained weights are out of reach ({reason})",
        where=f"swin[model={model}]",
        remedy="choose pretrained=true with a network, weights=FILE, or pretrained=false for random weights",
    )


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
