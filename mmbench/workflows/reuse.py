"""Reuse of earlier comparisons: each file of a comparison holds the key of what was requested."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.errors import RecordError
from mmbench.execution import named_files
from mmbench.registry import code_digest, parse_spec
from mmbench.results import Comparison, choose_scoring, load_comparison
from mmbench.storage import counted, digest, load_object
from mmbench.workflows.ablation_rows import recipe_digest
from mmbench.workflows.request import budget_of
from mmbench.workflows.resolve import Request


@dataclass(frozen=True)
class ComparisonKey:
    """The key of a comparison: a digest of its settings (``question``) and of each of its components (``parts``).

    It is computed before any file is read. Data files, folders of results, number of processes and device are not part
    of it.
    """

    question: str
    parts: Mapping[str, str]


@dataclass(frozen=True)
class EarlierComparisons:
    """The comparisons under a folder of records with their keys, the newest first.

    ``damaged`` names the files that cannot be read.
    """

    entries: tuple[tuple[Path, ComparisonKey], ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True)
class Reuse:
    """A complete comparison, or the ``reason`` why there is none."""

    comparison: Comparison | None
    reason: str = ""


def comparison_key(request: Request) -> ComparisonKey:
    """The key of the comparison that is requested."""
    registry, settings, spec = request.registry, request.settings, request.spec
    budget = budget_of(spec)
    question = {
        "dataset": [request.dataset_spec.name, registry.bound("datasets", request.dataset_spec)],
        "task": request.task,
        **choose_scoring(request.schema.tasks[request.task], request.metric).described(),
        "protocol": request.protocol.name,
        "folds": settings.folds if request.protocol.counts_folds else None,
        **({"stratify": True} if settings.stratify else {}),
        "standardize": settings.standardize,
        "seeds": settings.seeds,
        "units": settings.units and sorted(settings.units),
        "bad": spec.bad,
        "threads": spec.threads,
        "tuning": budget.described() if budget else None,
        "methods": [[recipe.label, recipe_digest(request, recipe)] for recipe in request.recipes],
    }
    return ComparisonKey(digest(question), _describe_parts(request))


def _describe_parts(request: Request) -> dict[str, str]:
    """Version, code and files of every component, by its name."""
    scoring = choose_scoring(request.schema.tasks[request.task], request.metric)
    specs = [("metric", parse_spec(name)) for name in scoring.metrics]
    specs = [(kind, spec) for kind, spec in specs if not request.registry.is_own("metrics", spec.name)]
    specs += [("dataset", request.dataset_spec), *((recipe.kind, recipe.predictor) for recipe in request.recipes)]
    specs += [("encoder", spec) for recipe in request.recipes for spec in recipe.encoders.values()]
    by_name: dict[str, list[Any]] = {}
    for kind, spec in specs:
        cls = request.registry.find(f"{kind}s", spec.name).component
        files = named_files(request.registry.bound(f"{kind}s", spec))
        by_name.setdefault(f"{kind} {spec.name}", []).append([cls.version, code_digest(cls), files])
    return {name: digest(described)[:16] for name, described in by_name.items()}


def find_comparisons(out: Path) -> EarlierComparisons:
    """Every comparison under ``out`` whose file holds its key."""
    entries, damaged = [], []
    for path in sorted(out.glob("*/comparison-*.json"), key=lambda path: (-path.stat().st_mtime_ns, path)):
        try:
            plain = load_object(path)
            if "asked" in plain or "runs" not in plain:  # files of 0.1 hold no key
                entries.append((path, _read_key(plain["asked"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            damaged.append(f"{path}: is damaged and was ignored ({type(error).__name__}: {error})")
    return EarlierComparisons(tuple(entries), tuple(damaged))


def _read_key(plain: Any) -> ComparisonKey:
    if not isinstance(plain["question"], str) or not isinstance(plain["parts"], dict):
        raise ValueError("its key has no question and parts")
    return ComparisonKey(plain["question"], plain["parts"])


def find_reusable(earlier: EarlierComparisons, requested: ComparisonKey, seeds: int) -> Reuse:
    """The newest complete comparison with the same settings and unchanged components."""
    reasons = []
    for path, key in earlier.entries:
        if key.question == requested.question:
            reuse = _check_reusable(path, key, requested, seeds)
            if reuse.comparison:
                return reuse
            reasons.append(reuse.reason)
    return Reuse(None, reasons[0] if reasons else "")


def _check_reusable(path: Path, key: ComparisonKey, requested: ComparisonKey, seeds: int) -> Reuse:
    changed = [name for name, part in requested.parts.items() if key.parts.get(name) != part]
    if changed:
        return Reuse(None, f"{' and '.join(changed)} changed since it was run")
    try:
        comparison = load_comparison(path)
    except RecordError as error:
        return Reuse(None, f"{error.where}: {error.message}")
    missing = sum(int(method.run["folds"]) * seeds - len(method.records) for method in comparison.methods)
    return (
        Reuse(None, f"{counted(missing, 'fold')} {'is' if missing == 1 else 'are'} missing")
        if missing
        else Reuse(comparison)
    )
