"""The page with a table of all datasets, made from their cards and schemas."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmbench.cli.output.dataset_cards import make_card
from mmbench.registry import Spec, load_registry

_TWIN = "-sim"
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
    cards = [make_card(registry.dataset(Spec(name))) for name in sorted(registry.datasets)]
    return "\n".join([_INTRODUCTION, ":::{container} wide-table", *make_table(cards), ":::", ""])


def make_table(cards: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of the table: a row for each dataset, with the name of its simulated twin in a column."""
    names = {card["name"] for card in cards}
    twins = {name for name in names if name.removesuffix(_TWIN) in names - {name}}
    yield _line(_HEADINGS)
    yield _line(["---"] * len(_HEADINGS))
    for card in cards:
        if card["name"] not in twins:
            twin = f"{card['name']}{_TWIN}"
            yield _line(_cells(card, f"`{twin}`" if twin in twins else ""))


def _cells(card: Mapping[str, Any], twin: str) -> Iterator[str]:
    yield f"[`{card['name']}`]({card['url']})" if card["url"].startswith("https://") else f"`{card['name']}`"
    of_files = "" if card["kinds"] else "of the files"
    yield of_files or _by_kind(card["kinds"])
    yield of_files or _by_kind(card["task_kinds"])
    yield of_files or ", ".join(card["groups"])
    yield from (card["size"], card["access"], card["licence"], card["split"], twin, " ".join(card["notes"]))


def _by_kind(kinds: Mapping[str, str]) -> str:
    """Names by their kind: ``class: arousal, valence; values: ratings``."""
    names: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        names.setdefault(kind, []).append(name)
    return "; ".join(f"{kind}: {', '.join(each)}" for kind, each in names.items())


def _line(cells: Sequence[str] | Iterator[str]) -> str:
    """A row of a Markdown table; an empty cell is a dash."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') or '–' for cell in cells)} |"
