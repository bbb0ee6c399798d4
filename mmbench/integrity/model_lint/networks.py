"""Properties of networks: layer sizes, unregistered parameters, missing gradients, memory of activations."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn


def layer_sizes(module: nn.Module) -> dict[str, int]:
    """Number of weights of each layer, without its children."""
    sizes = {path: sum(p.numel() for p in child.parameters(recurse=False)) for path, child in module.named_modules()}
    return {path: size for path, size in sizes.items() if size}


def find_without_gradient(parameters: Mapping[str, nn.Parameter]) -> list[str]:
    """Names of the parameters whose gradient is None or all zero."""
    return [name for name, parameter in parameters.items() if parameter.grad is None or not parameter.grad.any()]


def measure_saved_bytes(make_loss: Callable[[], Tensor], parameters: Sequence[Tensor]) -> tuple[Tensor, int]:
    """A loss, and the bytes saved for its gradient besides the parameters."""
    known = {parameter.untyped_storage().data_ptr() for parameter in parameters}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = make_loss()
    return loss, sum(kept.values())


def find_unregistered(module: nn.Module) -> Iterator[tuple[str, str]]:
    """Attributes with modules or trainable tensors that ``parameters()`` does not contain, and what is wrong."""
    parameters = {id(parameter) for parameter in module.parameters()}
    modules = {id(child) for child in module.modules()}
    own = vars(nn.Module())
    for path, child in module.named_modules():
        for name, value in vars(child).items():
            if name.startswith("_") and name in own:
                continue
            for item in _flatten(value):
                if isinstance(item, nn.Module) and id(item) not in modules:
                    yield f"{path}.{name}".lstrip("."), "holds a module that is not registered"
                if isinstance(item, Tensor) and item.requires_grad and id(item) not in parameters:
                    yield f"{path}.{name}".lstrip("."), "requires a gradient but is not registered as a parameter"


def _flatten(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flatten(item)
    else:
        yield value
