"""Components that break the contract on purpose, each in one way; its key names the check that must notice."""

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from mmbench import (
    Card,
    Dataset,
    Download,
    Encoder,
    Fusion,
    Int,
    Modality,
    Pin,
    Problem,
    Sample,
    Schema,
    Tokens,
    TokenSpec,
    load_state_dict,
)


class GoodEncoder(Encoder):
    name = "good"
    kinds = ("vector",)
    space: ClassVar = {"dim": Int(2, 8)}

    def __init__(self, modality: Modality, *, dim: int = 4) -> None:
        super().__init__(modality)
        self.layer = nn.Linear(modality.shape[0], dim)
        self.out = TokenSpec(1, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[:, None]


class NoName(GoodEncoder):
    name = "Bad name!"


class NoDefault(GoodEncoder):
    space: ClassVar = {}
    conformance: ClassVar = {"dim": 4}

    def __init__(self, modality: Modality, *, dim: int) -> None:
        super().__init__(modality, dim=dim)


class MisspeltSpace(GoodEncoder):
    space: ClassVar = {"width": Int(2, 8)}


class DefaultOutsideSpace(GoodEncoder):
    space: ClassVar = {"dim": Int(8, 16)}


class UnknownKind(GoodEncoder):
    kinds = ("vector", "smell")


class WrongShape(GoodEncoder):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(1)


class NoOut(GoodEncoder):
    def __init__(self, modality: Modality, *, dim: int = 4) -> None:
        super().__init__(modality, dim=dim)
        del self.out


class LogOfVariance(GoodEncoder):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x.var(dim=1).log()[:, None, None]


class CentredOnBatch(GoodEncoder):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (1 + x.mean())


class UnusedLayer(GoodEncoder):
    def __init__(self, modality: Modality, *, dim: int = 4) -> None:
        super().__init__(modality, dim=dim)
        self.forgotten = nn.Linear(3, 3)


class CutGradient(GoodEncoder):
    def forward(self, x: Tensor) -> Tensor:
        tokens = super().forward(x)
        return tokens.detach() + self.layer.bias


class NoisyFrozen(GoodEncoder):
    frozen = True

    def __init__(self, modality: Modality, *, dim: int = 4) -> None:
        super().__init__(modality, dim=dim)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(super().forward(x), 0.5, self.training)


class TrainableFrozen(GoodEncoder):
    frozen = True


class TokenOutsideOfParameters(GoodEncoder):
    def __init__(self, modality: Modality, *, dim: int = 4) -> None:
        super().__init__(modality, dim=dim)
        self.token = nn.Parameter(torch.zeros(dim)) * 1.0  # as .to("cuda") would

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.token.detach()


class LayersInList(GoodEncoder):
    def __init__(self, modality: Modality, *, dim: int = 4) -> None:
        super().__init__(modality, dim=dim)
        self.hidden = [nn.Linear(dim, dim)]


class WeightsUnderOtherNames(GoodEncoder):
    def __init__(self, modality: Modality, *, dim: int = 4, weights: str | None = None) -> None:
        super().__init__(modality, dim=dim)
        if weights:
            self.layer.load_state_dict(load_state_dict(weights))


class DrawnOutsideOfState(GoodEncoder):
    def __init__(self, modality: Modality, *, dim: int = 4) -> None:
        super().__init__(modality, dim=dim)
        self.direction = torch.randn(dim)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.direction


class CountsInEvaluation(GoodEncoder):
    def __init__(self, modality: Modality, *, dim: int = 4) -> None:
        super().__init__(modality, dim=dim)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.seen += len(x)
        return super().forward(x)


class KnowsThoseBefore(GoodEncoder):
    """Counts in its class how often any was trained, and starts from there."""

    trained = 0

    def __init__(self, modality: Modality, *, dim: int = 4) -> None:
        super().__init__(modality, dim=dim)
        self.before = self.trained

    def forward(self, x: Tensor) -> Tensor:
        KnowsThoseBefore.trained += self.training
        return super().forward(x) + self.before


class RequiresLengths(GoodEncoder):
    kinds = ("timeseries",)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.layer(x.sum(dim=-1) / lengths[:, None])[:, None]


class ReadsPadding(GoodEncoder):
    kinds = ("timeseries",)
    conformance_modality = Modality("course", "timeseries", (3, None))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.layer(x.mean(dim=-1))[:, None] * lengths[:, None, None]


class MaskWithHoles(GoodEncoder):
    kinds = ("timeseries",)
    conformance_modality = Modality("course", "timeseries", (3, None))

    def __init__(self, modality: Modality, *, dim: int = 4) -> None:
        super().__init__(modality, dim=dim)
        self.out = TokenSpec(None, dim)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        steps = torch.arange(x.shape[-1])
        mask = (steps < lengths[:, None]) & ((steps % 3 != 1) | (steps > lengths[:, None]))
        return self.layer(x.transpose(1, 2)) * mask[..., None], mask


ENCODERS = [
    (NoName, "name"),
    (NoDefault, "parameters"),
    (MisspeltSpace, "space"),
    (DefaultOutsideSpace, "space"),
    (UnknownKind, "kinds"),
    (RequiresLengths, "lengths"),
    (WrongShape, "shapes"),
    (NoOut, "shapes"),
    (ReadsPadding, "padding"),
    (MaskWithHoles, "shapes"),
    (LogOfVariance, "finite"),
    (CentredOnBatch, "batch_independence"),
    (UnusedLayer, "gradients"),
    (CutGradient, "gradients"),
    (NoisyFrozen, "frozen"),
    (TrainableFrozen, "frozen"),
    (TokenOutsideOfParameters, "state"),
    (LayersInList, "state"),
    (DrawnOutsideOfState, "state"),
    (CountsInEvaluation, "evaluation"),
    (KnowsThoseBefore, "rebuild"),
    (WeightsUnderOtherNames, "weights"),
]


class GoodFusion(Fusion):
    name = "good"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, dim: int = 4) -> None:
        super().__init__(inputs, n_outputs)
        self.names = sorted(inputs)
        self.layers = nn.ModuleList(nn.Linear(inputs[name].dim, dim) for name in self.names)
        self.classify = nn.Linear(dim, n_outputs)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        parts = [layer(self.pool(tokens[name])) for name, layer in zip(self.names, self.layers, strict=True)]
        return self.classify(self.merge(parts))

    def merge(self, parts: list[Tensor]) -> Tensor:
        return sum(part * (m + 1) for m, part in enumerate(parts))

    def pool(self, tokens: Tokens) -> Tensor:
        return self.sum(tokens) / tokens.mask.sum(dim=(1, 2))[:, None].clamp_min(1)

    def sum(self, tokens: Tokens) -> Tensor:
        return tokens.x.masked_fill(~tokens.mask[..., None], 0).sum(dim=(1, 2))


