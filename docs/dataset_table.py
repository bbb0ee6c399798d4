"""The tables of all datasets, of a page and of datasets/README.md, made from their cards and schemas.

``python docs/dataset_table.py`` writes that of the README anew.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbench.cli.output.dataset_cards import make_card
from mmbench.registry import Spec, load_registry

_HEADINGS = (
    "name",
    "modalities",
    "tasks",
    "groups",
    "size",
    "access",
    "licence",
    "official split",
    "simulated",
    "notes",
)
_IN_README = ("name", "modalities", "tasks", "groups", "size", "access", "licence", "simulated")
README = Path(__file__).parents[1] / "datasets" / "README.md"
_TABLE = re.compile(r"^\| name \|.*?(?=\n\n)", re.DOTALL | re.MULTILINE)
_INTRODUCTION = """# Datasets

This table is made from the cards of the installed datasets when the documentation is built. `mmbench data list --json`
prints the same values as JSON, and `mmbench data list NAME` the card of one dataset.

- *Tasks* are named by kind: one class, several labels, or values.
- *Groups* can be held out: `subject` by the protocol of that name, others by `group:NAME`.
- *Access*: open files are fetched from their publishers, gated ones need an agreement with them, bundled ones come with
  mmbench.
- The *official split* is used by `--protocol official`.
- *Simulated* datasets have the file format of the dataset and need no files; their scores say nothing about real data.

[What their data can and cannot show](../../explanation/datasets.md) is on a page of its own.
"""


def make_page() -> str:
    """The page as Markdown. The table is wider than the text, and scrolls within its own box."""
    registry = load_registry()
    cards = [make_card(registry, Spec(name)) for name in sorted(registry.datasets)]
    return "\n".join([_INTRODUCTION, ":::{container} wide-table", *make_table(cards), ":::", ""])


def renew_readme(text: str) -> str:
    """The text of datasets/README.md with the current table of the datasets that it is about."""
    registry = load_registry()
    own = [name for name in sorted(registry.datasets) if _is_of_the_readme(registry.datasets[name].component)]
    table = "\n".join(make_table([make_card(registry, Spec(name)) for name in own], _IN_README))
    return _TABLE.sub(lambda _: table, text, count=1)


def _is_of_the_readme(component: type) -> bool:
    return component.__module__.split(".")[0] == "mmbench_datasets"


def make_table(cards: Sequence[Mapping[str, Any]], headings: Sequence[str] = _HEADINGS) -> Iterator[str]:
    """The lines of the table: a row for each dataset, with the name of its simulated twin in a column."""
    twins = {card["simulated"] for card in cards}
    yield _line(headings)
    yield _line(["---"] * len(headings))
    for card in cards:
        if card["name"] not in twins:
            cells = _make_cells(card)
            yield _line([cells[heading] for heading in headings])


def _make_cells(card: Mapping[str, Any]) -> Mapping[str, str]:
    """The cells of a row by heading."""
    of_files = "" if card["kinds"] else "of the files"
    return {
        "name": f"[`{card['name']}`]({card['url']})" if card["url"].startswith("https://") else f"`{card['name']}`",
        "modalities": of_files or _by_kind(card["kinds"]),
        "tasks": of_files or _by_kind(card["task_kinds"]),
        "groups": of_files or ", ".join(card["groups"]),
        "size": card["size"],
        "access": card["access"],
        "licence": card["licence"],
        "official split": card["split"],
        "simulated": f"`{card['simulated']}`" if card["simulated"] else "",
        "notes": " ".join(card["notes"]),
    }


def _by_kind(kinds: Mapping[str, str]) -> str:
    """Names by their kind: ``class: arousal, valence; values: ratings``."""
    names: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        names.setdefault(kind, []).append(name)
    return "; ".join(f"{kind}: {', '.join(each)}" for kind, each in names.items())


def _line(cells: Sequence[str]) -> str:
    """A row of a Markdown table; an empty cell is a dash."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') or '–' for cell in cells)} |"


if __name__ == "__main__":
    README.write_text(renew_readme(README.read_text(encoding="utf-8")), encoding="utf-8")
