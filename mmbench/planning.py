"""From a recipe to a plan: frozen encoders run, and everything a result depends on is named by one key."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from mmbench.building import build_encoder
from mmbench.diagnosis.kept import Level
from mmbench.diagnosis.plans import plan_diagnosis
from mmbench.features import Encoding, encode
from mmbench.hashing import code_digest, digest, file_digest
from mmbench.jobs import Keep, Plan
from mmbench.lint import Finding
from mmbench.methods import Recipe
from mmbench.plugins import load_registry
from mmbench.prepare import Preparation
from mmbench.records import slug
from mmbench.searchspace import find_space
from mmbench.specs import Spec
from mmbench.store import Store
from mmbench.studies import describe_search
from mmbench.trials import Budget

_NOT_IN_KEY = (
    "card",
    "dropped",
    "folds",
    "gaps",
    "offered",
    "straddling",
    "unit",
    "units",
)  # follow from what is in it


@dataclass(frozen=True)
class Setting:
    """What all methods of a comparison share; ``about`` is what their records say of it."""

    store: Store
    about: Mapping[str, Any]
    home: Path
    cache: Path
    plugins: tuple[str, ...]
    device: str
    threads: int
    jobs: int
    keep: Keep = "auto"
    budget: Budget | None = None
    diagnose: Level = "auto"
    data: Preparation | None = None


def make_plan(setting: Setting, recipe: Recipe, findings: Sequence[Finding] = ()) -> Plan:
    """Encode what is frozen, and name the folder of the run by the digest of all that its numbers depend on.

    What lint found is told in the records.
    """
    frozen = _find_frozen(setting, recipe)
    tokens = {name: encode(what, setting.cache, setting.jobs) for name, what in frozen.items()}
    described = {
        **setting.about,
        "method": recipe.label,
        "modalities": list(recipe.modalities),
        "fusion": _describe("fusions", recipe.fusion, setting),
        "encoders": {
            name: {**_describe("encoders", spec, setting), "tokens": tokens[name].stem if name in tokens else None}
            for name, spec in recipe.encoders.items()
        },
        "own_encoders": recipe.own_encoders,
        "training": asdict(recipe.training),
        "preset": recipe.preset.described(),
        "device": torch.device(setting.device).type,
        "threads": setting.threads,
        "torch": torch.__version__,
    }
    if setting.budget:
        described["tuning"] = _describe_tuning(setting.budget, recipe, setting, tokens)
    key = digest({name: value for name, value in described.items() if name not in _NOT_IN_KEY})
    return Plan(
        recipe=recipe,
        tokens=tokens,
        store=setting.store.path,
        task=setting.about["task"],
        standardize=setting.about["standardize"],
        plugins=setting.plugins,
        device=setting.device,
        threads=setting.threads,
        folder=setting.home / f"{slug(recipe.label)}-{key[:10]}",
        run={**described, "key": key, "lint": [str(finding) for finding in findings]},
        keep=setting.keep,
        budget=setting.budget,
        diagnosis=plan_diagnosis(setting.diagnose, recipe.encoders, frozen, setting.cache, setting.jobs),
        data=setting.data,
    )


def _describe_tuning(budget: Budget, recipe: Recipe, setting: Setting, frozen: Collection[str]) -> dict[str, Any]:
    space = find_space(recipe, setting.plugins, frozen)
    ranges = {name: {"kind": type(item).__name__, **asdict(item)} for name, item in space.items()}
    return {**budget.described(), **describe_search(recipe.training.epochs), "space": ranges}


def _find_frozen(setting: Setting, recipe: Recipe) -> dict[str, Encoding]:
    """What is encoded before the training, by modality."""
    return {
        name: Encoding(
            setting.store.path, name, spec, setting.plugins, setting.device, setting.threads, data=setting.data
        )
        for name, spec in recipe.encoders.items()
        if build_encoder(spec, setting.store.schema.modality(name), setting.plugins, seed=0).frozen
    }


def _describe(kind: str, spec: Spec, setting: Setting) -> dict[str, Any]:
    registry = load_registry(setting.plugins)
    cls = registry.find(kind, spec.name).component
    params = registry.bound(kind, spec)
    return {
        "name": spec.name,
        "params": params,
        "version": cls.version,
        "code": code_digest(cls),
        **named_files(params),
    }


def named_files(params: Mapping[str, Any]) -> dict[str, Any]:
    """What is in the files that parameters name: weights that were trained again have the same path."""
    named = {name: Path(value) for name, value in params.items() if isinstance(value, str) and Path(value).suffix}
    found = {name: file_digest(path) for name, path in named.items() if path.is_file()}
    return {"files": found} if found else {}