class UsesUnknown(GoodFusion):
    @classmethod
    def uses(cls, modalities, **params):
        return [*modalities, "taste"]


class OneLogitTooMany(GoodFusion):
    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, dim: int = 4) -> None:
        super().__init__(inputs, n_outputs + 1, dim=dim)


class LossPerSample(GoodFusion):
    def training_loss(self, tokens, labels, criterion):
        return super().training_loss(tokens, labels, criterion).expand(2)


class Exploding(GoodFusion):
    def merge(self, parts: list[Tensor]) -> Tensor:
        return super().merge(parts).exp()


class SeesTheBatch(GoodFusion):
    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        logits = super().forward(tokens)
        return logits + logits.mean(dim=0)


class LooksAtAbsent(GoodFusion):
    def sum(self, tokens: Tokens) -> Tensor:
        padding = tokens.present[..., None] & ~tokens.mask
        return tokens.x.masked_fill(padding[..., None], 0).sum(dim=(1, 2))


class DividesByPresent(GoodFusion):
    def pool(self, tokens: Tokens) -> Tensor:
        return super().pool(tokens) / tokens.present.sum(dim=1, keepdim=True)


class DividesByLength(GoodFusion):
    def pool(self, tokens: Tokens) -> Tensor:
        lengths = tokens.mask.sum(dim=(1, 2))[:, None]
        return self.sum(tokens) / torch.where(tokens.present.any(dim=1, keepdim=True), lengths, 1)


