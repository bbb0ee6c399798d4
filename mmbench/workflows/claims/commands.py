"""Shell commands that repeat a run or a claim."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmbench.data import default_cache_folder
from mmbench.registry import AUTO, join_list
from mmbench.storage import join_words
from mmbench.workflows.claims.rows import ClaimSpec
from mmbench.workflows.request import RunSpec

_WITH_BASELINES = ("run", "tune")


def run_command(spec: RunSpec, data: str | None = None, command: str = "run") -> str:
    """``mmbench run ...`` with all options of a spec that results depend on; ``data`` is the folder of the dataset.

    ``command`` replaces ``run`` by another command that takes a spec.
    """
    against = "" if spec.against == (AUTO,) or command not in _WITH_BASELINES else join_list(spec.against) or "none"
    words: list[tuple[str, Any]] = [("against", against)]
    words += [(name, getattr(spec, name)) for name in ("protocol", "folds", "task", "metric", "standardize", "preset")]
    words += [("stratify", spec.stratify is True), ("no-stratify", spec.stratify is False)]
    words += [(name, join_list(getattr(spec, name) or ())) for name in ("units", "modalities")]
    words += [("encoder", pair) for pair in _pairs(spec.encoders)]
    words += [(name.replace("_", "-"), getattr(spec, name)) for name in ("trainer", "tune", "tune_seconds")]
    advanced = {"tune-scope": spec.tune_scope, "diagnose": spec.diagnose, "bad": spec.bad, "threads": spec.threads}
    defaults = {"tune-scope": "fold", "diagnose": "auto", "bad": "error", "threads": 1}
    words += [(name, value) for name, value in advanced.items() if value != defaults[name]]
    return _line(command, [spec.method, spec.dataset], [*words, *_shared(spec, data)])


def portable_command(spec: RunSpec, command: str = "run") -> str:
    """The command without paths of this machine: DIR for the folder of the dataset, default folders otherwise."""
    plugins = tuple(Path(file).name for file in spec.plugins)
    here = replace(spec, out=Path("runs"), cache=default_cache_folder(), plugins=plugins)
    return run_command(here, "DIR" if spec.data else None, command)


def claim_command(spec: ClaimSpec, card: str, data: str | None = None) -> str:
    """``mmbench claim ... --run`` for the missing rows of a card."""
    words = [("on", spec.on), ("only", join_list(spec.only)), ("checkpoint", spec.checkpoint)]
    return _line("claim", [spec.method, card], [*words, *_shared(spec, data)]) + " --run"


def _shared(spec: RunSpec | ClaimSpec, data: str | None) -> Iterator[tuple[str, Any]]:
    yield from (("training", pair) for pair in _pairs(spec.training))
    yield "seeds", spec.seeds
    yield "data", data
    yield "out", spec.out if spec.out != Path("runs") else None
    yield "cache", spec.cache if spec.cache != default_cache_folder() else None
    yield "device", spec.device if spec.device != "auto" else None
    yield from (("plugin", file) for file in spec.plugins)


def _pairs(values: Mapping[str, Any]) -> Iterator[str]:
    """``name=value`` pairs for the shell."""
    for name, value in values.items():
        yield f"{name}={str(value).lower() if isinstance(value, bool) else value}"


def _words(name: str, value: object) -> list[str]:
    return [f"--{name}"] if value is True else [f"--{name}", str(value)]


def _line(command: str, arguments: list[str], options: list[tuple[str, Any]]) -> str:
    words = [word for name, value in options if value for word in _words(name, value)]
    return join_words(["mmbench", command, *arguments, *words])
