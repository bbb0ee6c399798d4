"""From a recipe to a plan: frozen encoders run, and everything a result depends on is named by one key."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from mmbench.data import Preparation, Store
from mmbench.errors import RecordError, SpecError
from mmbench.execution.plan import Keep, Plan, needs_isolation
from mmbench.features import Encoding, encode
from mmbench.integrity import Finding
from mmbench.registry import SEEDING_SCHEME, Recipe, Spec, build_encoder, find_code, load_registry, parse_spec
from mmbench.results import Level, find_records, plan_diagnosis, read_record
from mmbench.storage import (
    NearestEntry,
    canonical_json,
    check_printable,
    current_reporter,
    file_digest,
    find_nearest,
    key_digest,
    slug,
)
from mmbench.tuning import Budget, describe_sampler, find_search_space

_NOT_IN_KEY = (
    "card",
    "copies",
    "dropped",
    "folds",
    "gaps",
    "lacking",
    "lost",
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
    described = describe_run(setting, recipe, tokens)
    try:
        check_printable(described)
    except ValueError as error:
        raise SpecError(f"cannot be stored in records: {error}", where=recipe.label, remedy="leave them out") from None
    key = key_digest(key_parts(described))
    folder = run_folder(setting, recipe, key)
    if not any(find_records(folder)) and (
        near := find_near_run(described, setting.home.glob(f"{slug(recipe.label)}-*"))
    ):
        current_reporter().message(f"{recipe.label} is run anew, unlike {near.path.name}: {near.line}")
    return Plan(
        recipe=recipe,
        tokens=tokens,
        store=setting.store.path,
        task=setting.about["task"],
        standardize=setting.about["standardize"],
        plugins=setting.plugins,
        device=setting.device,
        threads=setting.threads,
        folder=folder,
        run={**described, "key": key, "lint": [str(finding) for finding in findings]},
        keep=setting.keep,
        budget=setting.budget,
        diagnosis=plan_diagnosis(setting.diagnose, recipe.encoders, frozen, setting.cache, setting.jobs),
        data=setting.data,
        isolated=needs_isolation(recipe, setting.plugins),
    )


def describe_run(setting: Setting, recipe: Recipe, tokens: Mapping[str, Path]) -> dict[str, Any]:
    """What the records of a run say of it; ``tokens`` are the files of its frozen encoders."""
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
        "seeding": SEEDING_SCHEME,
    }
    if setting.budget:
        described["tuning"] = _describe_tuning(setting.budget, recipe, setting, tokens)
    return described


def key_parts(run: Mapping[str, Any]) -> dict[str, Any]:
    """What of a run's description its key is the digest of."""
    return {name: value for name, value in run.items() if name not in (*_NOT_IN_KEY, "key", "lint")}


def run_folder(setting: Setting, recipe: Recipe, key: str) -> Path:
    """Where the records of a run lie."""
    return setting.home / f"{slug(recipe.label)}-{key[:10]}"


def find_near_run(described: Mapping[str, Any], folders: Iterable[Path]) -> NearestEntry | None:
    """Of folders with records, the one whose run is most like this; of the same dataset and fusion."""
    wanted = json.loads(canonical_json(key_parts(described)))
    return find_nearest(wanted, ((folder, parts) for folder in folders if (parts := _recorded(folder, wanted))))


def _recorded(folder: Path, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    for path in find_records(folder):
        try:
            run = read_record(path).run
            alike = run["fusion"]["name"] == wanted["fusion"]["name"]
            return key_parts(run) if alike and _name(run) == _name(wanted) else None
        except (RecordError, KeyError, TypeError):
            continue
    return None


def _name(run: Mapping[str, Any]) -> str:
    return parse_spec(run["dataset"]).name


def _describe_tuning(budget: Budget, recipe: Recipe, setting: Setting, frozen: Collection[str]) -> dict[str, Any]:
    space = find_search_space(recipe, setting.plugins, frozen)
    ranges = {name: {"kind": type(item).__name__, **asdict(item)} for name, item in space.items()}
    return {**budget.described(), **describe_sampler(recipe.training.epochs), "space": ranges}


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
        **find_code(cls).described(),
        **named_files(params),
    }


def named_files(params: Mapping[str, Any]) -> dict[str, Any]:
    """What is in the files that parameters name: weights that were trained again have the same path."""
    named = {name: Path(value) for name, value in params.items() if isinstance(value, str) and Path(value).suffix}
    found = {name: file_digest(path) for name, path in named.items() if path.is_file()}
    return {"files": found} if found else {}
