"""State dicts from files, without running code from them."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmbench.errors import WeightsError


def load_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a ``.safetensors``, ``.bin``, ``.pt`` or ``.pth`` file onto the CPU.

    Files with a ``state_dict``, ``model`` or ``model_state_dict`` entry are unwrapped. Raises WeightsError when the
    file is missing, damaged or would need arbitrary code to load.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError("no such weights file", where=path, remedy="give weights=FILE the path of an existing file")
    try:
        state = _read(path)
    except Exception as error:
        raise WeightsError(
            f"cannot be read as weights ({type(error).__name__}: {str(error).splitlines()[0][:120]})",
            where=path,
            remedy="save it as safetensors, or as a plain state dict with torch.save",
        ) from error
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(state.get(key), dict):
            state = state[key]
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise WeightsError("holds no tensors", where=path, remedy="save the module's state_dict()")
    return tensors


def _read(path: Path) -> dict[str, Any]:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict):
        raise TypeError(f"a {type(state).__name__}, not a state dict")
    return state
