"""A method with a claim card, a dataset of files that have to be given, and its simulated twin that makes its own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mmbench import Dataset, Method, Training, hookimpl
from mmbench.registry.plugin_files import load_plugin_file

Toy = load_plugin_file(str(Path(__file__).with_name("toy_plugin.py"))).Toy


class Real(Toy):
    """The toy dataset under an open card."""

    name = "real"
    card = replace(Toy.card, access="open")

    def __init__(self, *, windows: int = 2, length: int = 8, depth: int = 1) -> None:
        super().__init__(windows=windows, length=length)


class Sim(Toy):
    """The twin: it has no depth."""

    name = "real-sim"

    def __init__(self, *, windows: int = 2, length: int = 8) -> None:
        super().__init__(windows=windows, length=length)

    def locate(self, cache: Path) -> Path:
        self.simulate(cache / self.name, subjects=6, trials=4)
        return cache / self.name


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(Real)
    register(Sim)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    here = Path(__file__).parent
    encoders = {"timeseries": "conv1d[dim=8]", "vector": "mlp[dim=8]"}
    training = Training(epochs=3, batch_size=16)
    register(Method("mine", "concat", encoders, training, presets=here / "presets", claims=here / "claims"))