class RootOfLength(GoodFusion):
    """Finite without tokens, but not its gradient: the norm of zero."""

    def pool(self, tokens: Tokens) -> Tensor:
        x = super().pool(tokens)
        empty = tokens.present.any(dim=1) & ~tokens.mask.any(dim=(1, 2))
        return x + torch.where(empty[:, None], self.layers[0].bias.square().sum() * 0, 0).sqrt().sum()


class MeansOverPadding(GoodFusion):
    def pool(self, tokens: Tokens) -> Tensor:
        return self.sum(tokens) / (tokens.present.sum(dim=1, keepdim=True).clamp_min(1) * tokens.x.shape[2])


class ReadsThePadding(GoodFusion):
    def sum(self, tokens: Tokens) -> Tensor:
        return tokens.x.masked_fill(~tokens.present[..., None, None], 0).sum(dim=(1, 2))


class BreaksOnOpenLengths(GoodFusion):
    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, dim: int = 4) -> None:
        assert all(spec.length > 0 for spec in inputs.values())
        super().__init__(inputs, n_outputs, dim=dim)


class ReadsTheLongest(GoodFusion):
    """The number of positions, which depends on the longest instance of the batch."""

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return super().forward(tokens) + max(part.x.shape[2] for part in tokens.values())


class ThreeClassesAlways(GoodFusion):
    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, dim: int = 4) -> None:
        super().__init__(inputs, 3, dim=dim)


class CountsClasses(GoodFusion):
    def training_loss(self, tokens, target, criterion):
        return super().training_loss(tokens, target, criterion) * torch.bincount(target).float().mean()


class NamesAnUnknownTask(GoodFusion):
    tasks = ("class", "smells")


class InOrderOfArrival(GoodFusion):
    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        parts = {name: layer(self.pool(tokens[name])) for name, layer in zip(self.names, self.layers, strict=True)}
        return self.classify(self.merge([parts[name] for name in tokens]))


class InOrderOfInputs(GoodFusion):
    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, dim: int = 4) -> None:
        super().__init__(inputs, n_outputs, dim=dim)
        self.names = list(inputs)
        self.layers = nn.ModuleList(nn.Linear(inputs[name].dim, dim) for name in self.names)


class RandomSelection(GoodFusion):
    """A scorer of instances whose choice is an index: no gradient comes back."""

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, dim: int = 4) -> None:
        super().__init__(inputs, n_outputs, dim=dim)
        self.scorer = nn.Linear(dim, 2)

    def merge(self, parts: list[Tensor]) -> Tensor:
        merged = super().merge(parts)
        return merged * (1 + self.scorer(merged).argmax(dim=1, keepdim=True))


class NaNGradient(GoodFusion):
    """Finite forwards, NaN backwards: the square root at zero, hidden behind a ``where``."""

    def pool(self, tokens: Tokens) -> Tensor:
        x = super().pool(tokens)
        return torch.where(x > 0, x.clamp_min(0).sqrt(), x)

    def merge(self, parts: list[Tensor]) -> Tensor:
        merged = super().merge(parts)
        return merged + torch.where(merged.isnan(), merged, (merged - merged).sqrt())


class WeightInList(GoodFusion):
    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, dim: int = 4) -> None:
        super().__init__(inputs, n_outputs, dim=dim)
        self.weights = [nn.Parameter(torch.ones(())) for _ in inputs]


class ExplainsOneSample(GoodFusion):
    def explain(self, tokens: Mapping[str, Tokens]) -> Mapping[str, Tensor]:
        return {"weight": torch.ones(1)}


class CountsSamples(GoodFusion):
    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, dim: int = 4) -> None:
        super().__init__(inputs, n_outputs, dim=dim)
        self.register_buffer("seen", torch.zeros(()))

    def merge(self, parts: list[Tensor]) -> Tensor:
        self.seen += 1
        return super().merge(parts)


class StartsFromTheLast(GoodFusion):
    """Counts in its class how often any was trained, and starts from there."""

    trained = 0

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, dim: int = 4) -> None:
        super().__init__(inputs, n_outputs, dim=dim)
        self.before = self.trained

    def merge(self, parts: list[Tensor]) -> Tensor:
        StartsFromTheLast.trained += self.training
        return super().merge(parts) + self.before


