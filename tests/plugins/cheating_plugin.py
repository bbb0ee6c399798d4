"""Components that cheat, and twins of them that look much the same and do not, for tests of the canaries."""

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any, ClassVar

import h5py
import numpy as np
import torch
from torch import Tensor, nn

from mmbench import Choice, Encoder, Fusion, Modality, Tokens, TokenSpec, hookimpl

PHASES = (
    "mmbench.results.diagnosis.trained_model",
    "mmbench.workflows.explanations",
    "mmbench.training.cost_measurement",
    "mmbench.integrity.canaries",
    "mmbench.training.loop",
)
BANK: list[Tensor] = []


def place(name: str) -> Path:
    """What the test lets a cheat know: a path in the folder that it names."""
    return Path(os.environ["CHEAT"]) / name


class Plain(Fusion):
    """Logistic regression on mean tokens; the base of those that cheat; does not cheat itself."""

    name = "plain"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.names = sorted(name for name, spec in inputs.items() if spec.dim)
        self.head = nn.Linear(sum(inputs[name].dim for name in self.names), n_outputs)

    def features(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return torch.cat([tokens[name].x.mean(dim=(1, 2)) for name in self.names], dim=1)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return self.head(self.features(tokens))


class Looker(Plain):
    """Looks for labels in every frame, every object, modules and memory given back, once in each phase of a run."""

    name = "looker"

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        self.look()
        return super().forward(tokens)

    def explain(self, tokens: Mapping[str, Tokens]) -> Mapping[str, Tensor]:
        self.look()
        return {"facts.modality": tokens["facts"].present[:, 0].float()}

    def look(self) -> None:
        """Leaves what is found in a file, named by the module of the host that is at work."""
        frames = list(outwards(sys._getframe()))
        at_work = [frame.f_globals["__name__"] for frame in frames]
        phase = next((name for name in PHASES if name in at_work), "elsewhere")
        path = place(f"look-{phase}-{self.training}.npy")
        if not path.exists():
            np.save(path, np.stack(label_like(int(place("n").read_text()), frames)))


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def label_like(n: int, frames: list[FrameType]) -> list[np.ndarray]:
    """Every array, list and tuple of ``n`` whole numbers that can be reached."""
    local = [value for frame in frames for value in frame.f_locals.values()]
    # Arrays of numbers are not tracked by the collector themselves: what holds them is.
    held = gc.get_referents(*gc.get_objects())
    modules = [value for module in list(sys.modules.values()) for value in vars(module).values()]
    freed = [np.empty(n, dtype=np.int64) for _ in range(8)]
    return [np.asarray(item) for item in [*local, *held, *modules, *freed] if is_label_like(item, n)]


def is_label_like(item: object, n: int) -> bool:
    if type(item) in (np.ndarray, np.memmap):
        return item.shape == (n,) and item.dtype == np.int64
    return type(item) in (list, tuple) and len(item) == n and all(type(value) is int for value in item)


class Opener(Plain):
    """Opens a file by some door while it is trained."""

    name = "opener"
    space: ClassVar = {"door": Choice("open", "h5py")}

    def __init__(
        self,
        inputs: Mapping[str, TokenSpec],
        n_outputs: int,
        *,
        door: str = "open",
        swallow: bool = False,
        own: str = "",
    ) -> None:
        super().__init__(inputs, n_outputs)
        self.door, self.swallow, self.own = door, swallow, own

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: Any) -> Tensor:
        try:
            self.peek(self.own or place("target").read_text())
        except Exception:
            if not self.swallow:
                raise
        return super().training_loss(tokens, labels, criterion)

    def peek(self, path: str) -> None:
        if self.door == "h5py":
            h5py.File(path, "r").close()
        elif self.door == "numpy":
            np.memmap(path, mode="r", dtype=np.uint8).sum()
        elif self.door == "os":
            os.close(os.open(path, os.O_RDONLY))
        elif self.door == "safetensors":
            from safetensors.torch import load_file

            load_file(path)
        elif self.door == "thread":
            thread = Thread(target=self.read, args=(path,))
            thread.start()
            thread.join()
        else:
            self.read(path)

    def read(self, path: str) -> None:
        try:
            Path(path).read_bytes()
        except Exception:
            if self.door != "thread":
                raise


