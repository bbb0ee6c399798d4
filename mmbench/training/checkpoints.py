"""Weights of trained models: saved beside their records, checked and restored."""

import hashlib
from pathlib import Path

import torch
from torch import nn

from mmbench.errors import RecordError
from mmbench.storage import check_free_space, make_folder, written_whole

SUFFIX = ".safetensors"
_AGAIN = "delete this fold's record and run the same command again"


def weights_path(record: Path) -> Path:
    """The file of the weights that belong to a record."""
    return record.with_suffix(SUFFIX)


def weights_size(module: nn.Module) -> int:
    """The size of a module's weights and buffers in bytes."""
    return sum(tensor.nbytes for tensor in module.state_dict().values())


def weights_digest(module: nn.Module) -> str:
    """SHA-256 over the names, types and bytes of a module's state dict."""
    total = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        if not isinstance(tensor, torch.Tensor):  # from `get_extra_state`
            continue
        total.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        total.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def save_weights(path: Path, module: nn.Module) -> str:
    """Write the state of ``module`` atomically; returns the SHA-256 of the file."""
    from safetensors.torch import save_model

    make_folder(path.parent)
    check_free_space(path, weights_size(module))
    with written_whole(path) as temporary:
        save_model(module, str(temporary))
        return _digest(temporary)


def check_weights_file(path: Path, size: int) -> None:
    """Raise RecordError if a file of weights is missing or smaller than ``size`` bytes, the size of the network.

    To be called before the network is built: a damaged record may describe a network of any size.
    """
    if not path.is_file():
        raise RecordError("the weights of this fold are missing", where=path, remedy=_AGAIN)
    if size > path.stat().st_size:
        raise RecordError("is too small for the network of the record", where=path, remedy=_AGAIN)


def restore_weights(path: Path, module: nn.Module, digest: str) -> None:
    """Load what `save_weights` wrote; RecordError if it is missing, changed, or of another network."""
    from safetensors.torch import load_model

    check_weights_file(path, 0)
    if _digest(path) != digest:
        raise RecordError("is not the file of the record: its SHA-256 differs", where=path, remedy=_AGAIN)
    try:
        load_model(module, str(path))
    except Exception as error:
        raise RecordError("does not fit the network, whose code has changed", where=path, remedy=_AGAIN) from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
