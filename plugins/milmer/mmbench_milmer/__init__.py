"""Milmer for mmbench: EEG and face video, multiple-instance learning and a transformer."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmbench_milmer.checkpoints import load_swin as load_swin
    from mmbench_milmer.public_model import load_published as load_published

_HOME = {"load_published": "public_model", "load_swin": "checkpoints"}
__all__ = ["load_published", "load_swin"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'mmbench_milmer' has no attribute {name!r}")
    return getattr(import_module(f"mmbench_milmer.{_HOME[name]}"), name)
