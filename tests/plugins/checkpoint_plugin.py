"""A fusion with weights of a file and the encoder that they need, and a claim card that scores such a file."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from mmbench import Dataset, Fusion, Method, Modality, Tokens, TokenSpec, Training, hookimpl, load_state_dict
from mmbench.registry.plugin_files import load_plugin_file

Toy = load_plugin_file(str(Path(__file__).with_name("toy_plugin.py"))).Toy


class Weighed(Fusion):
    """The logits of ``facts`` by a linear layer: ``checkpoint=FILE`` has its weight ``(4, 2)``."""

    name = "weighed"

    def __init__(
        self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, checkpoint: str | None = None, wrong: bool = False
    ) -> None:
        super().__init__(inputs, n_outputs)
        weight = load_state_dict(checkpoint)["weight"] if checkpoint else torch.zeros(4, n_outputs)
        self.weight = torch.nn.Parameter(weight, requires_grad=checkpoint is None)

    @classmethod
    def uses(cls, modalities: Sequence[str], **params: object) -> Sequence[str]:
        return [name for name in modalities if name == "facts"]

    @classmethod
    def encoders(
        cls, modalities: Sequence[Modality], *, checkpoint: object = None, wrong: object = False, **params: object
    ) -> Mapping[str, str]:
        if wrong:
            return {"smell": "raw"}
        return {"facts": "raw"} if checkpoint else {}

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return tokens["facts"].x[:, 0, 0] @ self.weight


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(Toy)


@hookimpl
def register_fusions(register: Callable[[type[Fusion]], None]) -> None:
    register(Weighed)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    claims = Path(__file__).with_name("checkpoint_claims")
    register(Method("weighed", "weighed", {"vector": "raw"}, Training(epochs=2, batch_size=16), claims=claims))
