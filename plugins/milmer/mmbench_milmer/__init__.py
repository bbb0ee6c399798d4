"""Milmer for mmbench: EEG and face video, multiple-instance learning and a transformer."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmbench_milmer.published_model import load_published as load_published
    from mmbench_milmer.swin_checkpoint import load_swin as load_swin

_MODULES = {"load_published": "published_model", "load_swin": "swin_checkpoint"}
__all__ = ["load_published", "load_swin"]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'mmbench_milmer' has no attribute {name!r}")
    return getattr(import_module(f"mmbench_milmer.{_MODULES[name]}"), name)
