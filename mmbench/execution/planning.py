"""Makes the plan of a method: encodes what is frozen, and names by one key all that its results depend on."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from mmbench.data import Fold, Preparation, Rows, Store
from mmbench.errors import RecordError, SpecError
from mmbench.execution.kept_weights import Keep
from mmbench.execution.plan import Plan, needs_isolation
from mmbench.features import Encoding, encode
from mmbench.integrity import Finding, find_provenance
from mmbench.registry import (
    SEEDING_SCHEME,
    Recipe,
    Spec,
    all_parameters,
    build_encoder,
    find_code,
    load_registry,
    parse_spec,
)
from mmbench.results import (
    DiagnosisLevel,
    describe_pretrained,
    described_predictor,
    find_records,
    plan_diagnosis,
    read_record,
    scoring_of,
)
from mmbench.storage import (
    NearestEntry,
    canonical_json,
    check_printable,
    current_reporter,
    digest,
    file_digest,
    file_identity,
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
    "pretrained",
    "split_notes",
    "straddling",
    "unit",
    "units",
)  # these follow from the other parts


@dataclass(frozen=True)
class Setup:
    """What all methods of a comparison share.

    ``rows`` are the labelled samples, ``folds`` are over all rows of the store; ``described`` is what records say of
    it; records go to a folder in ``home``.
    """

    store: Store
    rows: Rows
    folds: tuple[Fold, ...]
    described: Mapping[str, Any]
    home: Path
    cache: Path
    plugins: tuple[str, ...]
    device: str
    threads: int
    jobs: int
    keep: Keep = "auto"
    budget: Budget | None = None
    diagnose: DiagnosisLevel = "auto"
    files: Preparation | None = None


def make_plan(setup: Setup, recipe: Recipe, findings: Sequence[Finding] = ()) -> Plan:
    """The plan of a method: frozen encoders run, and the folder named by the digest of all that results depend on.

    ``findings`` of model lint are written into the records.
    """
    frozen = _find_frozen(setup, recipe)
    tokens = {name: encode(what, setup.cache, setup.jobs) for name, what in frozen.items()}
    described = describe_run(setup, recipe, tokens)
    try:
        check_printable(described)
    except ValueError as error:
        raise SpecError(f"cannot be written to records: {error}", where=recipe.label, remedy="leave them out") from None
    key = key_digest(key_parts(described))
    folder = run_folder(setup, recipe, key)
    return Plan(
        recipe=recipe,
        tokens=tokens,
        store=setup.store.path,
        task=setup.described["task"],
        standardize=setup.described["standardize"],
        plugins=setup.plugins,
        device=setup.device,
        threads=setup.threads,
        folder=folder,
        run={**described, "key": key, "lint": [str(finding) for finding in findings]},
        keep=setup.keep,
        budget=setup.budget,
        diagnosis=plan_diagnosis(
            setup.diagnose,
            [setup.store.schema.modality(name) for name in recipe.encoders],
            frozen,
            setup.cache,
            setup.jobs,
        ),
        files=setup.files,
        isolated=needs_isolation(recipe, setup.plugins),
    )


def report_near_run(plan: Plan) -> None:
    """Say how the run of a plan without records differs from the most similar run beside it, if there is one."""
    if any(find_records(plan.folder)):
        return
    label = plan.recipe.label
    if near := find_near_run(plan.run, plan.folder.parent.glob(f"{slug(label)}-*")):
        current_reporter().message(f"{label} is run again; differences to {near.path.name}: {near.line}")


def describe_run(setup: Setup, recipe: Recipe, tokens: Mapping[str, Path]) -> dict[str, Any]:
    """The description of a run in its records; ``tokens`` are the files of its frozen encoders."""
    described = {
        **setup.described,
        "method": recipe.label,
        "modalities": list(recipe.modalities),
        recipe.kind: _describe(f"{recipe.kind}s", recipe.predictor, setup),
        "encoders": {
            name: {**_describe("encoders", spec, setup), "tokens": tokens[name].stem if name in tokens else None}
            for name, spec in recipe.encoders.items()
        },
        "own_encoders": recipe.own_encoders,
        "training": asdict(recipe.training),
        "preset": recipe.preset.described(),
        "device": torch.device(setup.device).type,
        "threads": setup.threads,
        "torch": torch.__version__,
        "seeding": SEEDING_SCHEME,
    }
    if recipe.trainer is not None:
        described["trainer"] = _describe("trainers", recipe.trainer, setup)
    if pretrained := _describe_pretrained(described, recipe, setup):
        described["pretrained"] = pretrained
    if foreign := _describe_metrics(setup):
        described["metric_code"] = foreign
    if setup.budget:
        described["tuning"] = _describe_tuning(setup.budget, recipe, setup, tokens)
    return described


def _describe_pretrained(described: Mapping[str, Any], recipe: Recipe, setup: Setup) -> list[dict[str, Any]]:
    """The files of weights that the fusion and the encoders read; files of ``--save-encoder`` name their data."""
    components = {f"the encoder of {name}": encoder for name, encoder in described["encoders"].items()}
    components = {"the fusion": described[recipe.kind], **components} if recipe.kind == "fusion" else components
    trained_on = {
        str(value): f"{provenance.dataset} ({provenance.task})"
        for params in all_parameters(recipe, setup.plugins)
        for value in params.values()
        for _, provenance in find_provenance({"file": value})
    }
    return describe_pretrained(components, trained_on)


def _describe_metrics(setup: Setup) -> dict[str, Any]:
    """Version, parameters and code of the metrics that are not the host's own, by name."""
    registry, specs = load_registry(setup.plugins), map(parse_spec, scoring_of(setup.described).metrics)
    return {str(spec): _describe("metrics", spec, setup) for spec in specs if not registry.is_own("metrics", spec.name)}


