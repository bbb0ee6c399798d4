"""Cards of datasets: as plain values, chosen by what they offer, as a table of all or one by one."""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from mmbench.errors import SpecError
from mmbench.registry import Registry, Spec, did_you_mean

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from mmbench.contract import Dataset, Download

Card = Mapping[str, Any]

_MOST_NAMES = 4  # of modalities, tasks or groups in a cell
_WIDTH, _HEADING = 80, 18  # columns of a card, and of its headings
_OF_FILES = "of the files"
_ADDRESS = re.compile(r"[,;]?\s*(https?://\S+?)[,;]?(?:\s+|$)")
N_SIMULATED = 8
"""Subjects of simulated files where the user says no number."""
TWIN = "-sim"
"""Ending of the name of a simulated counterpart."""
TASK_KINDS = ("class", "labels", "values")


@dataclass(frozen=True)
class Choice:
    """The datasets that are wanted: all of the given properties must hold; None is no condition.

    ``task`` is a kind of task (class, labels, values) or the name of one.
    """

    access: str | None = None
    modality: str | None = None
    kind: str | None = None
    task: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked for."""
        return self == Choice()

    def choose(self, cards: Sequence[Card]) -> list[Card]:
        """The cards of the wanted datasets; SpecError for a property that no dataset has."""
        for option, wanted, known in (
            ("--access", self.access, {card["access"] for card in cards}),
            ("--modality", self.modality, {name for card in cards for name in card["modalities"]}),
            ("--kind", self.kind, {kind for card in cards for kind in card["kinds"].values()}),
            ("--task", self.task, {*TASK_KINDS, *(name for card in cards for name in card["tasks"])}),
        ):
            if wanted is not None and wanted not in known:
                raise SpecError(f"no dataset has {wanted!r}", where=option, remedy=did_you_mean(wanted, sorted(known)))
        return [card for card in cards if self._admits(card)]

    def _admits(self, card: Card) -> bool:
        tasks = {*card["tasks"], *card["task_kinds"].values()}
        return (
            self.access in (None, card["access"])
            and (self.modality is None or self.modality in card["modalities"])
            and (self.kind is None or self.kind in card["kinds"].values())
            and (self.task is None or self.task in tasks)
        )


def make_card(registry: Registry, spec: Spec) -> dict[str, Any]:
    """What a dataset with the parameters of ``spec`` says of itself, as plain values.

    ``protocol`` is that of a run where the user names none, None where the files decide; ``simulation`` are the options
    of ``mmbench data simulate``; ``simulated`` is the name of the simulated counterpart, None where there is none.
    """
    from mmbench.data import default_protocol

    dataset, twin = registry.dataset(spec), f"{spec.name}{TWIN}"
    schema, download = dataset.schema(), dataset.download()
    return {
        "name": dataset.name,
        **asdict(dataset.card),
        "parameters": registry.bound("datasets", spec),
        "modalities": {item.name: [item.instances, *item.shape] for item in schema.modalities},
        "kinds": {item.name: item.kind for item in schema.modalities},
        "tasks": {name: list(task.names) for name, task in schema.tasks.items()},
        "task_kinds": {name: task.kind for name, task in schema.tasks.items()},
        "groups": list(schema.groups),
        "protocol": dataset.protocol or (default_protocol(schema) if schema.tasks else None),
        "simulation": simulation_options(dataset),
        "simulated": twin if twin in registry.datasets else None,
        "download": download and {"extent": describe_extent(download), "url": download.url, "part": download.part},
    }


def simulation_options(dataset: "Dataset") -> dict[str, Any]:
    """The options of ``mmbench data simulate`` with their defaults; empty where there is no simulator."""
    from mmbench.contract import Dataset, overrides

    if not overrides(dataset, "simulate", Dataset):
        return {}
    options = inspect.signature(dataset.simulate).parameters.values()
    defaults = {each.name: each.default for each in options if each.kind is each.KEYWORD_ONLY}
    return {
        **{name: None if value is inspect.Parameter.empty else value for name, value in defaults.items()},
        "subjects": N_SIMULATED,
    }


def describe_extent(download: "Download") -> str:
    """Number and size of the files of a download."""
    return f"{len(download.pins)} files, {sum(pin.size for pin in download.pins) / 1e6:.1f} MB"


def overview_table(cards: Iterable[Card]) -> "Table":
    """A row for each dataset: access, modalities, tasks and groups."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("dataset", style="bold", no_wrap=True)
    table.add_column("access", no_wrap=True)
    for title in ("modalities", "tasks", "groups"):
        table.add_column(title, overflow="fold")
    for card in cards:
        groups = _shorten(card["groups"]) or _describe_groups(card)
        kinds, tasks = _describe_kinds(card) or _OF_FILES, _shorten(list(card["tasks"])) or _OF_FILES
        table.add_row(card["name"], card["access"], kinds, tasks, groups)
    return table


