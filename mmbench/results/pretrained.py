"""Weights of a run that were read from files, as its records describe them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARAMETERS = ("weights", "checkpoint")
"""Parameters of encoders and fusions that name a file of weights."""


@dataclass(frozen=True)
class PretrainedWeights:
    """A file of weights, its SHA-256, what read it, and the data that they were trained on; None where unknown."""

    file: str
    sha256: str
    parts: tuple[str, ...]
    trained_on: str | None = None

    @property
    def line(self) -> str:
        """The file, what is from it, and what is known of its training."""
        *first, last = self.parts
        parts = f"{', '.join(first)} and {last}" if first else last
        unknown = "whose training data are unknown: test samples may be among them"
        known = f"trained on {self.trained_on}" if self.trained_on else unknown
        return f"weights of {parts} from {self.file} (SHA-256 {self.sha256[:12]}), {known}"


def describe_pretrained(
    components: Mapping[str, Mapping[str, Any]], trained_on: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The files of weights of described components, by a word for each, as records hold them.

    ``trained_on`` are the data of files that say so, by path. Components that read the same file are one entry.
    """
    parts: dict[str, list[str]] = {}
    digests: dict[str, str] = {}
    for word, component in components.items():
        for name in PARAMETERS:
            if digest := component.get("files", {}).get(name):
                path = str(component["params"][name])
                parts.setdefault(path, []).append(word)
                digests[path] = digest
    return [
        {"file": Path(path).name, "sha256": digests[path], "parts": words, "trained_on": trained_on.get(path)}
        for path, words in parts.items()
    ]


def find_pretrained(run: Mapping[str, Any]) -> Iterator[PretrainedWeights]:
    """The files of weights in the description of a run."""
    for each in run.get("pretrained", ()):
        yield PretrainedWeights(each["file"], each["sha256"], tuple(each["parts"]), each["trained_on"])