class Keeper(Plain):
    """Starts from the weights that the last fold left in the class."""

    name = "keeper"
    left: ClassVar[dict[str, Tensor]] = {}

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        if self.left:
            self.load_state_dict(self.left)

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: Any) -> Tensor:
        Keeper.left = {name: tensor.clone() for name, tensor in self.state_dict().items()}
        return super().training_loss(tokens, labels, criterion)


class Bank(Plain):
    """Adds the mean of all it was ever trained on, kept in a global of its module."""

    name = "bank"

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: Any) -> Tensor:
        BANK.append(self.features(tokens).detach().mean(dim=0))
        return super().training_loss(tokens, labels, criterion)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        memory = torch.stack(BANK).mean(dim=0) if BANK else 0.0
        return self.head(self.features(tokens) + memory)


class OwnBank(Plain):
    """The valid counterpart: the mean of its training samples, in a buffer."""

    name = "own-bank"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.register_buffer("memory", torch.zeros(self.head.in_features))

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: Any) -> Tensor:
        self.memory.lerp_(self.features(tokens).detach().mean(dim=0), 0.1)
        return super().training_loss(tokens, labels, criterion)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return self.head(self.features(tokens) + self.memory)


class Stasher(Plain):
    """Stashes its weights on disk and starts from them in the next fold."""

    name = "stasher"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        if place("stash.json").exists():
            self.head.load_state_dict(
                {name: torch.tensor(value) for name, value in json.loads(place("stash.json").read_text()).items()}
            )

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: Any) -> Tensor:
        state = {name: tensor.tolist() for name, tensor in self.head.state_dict().items()}
        place("stash.json").write_text(json.dumps(state))
        return super().training_loss(tokens, labels, criterion)


class Batcher(Plain):
    """Normalises over the batch that it is tested on."""

    name = "batcher"

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        x = self.features(tokens)
        return self.head((x - x.mean(dim=0)) / (x.std(dim=0, unbiased=False) + 0.1))


class Normed(Plain):
    """The valid counterpart: a batch norm, which has running statistics of the training part."""

    name = "normed"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.norm = nn.BatchNorm1d(self.head.in_features)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return self.head(self.norm(self.features(tokens)))


class Tester(Plain):
    """Test-time adaptation: a step towards surer predictions on what it is tested on."""

    name = "tester"

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        if not self.training:
            with torch.inference_mode(False), torch.enable_grad():
                probabilities = self.head(self.features(tokens).clone()).softmax(dim=1)
                entropy = -(probabilities * probabilities.log()).sum()
                (gradient,) = torch.autograd.grad(entropy, self.head.weight)
                self.head.weight.data -= 0.1 * gradient
        return super().forward(tokens)


class Ageing(Plain):
    """Counts its steps outside of its state dict, so that the weights of an epoch do not give its logits again."""

    name = "ageing"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.age = 0

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: Any) -> Tensor:
        self.age += 1
        return super().training_loss(tokens, labels, criterion)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return super().forward(tokens) * (1 + self.age)


class Scaled(Encoder):
    """Scales by the standard deviation of the training part; the base of encoders that cheat; does not cheat itself."""

    name = "scaled"
    kinds = ("vector",)

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out = TokenSpec(1, 3)
        self.layer = nn.Linear(modality.shape[0], 3)
        self.register_buffer("scale", torch.ones(modality.shape[0]))

    def adapt(self, x: Tensor) -> None:
        self.scale.copy_(x.std(dim=0))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x / (self.scale + 0.1))[:, None]


class Hoarder(Scaled):
    """Adapts to the instances of all folds that it has seen."""

    name = "hoarder"
    seen: ClassVar[list[Tensor]] = []

    def adapt(self, x: Tensor) -> None:
        self.seen.append(x)
        super().adapt(torch.cat(self.seen))


class Drifter(Scaled):
    """Lets its statistics follow what it is tested on."""

    name = "drifter"

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            self.scale.lerp_(x.std(dim=0, unbiased=False), 0.1)
        return super().forward(x)


