"""Pretrained weights: state dicts from files, read without running code, and from the hubs of timm and Hugging Face."""

import io
import pickle
import re
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmbench.errors import DataError, WeightsError
from mmbench.storage import check_content, check_pickle, is_pickle
from mmbench.training.checkpoint_parts import choose_model, find_models

_PROBE_S = 5.0
_MAPPED = 1 << 30  # bytes; larger files are mapped into memory
_LEGACY = (
    5  # pickles at the start of a file written before torch 1.6: two marks, the system, the state and its storages
)
# The first pickle in these: a number that no other program writes there.
_LEGACY_START = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
_READ = 1 << 26  # bytes in which a file is recognised as a pickle
_COPY = "copy or download it again"
_SAVE = "save only the weights: torch.save(model.state_dict(), FILE)"


def load_state_dict(path: str | Path, part: str | None = None) -> dict[str, Tensor]:
    """Read the tensors of a ``.safetensors``, ``.bin``, ``.pt`` or ``.pth`` file onto the CPU.

    A state dict within another dict, as under ``state_dict`` or ``model``, is found; if there are several, ``part``
    names one, such as ``teacher`` or ``ema``, or a prefix of its names. Raises WeightsError if the file is missing,
    damaged or could run code when it is loaded, and where ``part`` does not select one of several models.
    """
    path = Path(path)
    if not path.exists() and not path.is_symlink():
        raise WeightsError("no such weights file", where=path, remedy="give the path of an existing file")
    try:
        check_content(path, "is a ZIP archive")
        state = _read(path)
    except DataError as error:
        raise WeightsError(error.message, where=path, remedy=f"{error.remedy}, or name another file") from error
    except Exception as error:
        message, remedy = _explain(path, error)
        raise WeightsError(message, where=path, remedy=remedy) from error
    models = find_models(state)
    if not models:
        raise WeightsError("holds no tensors", where=path, remedy="save the module's state_dict()")
    return choose_model(models, part, path)


def _explain(path: Path, error: Exception) -> tuple[str, str]:
    """Why torch cannot read a file of weights, and the remedy."""
    text = str(error)
    if named := re.search(r"Unsupported (?:global: GLOBAL|class) (\S+)", text):
        message = f"holds an object of {named[1]} beside tensors: loading it would run its code; nothing was run"
        return message, _SAVE
    names = _archived(path)
    if "constants.pkl" in names:
        return "is a TorchScript program, not weights", _SAVE
    if names and "data.pkl" not in names:
        return "is a ZIP archive that torch.save did not write", "unpack it, and give the file of weights in it"
    if not names and (found := _explain_content(path, text)):
        return found
    return (
        f"cannot be read as weights ({type(error).__name__}: {text.partition(chr(10))[0][:120]})",
        "save it as safetensors, or as a plain state dict with torch.save",
    )


def _explain_content(path: Path, text: str) -> tuple[str, str] | None:
    """What a file that is no whole archive is, and the remedy; None for one of torch.save with the error ``text``."""
    with path.open("rb") as file:
        content = file.read(_READ)
    if _is_safetensors(path):
        return ("is truncated or damaged", _COPY) if "deserializing" in text else None
    if content.startswith(b"PK\x03\x04"):
        return "is a truncated or damaged archive of torch.save", _COPY
    if content.startswith(_LEGACY_START):
        return ("is truncated", _COPY) if "unexpected EOF" in text else None
    if is_pickle(content):
        message = "is a plain pickle, not a file of torch.save: loading it could run code; nothing was run"
        return message, f"if you trust it, load it yourself and {_SAVE}, or safetensors"
    if path.suffix.lower() == ".safetensors":
        return "does not begin as safetensors do: it is damaged, or another file", _COPY
    return "is no file of weights: neither of safetensors nor of torch.save", "give the file of the weights"


def _archived(path: Path) -> set[str]:
    """The names of files in a ZIP archive, without folders; none where the archive is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.rpartition("/")[2] for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile):
        return set()


def _is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do, whatever its name: header size, then a JSON object."""
    with path.open("rb") as file:
        head = file.read(9)
    return head[8:] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size


def _read(path: Path) -> dict[str, Any]:
    if _is_safetensors(path):
        from safetensors.torch import load_file

        return load_file(path)
    source = _bounded(path)
    if isinstance(source, Path) and path.stat().st_size > _MAPPED and path.suffix != ".safetensors":
        # Only what is used of it is read: checkpoints of whole models are read once for each of their parts.
        return _dict(torch.load(path, map_location="cpu", weights_only=True, mmap=True))
    # As an open file: by its name, torch would read FILE.safetensors as safetensors.
    with source.open("rb") if isinstance(source, Path) else source as file:
        return _dict(torch.load(file, map_location="cpu", weights_only=True))


