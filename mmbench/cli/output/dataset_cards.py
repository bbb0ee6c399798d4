"""Cards of datasets: as plain values, chosen by what they offer, as a table of all or one by one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mmbench.errors import SpecError
from mmbench.registry import did_you_mean

if TYPE_CHECKING:
    from rich.table import Table

    from mmbench.contract import Dataset, Download

Card = Mapping[str, Any]

_MOST_NAMES = 4  # of modalities, tasks or groups in a cell
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


def make_card(dataset: "Dataset") -> dict[str, Any]:
    """What a dataset says of itself, as plain values."""
    schema, download = dataset.schema(), dataset.download()
    return {
        "name": dataset.name,
        **asdict(dataset.card),
        "modalities": {item.name: [item.instances, *item.shape] for item in schema.modalities},
        "kinds": {item.name: item.kind for item in schema.modalities},
        "tasks": {name: list(task.names) for name, task in schema.tasks.items()},
        "task_kinds": {name: task.kind for name, task in schema.tasks.items()},
        "groups": list(schema.groups),
        "download": download and {"extent": describe_extent(download), "url": download.url, "part": download.part},
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
        tasks, groups = _shorten(list(card["tasks"])) or "of the files", _shorten(card["groups"]) or "none"
        table.add_row(card["name"], card["access"], _describe_kinds(card) or "of the files", tasks, groups)
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


def card_table(card: Card) -> "Table":
    """The card of one dataset."""
    from rich.table import Table

    table = Table(title=f"{card['name']}: {card['title']}", title_justify="left", title_style="bold", box=None)
    table.show_header = False
    table.add_column("what", style="dim")
    table.add_column("value", overflow="fold")
    table.add_row("access", f"{card['access']}, {card['licence']}")
    table.add_row("modalities", ", ".join(_describe_modality(card, name) for name in card["modalities"]))
    table.add_row(
        "tasks", ", ".join(f"{task} ({len(classes) or 'of the files'})" for task, classes in card["tasks"].items())
    )
    table.add_row("groups", ", ".join(card["groups"]) or "none")
    for name, title in (("size", "size"), ("split", "official split")):
        if card[name]:
            table.add_row(title, card[name])
    for each in card["notes"]:
        table.add_row("note", each)
    table.add_row("from", card["url"])
    if fetched := card["download"]:
        only = f"; only {fetched['part']}" if fetched["part"] else ""
        table.add_row("fetched by", f"mmbench data get {card['name']} ({fetched['extent']}{only})")
    return table


def _describe_modality(card: Card, name: str) -> str:
    """Name, kind, size of a bag of more than one, and shape of an instance: ``face: image 10 × (3, 64, 64)``."""
    instances, *shape = card["modalities"][name]
    bag = f" {instances} ×" if instances > 1 else ""
    sides = ", ".join("open" if side is None else str(side) for side in shape)
    return f"{name}: {card['kinds'][name]}{bag}" + (f" ({sides})" if shape else "")