FUSIONS = [
    (UsesUnknown, "uses"),
    (OneLogitTooMany, "shapes"),
    (LossPerSample, "shapes"),
    (ThreeClassesAlways, "tasks"),
    (CountsClasses, "tasks"),
    (NamesAnUnknownTask, "tasks"),
    (Exploding, "finite"),
    (SeesTheBatch, "batch_independence"),
    (LooksAtAbsent, "absent_instances"),
    (DividesByPresent, "missing_modality"),
    (MeansOverPadding, "padding"),
    (ReadsThePadding, "padding"),
    (ReadsTheLongest, "padding"),
    (BreaksOnOpenLengths, "padding"),
    (DividesByLength, "no_tokens"),
    (RootOfLength, "no_tokens"),
    (InOrderOfArrival, "key_order"),
    (InOrderOfInputs, "key_order"),
    (RandomSelection, "gradients"),
    (NaNGradient, "gradients"),
    (WeightInList, "state"),
    (CountsSamples, "evaluation"),
    (StartsFromTheLast, "rebuild"),
    (ExplainsOneSample, "explain"),
]


def picture(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "PNG")
    return file.getvalue()


class GoodDataset(Dataset):
    name = "good"
    card = Card("Numbers", "open", "MIT", "https://example.org", "Nobody, 2020")

    def schema(self) -> Schema:
        modalities = (Modality("numbers", "vector", (3,), instances=2), Modality("picture", "image", (3, 4, 4)))
        return Schema(modalities, {"parity": ("even", "odd")}, ("subject",))

    def check(self, root: Path) -> list[Problem]:
        return [] if list(root.glob("*.txt")) else [Problem(str(root), "no .txt files", "put some there")]

    def units(self, root: Path) -> list[str]:
        return sorted(path.stem for path in root.glob("*.txt"))

    def sources(self, root: Path, unit: str) -> list[Path]:
        return [root / f"{unit}.txt"]

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        for line in (root / f"{unit}.txt").read_text().splitlines():
            yield self.sample(unit, int(line))

    def sample(self, unit: str, n: int) -> Sample:
        data = {"numbers": np.full((2, 3), n, dtype=np.float32), "picture": [picture(4, 4)]}
        present = {"numbers": np.array([True, False])}
        return Sample(f"{unit}-{n}", {"parity": n % 2}, data, {"subject": unit}, present)


class NoLicence(GoodDataset):
    card = Card("Numbers", "open", "", "https://example.org", "Nobody, 2020")


class NotesAsOneText(GoodDataset):
    card = replace(GoodDataset.card, notes="smoothed over whole trials")  # type: ignore[arg-type]


class SchemaFromFile(GoodDataset):
    def schema(self) -> Schema:
        (Path(__file__).parents[2] / "pyproject.toml").read_text()
        return super().schema()


class OneClass(GoodDataset):
    def schema(self) -> Schema:
        return replace(super().schema(), tasks={"parity": ("even", "odd"), "mood": ("good",)})

    def sample(self, unit: str, n: int) -> Sample:
        return replace(super().sample(unit, n), labels={"parity": n % 2, "mood": 0})


class OtherClassesInFiles(GoodDataset):
    def schema_of(self, root: Path) -> Schema:
        return replace(super().schema(), tasks={"parity": ("even", "odd", "neither")})


class ProtocolWithoutItsGroup(GoodDataset):
    protocol = "group:site"


class ContentWithNothing(GoodDataset):
    def check(self, root: Path) -> list[Problem]:
        return []


class UnitsTwice(GoodDataset):
    def units(self, root: Path) -> list[str]:
        return [*super().units(root), *super().units(root)]


class PinsOutsideItsFolder(GoodDataset):
    def download(self) -> Download:
        return Download("https://example.org/", (Pin("../elsewhere.txt", "0" * 64, 1),))


class LeavesOutAUnit(GoodDataset):
    def left_out(self, root: Path) -> dict[str, str]:
        return {self.units(root)[0]: "too short"}


