"""Distinct names for the methods of a comparison: where names are equal, what differs between the runs is added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench.registry import Spec
from mmbench.results.record_schema import described_trainer
from mmbench.storage import counted


@dataclass(frozen=True)
class NamedRun:
    """A run with the ``name`` of its method; ``run`` is its description, empty where it has no record."""

    name: str
    folder: Path
    run: Mapping[str, Any]
    n_seeds: int


def make_distinct_names(runs: Sequence[NamedRun]) -> list[str]:
    """The names of runs; equal ones are followed by the settings that differ, as ``concat (eeg=de, lr=0.01)``.

    Runs that differ in no setting, such as those of other versions, have the end of their folder in their name, which
    depends on everything that the results depend on.
    """
    names: dict[int, str] = {}
    for name in dict.fromkeys(run.name for run in runs):
        alike = [at for at, run in enumerate(runs) if run.name == name]
        names |= dict(zip(alike, _distinguish([runs[at] for at in alike]), strict=True))
    return _numbered([names[at] for at in range(len(runs))])


def _distinguish(runs: Sequence[NamedRun]) -> list[str]:
    """Names of runs of one method."""
    if len(runs) == 1:
        return [runs[0].name]
    described = [{**_encoders(run, runs), **_settings(run)} for run in runs]
    keys = [key for key in dict.fromkeys(key for each in described for key in each) if _varies(described, key)]
    parts = [[f"{key}={each[key]}" for key in keys if key in each] for each in described]
    parts = _extended(parts, [_preset(run) for run in runs])
    parts = _extended(parts, [run.folder.name.rsplit("-", 1)[-1] for run in runs])
    return [f"{run.name} ({', '.join(part)})" if part else run.name for part, run in zip(parts, runs, strict=True)]


def _varies(described: Sequence[Mapping[str, str]], key: str) -> bool:
    return len({each.get(key) for each in described}) > 1


def _extended(parts: Sequence[Sequence[str]], more: Sequence[str]) -> list[list[str]]:
    """The parts of each name; those of equal names followed by ``more``, where it is not empty."""
    return [
        [*part, text] if text and parts.count(part) > 1 else [*part] for part, text in zip(parts, more, strict=True)
    ]


def _preset(run: NamedRun) -> str:
    preset = run.run.get("preset")
    return f"preset={preset['name']}" if preset and "name" in preset else ""


def _numbered(names: Sequence[str]) -> list[str]:
    """The names; those that are still equal are numbered, as for copies of one folder."""
    return [f"{name} ({names[:at].count(name) + 1})" if name in names[:at] else name for at, name in enumerate(names)]


def _settings(run: NamedRun) -> dict[str, str]:
    """What may differ besides encoders, by a short name."""
    if not run.run:
        return {}
    tuning = run.run.get("tuning")
    training = {name: _text(value) for name, value in run.run.get("training", {}).items()}
    predictor = run.run.get("fusion") or run.run.get("estimator") or {}
    own = {name: _text(value) for name, value in predictor.get("params", {}).items()}
    return {
        "modalities": "+".join(run.run.get("modalities", ())),
        **own,
        **{f"training.{name}" if name in own else name: value for name, value in training.items()},
        "trainer": described_trainer(run.run) or "none",
        "standardize": str(run.run.get("standardize")),
        "tuning": counted(int(tuning["trials"]), "trial") if tuning else "none",
        "seeds": str(run.n_seeds),
    }


def _encoders(run: NamedRun, runs: Sequence[NamedRun]) -> dict[str, str]:
    """The encoder of each modality, with the parameters in which those of one name differ between runs."""
    found = {}
    for modality, encoder in run.run.get("encoders", {}).items():
        others = [each.run.get("encoders", {}).get(modality, {}) for each in runs]
        same = [other.get("params", {}) for other in others if other.get("name") == encoder["name"]]
        params = {
            name: value
            for name, value in encoder.get("params", {}).items()
            if any(other.get(name) != value for other in same)
        }
        found[modality] = str(Spec(encoder["name"], params))
    if len(found) > 1 and len({*found.values()}) == 1:
        return {"encoder": next(iter(found.values()))}
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
