"""What an earlier run with the same question left: the file of a comparison remembers what it was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.errors import RecordError
from mmbench.execution import named_files
from mmbench.registry import Recipe, code_digest
from mmbench.results import Comparison, load_comparison
from mmbench.storage import digest, load_object
from mmbench.workflows.ablation_rows import recipe_digest
from mmbench.workflows.request import budget_of
from mmbench.workflows.resolve import Asked


@dataclass(frozen=True)
class Asking:
    """What a comparison was asked for: a digest of its ``question``, and of each of the ``parts`` that answer it.

    No file is needed to know it. Which files were read, where results are kept, in how many processes and on what
    device they were computed is no part of it: another run looks at all that.
    """

    question: str
    parts: Mapping[str, str]


@dataclass(frozen=True)
class Shelf:
    """The comparisons under a folder of records that tell what they were asked for, the newest first.

    ``damaged`` names the files that cannot be read.
    """

    entries: tuple[tuple[Path, Asking], ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True)
class Recalled:
    """A whole comparison, or the ``reason`` why there is none."""

    comparison: Comparison | None
    reason: str = ""


def describe_asking(asked: Asked, recipes: Sequence[Recipe]) -> Asking:
    """The question behind a comparison of ``recipes``."""
    registry, design, spec = asked.registry, asked.design, asked.spec
    budget = budget_of(spec)
    question = {
        "dataset": [asked.name.name, registry.bound("datasets", asked.name)],
        "task": asked.task,
        "protocol": asked.protocol.name,
        "folds": None if asked.protocol.one_out else design.folds,
        "standardize": design.standardize,
        "seeds": design.seeds,
        "units": design.units and sorted(design.units),
        "bad": spec.bad,
        "threads": spec.threads,
        "tuning": budget.described() if budget else None,
        "methods": [[recipe.label, recipe_digest(asked, recipe)] for recipe in recipes],
    }
    return Asking(digest(question), _describe_parts(asked, recipes))


def _describe_parts(asked: Asked, recipes: Sequence[Recipe]) -> dict[str, str]:
    """Version, code and files of every component, by its name."""
    specs = [("dataset", asked.name), *(("fusion", recipe.fusion) for recipe in recipes)]
    specs += [("encoder", spec) for recipe in recipes for spec in recipe.encoders.values()]
    found: dict[str, list[Any]] = {}
    for kind, spec in specs:
        cls = asked.registry.find(f"{kind}s", spec.name).component
        files = named_files(asked.registry.bound(f"{kind}s", spec))
        found.setdefault(f"{kind} {spec.name}", []).append([cls.version, code_digest(cls), files])
    return {name: digest(described)[:16] for name, described in found.items()}


def read_shelf(out: Path) -> Shelf:
    """Every comparison under ``out`` that says what it was asked for."""
    entries, damaged = [], []
    for path in sorted(out.glob("*/comparison-*.json"), key=lambda path: (-path.stat().st_mtime_ns, path)):
        try:
            plain = load_object(path)
            if "asked" in plain or "runs" not in plain:  # comparisons did not always remember
                entries.append((path, _read_asking(plain["asked"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            damaged.append(f"{path}: is damaged and was passed over ({type(error).__name__}: {error})")
    return Shelf(tuple(entries), tuple(damaged))


def _read_asking(plain: Any) -> Asking:
    if not isinstance(plain["question"], str) or not isinstance(plain["parts"], dict):
        raise ValueError("what was asked is no question and its parts")
    return Asking(plain["question"], plain["parts"])


def recall(shelf: Shelf, wanted: Asking, seeds: int) -> Recalled:
    """The newest comparison that answers the question with the parts of today and has all its folds."""
    reasons = []
    for path, asking in shelf.entries:
        if asking.question == wanted.question:
            found = _recall(path, asking, wanted, seeds)
            if found.comparison:
                return found
            reasons.append(found.reason)
    return Recalled(None, reasons[0] if reasons else "")


def _recall(path: Path, asking: Asking, wanted: Asking, seeds: int) -> Recalled:
    changed = [name for name, part in wanted.parts.items() if asking.parts.get(name) != part]
    if changed:
        return Recalled(None, f"{' and '.join(changed)} changed since it was run")
    try:
        comparison = load_comparison(path)
    except RecordError as error:
        return Recalled(None, f"{error.where}: {error.message}")
    missing = sum(int(method.run["folds"]) * seeds - len(method.records) for method in comparison.methods)
    return Recalled(None, f"{missing} folds are missing") if missing else Recalled(comparison)