class CountsNothing(GoodDataset):
    def contents(self, root: Path) -> dict[str, int]:
        return {}


class CountsInWords(GoodDataset):
    def contents(self, root: Path) -> dict[str, int]:
        return {"all": "many"}  # type: ignore[dict-item]


class AssumesNothingInWords(GoodDataset):
    def assumptions(self, root: Path) -> list[str]:
        return [""]


class SecretSource(GoodDataset):
    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        (root / "ratings.csv").read_text()
        yield from super().read(root, unit)


class SourceThatIsNot(GoodDataset):
    def sources(self, root: Path, unit: str) -> list[Path]:
        return [*super().sources(root, unit), root / "gone.txt"]


class SameIds(GoodDataset):
    def sample(self, unit: str, n: int) -> Sample:
        return replace(super().sample(unit, n), id=str(n))


class NoSubject(GoodDataset):
    def sample(self, unit: str, n: int) -> Sample:
        return replace(super().sample(unit, n), groups={})


class EmptySubject(GoodDataset):
    def sample(self, unit: str, n: int) -> Sample:
        return replace(super().sample(unit, n), groups={"subject": ""})


class LabelFromOne(GoodDataset):
    def sample(self, unit: str, n: int) -> Sample:
        return replace(super().sample(unit, n), labels={"parity": n % 2 + 1})


class Doubles(GoodDataset):
    def sample(self, unit: str, n: int) -> Sample:
        return replace(super().sample(unit, n), data={"numbers": np.full((2, 3), float(n))})


class BagTooSmall(GoodDataset):
    def sample(self, unit: str, n: int) -> Sample:
        return replace(super().sample(unit, n), data={"numbers": np.ones((1, 3), dtype=np.float32)}, present={})


class PixelsForFiles(GoodDataset):
    def sample(self, unit: str, n: int) -> Sample:
        return replace(super().sample(unit, n), data={"picture": [b"\x00\x01\x02"]}, present={})


class PictureOfAnotherSize(GoodDataset):
    def sample(self, unit: str, n: int) -> Sample:
        return replace(super().sample(unit, n), data={"picture": [picture(3, 4)]}, present={})


class CutPicture(GoodDataset):
    def sample(self, unit: str, n: int) -> Sample:
        return replace(super().sample(unit, n), data={"picture": [picture(4, 4)[:-25]]}, present={})


class NotANumber(GoodDataset):
    def sample(self, unit: str, n: int) -> Sample:
        data = {"numbers": np.full((2, 3), np.nan, dtype=np.float32)}
        return replace(super().sample(unit, n), data=data)


class OtherEachTime(GoodDataset):
    reads: ClassVar[Counter[Path]] = Counter()

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        self.reads[root] += 1
        for sample in super().read(root, unit):
            yield replace(sample, span=(0.0, float(self.reads[root])))


class ShorterEachTime(OtherEachTime):
    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        self.reads[root] += 1
        yield from list(GoodDataset.read(self, root, unit))[int(self.reads[root] > 4) :]


DATASETS = [
    (NoLicence, "card"),
    (NotesAsOneText, "card"),
    (SchemaFromFile, "schema"),
    (OneClass, "schema"),
    (OtherClassesInFiles, "schema_of"),
    (ProtocolWithoutItsGroup, "schema_of"),
    (ContentWithNothing, "empty_folder"),
    (UnitsTwice, "units"),
    (PinsOutsideItsFolder, "download"),
    (LeavesOutAUnit, "left_out"),
    (CountsNothing, "contents"),
    (CountsInWords, "contents"),
    (AssumesNothingInWords, "contents"),
    (SecretSource, "sources"),
    (SourceThatIsNot, "sources"),
    (SameIds, "ids"),
    (NoSubject, "groups"),
    (EmptySubject, "groups"),
    (LabelFromOne, "labels"),
    (Doubles, "shapes"),
    (BagTooSmall, "shapes"),
    (PixelsForFiles, "shapes"),
    (PictureOfAnotherSize, "shapes"),
    (CutPicture, "shapes"),
    (NotANumber, "finite"),
    (OtherEachTime, "reads_equal"),
    (ShorterEachTime, "reads_equal"),
]