def _describe_kinds(card: Card) -> str:
    """The names of modalities by kind: ``timeseries eeg, ecg; image face``."""
    names: dict[str, list[str]] = {}
    for name, kind in card["kinds"].items():
        names.setdefault(kind, []).append(name)
    return "; ".join(kind if each == [kind] else f"{kind} {_shorten(each)}" for kind, each in names.items())


def _shorten(names: Sequence[str]) -> str:
    """Names joined by commas; of many the first ones and their number."""
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: _MOST_NAMES - 1])} ... ({len(names)})"


def card_text(card: Card) -> "Text":
    """The card of one dataset, wrapped to 80 columns; longer words, such as addresses, are whole."""
    from rich.text import Text

    text = Text("\n".join(_wrap(f"{card['name']}: {card['title']}", _WIDTH)), style="bold")
    for heading, values in _card_rows(card):
        indent = "  " if len(values) > 1 else ""
        lines = [line for value in values for line in _wrap(value, _WIDTH - _HEADING, indent)]
        for at, line in enumerate(lines):
            text.append("\n" + ("" if at else heading).ljust(_HEADING), style="not bold dim")
            text.append(line, style="not bold")
    return text


def _wrap(value: str, width: int, indent: str = "") -> Iterator[str]:
    """The lines of a value, all but the first indented; an address has a line of its own."""
    for part in filter(None, _ADDRESS.split(value)):
        yield from wrap(part, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _card_rows(card: Card) -> Iterator[tuple[str, Sequence[str]]]:
    """Headings with their values, each of which begins a line; without values, the heading is left out."""
    yield "access", [f"{card['access']}, {card['licence']}"]
    yield "modalities", [_describe_modality(card, name) for name in card["modalities"]] or [_OF_FILES]
    yield "tasks", [_describe_task(card, name) for name in card["tasks"]] or [_OF_FILES]
    yield "groups", [_describe_groups(card)]
    yield "default protocol", [card["protocol"] or _OF_FILES]
    yield "official split", [card["split"]]
    yield "size", [card["size"]]
    yield "note", card["notes"]
    yield "parameters", [", ".join(Spec(card["name"], card["parameters"]).pairs)]
    yield "source", [card["url"]]
    yield "citation", [card["citation"]]
    yield "files", [card["request"]]
    if card["access"] not in ("simulated", "bundled"):
        yield "folder", [f"--data DIR, or $MMBENCH_DATA/{card['name']}"]
    if fetched := card["download"]:
        only = f"; only {fetched['part']}" if fetched["part"] else ""
        yield "fetched by", [f"mmbench data get {card['name']} ({fetched['extent']}{only})"]
    yield "simulated", [*_describe_simulation(card)]


def _describe_simulation(card: Card) -> Iterator[str]:
    """The simulated counterpart, and the command that writes simulated files."""
    if card["simulated"]:
        yield f"{card['simulated']}, in the same files, made on first use"
    if card["simulation"] and card["access"] != "simulated":
        options = ", ".join(Spec(card["name"], card["simulation"]).pairs)
        yield f"mmbench data simulate {card['name']} DIR, with the options {options}"


def _describe_groups(card: Card) -> str:
    return ", ".join(card["groups"]) or ("none" if card["tasks"] else _OF_FILES)


def _describe_task(card: Card, name: str) -> str:
    """Name, kind, number and names of the classes, labels or targets: ``state: class (2): rest, arithmetic``."""
    names = card["tasks"][name]
    return f"{name}: {card['task_kinds'][name]} " + (f"({len(names)}): {', '.join(names)}" if names else _OF_FILES)


def _describe_modality(card: Card, name: str) -> str:
    """Name, kind, size of a bag of more than one, and shape of an instance: ``face: image 10 × (3, 64, 64)``."""
    instances, *shape = card["modalities"][name]
    bag = f" {instances} ×" if instances > 1 else ""
    sides = ", ".join("open" if side is None else str(side) for side in shape)
    return f"{name}: {card['kinds'][name]}{bag}" + (f" ({sides})" if shape else "")