def key_parts(run: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a run's description that its key is the digest of."""
    return {name: value for name, value in run.items() if name not in (*_NOT_IN_KEY, "key", "lint")}


def run_folder(setup: Setup, recipe: Recipe, key: str) -> Path:
    """The folder of the records of a run."""
    return setup.home / f"{slug(recipe.label)}-{key[:10]}"


def find_near_run(described: Mapping[str, Any], folders: Iterable[Path]) -> NearestEntry | None:
    """The folder of the most similar run of the same dataset and fusion or estimator."""
    wanted = json.loads(canonical_json(key_parts(described)))
    return find_nearest(wanted, ((folder, parts) for folder in folders if (parts := _recorded(folder, wanted))))


def _recorded(folder: Path, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    for path in find_records(folder):
        try:
            run = read_record(path).run
            same = [(each.kind, each.name) for each in map(described_predictor, (run, wanted))]
            return key_parts(run) if same[0] == same[1] and _name(run) == _name(wanted) else None
        except (RecordError, KeyError, TypeError):
            continue
    return None


def _name(run: Mapping[str, Any]) -> str:
    return parse_spec(run["dataset"]).name


def _describe_tuning(budget: Budget, recipe: Recipe, setup: Setup, frozen: Collection[str]) -> dict[str, Any]:
    kind = scoring_of(setup.described).kind
    space = find_search_space(recipe, setup.plugins, frozen, kind)
    ranges = {name: {"kind": type(item).__name__, **asdict(item)} for name, item in space.items()}
    return {**budget.described(), **describe_sampler(recipe.training.epochs), "space": ranges}


def _find_frozen(setup: Setup, recipe: Recipe) -> dict[str, Encoding]:
    """The encodings by frozen encoders, by modality."""
    return {
        name: Encoding(setup.store.path, name, spec, setup.plugins, setup.device, setup.threads, files=setup.files)
        for name, spec in recipe.encoders.items()
        if build_encoder(spec, setup.store.schema.modality(name), setup.plugins, seed=0).frozen
    }


def _describe(kind: str, spec: Spec, setup: Setup) -> dict[str, Any]:
    registry = load_registry(setup.plugins)
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
    """Digests of the files that parameters name: weights that were trained again keep their path."""
    named = {name: Path(value) for name, value in params.items() if isinstance(value, str) and Path(value).suffix}
    found = {name: _digest_once(path) for name, path in named.items() if path.is_file()}
    for name, value in params.items():
        if isinstance(value, str) and Path(value, "config.json").is_file():  # a model in a folder
            files = sorted(path for path in Path(value).iterdir() if path.is_file())
            found[name] = digest({path.name: _digest_once(path) for path in files})
    return {"files": found} if found else {}


def _digest_once(path: Path) -> str:
    """SHA-256 of a file, computed again where its size or one of its times changed: checkpoints have gigabytes."""
    stat = path.stat()
    return _digest_of(path, (*file_identity(path), stat.st_size, stat.st_ctime_ns))


@lru_cache(maxsize=256)
def _digest_of(path: Path, identity: tuple[int, ...]) -> str:
    return file_digest(path)