def _dict(state: object) -> dict[str, Any]:
    if not isinstance(state, dict):
        raise TypeError(f"a {type(state).__name__}, not a state dict")
    return state


def _bounded(path: Path) -> Path | io.BytesIO:
    """A source that torch can load without allocating more than the file holds or building endless tuples."""
    with path.open("rb") as file:
        is_zip = file.read(4) == b"PK\x03\x04"
    if not is_zip:  # written before torch 1.6; a buffer in memory cannot be read beyond its end
        content = io.BytesIO(path.read_bytes())
        for _ in range(_LEGACY):
            check_pickle(content)
        content.seek(0)
        return content
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any(each.compress_type for each in entries) or sum(each.file_size for each in entries) > path.stat().st_size:
        raise ValueError("it is compressed or claims a larger size than it has, unlike files of torch.save")
    with zipfile.ZipFile(path) as archive:
        for each in entries:
            if each.filename.endswith(".pkl"):
                with archive.open(each) as part:
                    check_pickle(part)
    return path


def fetch_pretrained(model: str, *, where: str) -> str:
    """The path of timm's pretrained weights of ``model``, downloaded on first use.

    Raises WeightsError about ``where`` if they cannot be downloaded.
    """
    import timm
    from huggingface_hub import hf_hub_download

    config = timm.get_pretrained_cfg(model)
    if not config or not config.hf_hub_id:
        raise _out_of_reach(where, "timm's hub has no weights of that name")
    source = {"repo_id": config.hf_hub_id, "filename": config.hf_hub_filename or "model.safetensors"}
    try:
        return str(hf_hub_download(**source, local_files_only=True))
    except OSError:
        _probe_hub(where)
    try:
        return str(hf_hub_download(**source))
    except Exception as error:
        raise _out_of_reach(where, f"{type(error).__name__} while downloading") from error


def fetch_model(model: str, *, where: str, download: bool = True) -> str:
    """The folder of a model of Hugging Face's hub, downloaded on first use, or ``model`` itself if it is a folder.

    Only its settings, vocabulary and weights are downloaded (safetensors, else PyTorch's), never code. Raises
    WeightsError about ``where`` if it cannot be downloaded, or is not in the cache and ``download`` is False.
    """
    from huggingface_hub import snapshot_download

    if Path(model).is_dir():
        return model
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise WeightsError("no such folder", where=where, remedy="correct model=FOLDER")
    for weights in ("*.safetensors", "*.bin"):
        patterns = ["*.json", "*.txt", "*.model", weights]
        folder = _snapshot(snapshot_download, where, repo_id=model, allow_patterns=patterns, download=download)
        if any(Path(folder).glob(weights)):
            return folder
    raise _no_model(where, "the hub has no weights of PyTorch under that name")


def _snapshot(fetch: Any, where: str, *, download: bool, **source: Any) -> str:
    try:
        return str(fetch(**source, local_files_only=True))
    except Exception as error:  # huggingface_hub raises errors of many classes
        if not download:
            raise _no_model(where, "it is not in the cache") from error
    try:
        _probe_hub(where)
        return str(fetch(**source))
    except WeightsError as error:
        raise _no_model(where, error.message.partition("(")[2].rstrip(")")) from error
    except Exception as error:
        raise _no_model(where, f"{type(error).__name__} while downloading") from error


def _no_model(where: str, reason: str) -> WeightsError:
    return WeightsError(
        f"the model cannot be downloaded ({reason})",
        where=where,
        remedy="give model=FOLDER with a saved model, or the name of one on huggingface.co with a network",
    )


def _probe_hub(where: str) -> None:
    """Check that the hub responds within 5 s: its own client retries for most of a minute."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise _out_of_reach(where, "HF_HUB_OFFLINE is set and they are not in the cache")
    try:
        urllib.request.urlopen(constants.ENDPOINT, timeout=_PROBE_S).close()
    except urllib.error.HTTPError as answer:
        answer.close()
    except OSError as error:
        raise _out_of_reach(where, "no network, and they are not in the cache") from error


def _out_of_reach(where: str, reason: str) -> WeightsError:
    return WeightsError(
        f"the pretrained weights cannot be downloaded ({reason})",
        where=where,
        remedy="choose pretrained=true with a network, weights=FILE, or pretrained=false for random weights",
    )