class Patient(Plain):
    """A memory bank that checks on few samples do not detect: state of earlier folds is added after many steps."""

    name = "patient"
    bank: ClassVar[list[Tensor]] = []

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.register_buffer("steps", torch.zeros(()))
        self.register_buffer("past", torch.zeros(self.head.in_features))

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: Any) -> Tensor:
        self.steps += 1
        if self.steps == 4 and self.bank:
            self.past += torch.stack(self.bank).sum(dim=0)
        if self.steps > 3:
            self.bank.append(self.features(tokens).detach().mean(dim=0))
        return super().training_loss(tokens, labels, criterion)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return self.head(self.features(tokens) + self.past * (self.steps > 3))


class Patcher(Plain):
    """Puts a function of its own in the place of one of the host."""

    name = "patcher"

    def __init__(
        self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, target: str = "mmbench.execution.job.score_all"
    ) -> None:
        super().__init__(inputs, n_outputs)
        self.target = target

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: Any) -> Tensor:
        *inner, name = self.target.split(".")
        owner = sys.modules[".".join(inner[:3])]
        for part in inner[3:]:
            owner = getattr(owner, part)
        if name == "__code__":
            owner.__code__ = (lambda *arguments: dict.fromkeys(("accuracy", "balanced_accuracy"), 1.0)).__code__
        else:
            setattr(owner, name, lambda *arguments, **options: dict.fromkeys(("balanced_accuracy", "accuracy"), 1.0))
        return super().training_loss(tokens, labels, criterion)


class Switcher(Plain):
    """Leaves behind what torch and the environment keep for a whole process, and starts from what it finds."""

    name = "switcher"

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: Any) -> Tensor:
        self.steps = getattr(self, "steps", 0) + 1
        if self.steps == 4:
            os.environ["SWITCHED"] = str(int(os.environ.get("SWITCHED", "0")) + 1)
            torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
            nn.modules.module.register_module_forward_hook(lambda module, given, output: output)
        return super().training_loss(tokens, labels, criterion)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        found = int(os.environ.get("SWITCHED", "0")) + len(nn.modules.module._global_forward_hooks)
        if getattr(self, "steps", 0) > 2:
            with place("switches").open("a") as log:
                log.write(f"{getattr(self, 'steps', 0)} {found} {torch.backends.cudnn.benchmark}\n")
        return super().forward(tokens)


class Remembering(Encoder):
    """Frozen, but what it has seen moves what it says."""

    name = "remembering"
    kinds = ("vector",)
    frozen = True
    keeps = True

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out = TokenSpec(1, modality.shape[0])
        self.last: Tensor | float = 0.0

    def forward(self, x: Tensor) -> Tensor:
        output = x + self.last
        if self.keeps:
            self.last = x.mean(dim=0)
        return output[:, None]


class Normalising(Encoder):
    """Frozen, and normalises over the batch: over every batch, those of some size, or one place in each."""

    name = "normalising"
    kinds = ("vector",)
    frozen = True
    space: ClassVar = {"over": Choice("all", "large", "short", "first", "memory", "small", "none")}

    def __init__(self, modality: Modality, *, over: str = "all") -> None:
        super().__init__(modality)
        self.out = TokenSpec(1, modality.shape[0])
        self.over = over
        self.memory: dict[bytes, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        output = x.clone()
        normal = (x - x.mean(dim=0)) / (x.std(dim=0, correction=0) + 1e-6)
        large, short = self.over == "large" and len(x) >= 40, self.over == "short" and len(x) < 40
        if large or short or self.over in ("all", "memory"):
            output = normal
        elif self.over == "first":
            output[0] = normal[0]
        elif self.over == "small":  # tokens whose size hides what is added to them
            output = 1e-5 * normal
        if self.over == "memory":
            output = torch.stack(
                [self.memory.setdefault(one.numpy().tobytes(), new) for one, new in zip(x, output, strict=True)]
            )
        return output[:, None]


class Forgetting(Remembering):
    """The valid counterpart."""

    name = "forgetting"
    keeps = False


@hookimpl
def register_encoders(register: Callable[[type[Encoder]], None]) -> None:
    for encoder in (Scaled, Hoarder, Drifter, Remembering, Forgetting, Normalising):
        register(encoder)


@hookimpl
def register_fusions(register: Callable[[type[Fusion]], None]) -> None:
    for fusion in (
        Plain,
        Looker,
        Opener,
        Keeper,
        Bank,
        OwnBank,
        Stasher,
        Batcher,
        Normed,
        Tester,
        Ageing,
        Patcher,
        Patient,
        Switcher,
    ):
        register(fusion)
