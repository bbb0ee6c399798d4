"""``mmbench data``: the files behind the datasets."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from mmbench.cli.console import note, progress, show, show_json, show_text
from mmbench.cli.options import Json, Plugins
from mmbench.errors import DataError, SpecError
from mmbench.registry import bind_arguments, parse_pairs, parse_spec

app = typer.Typer(
    help="List, fetch, check, simulate and prepare datasets.", no_args_is_help=True, rich_markup_mode=None
)
Cache = Annotated[Path | None, typer.Option(help="Folder for prepared data and tokens.")]


@app.command("list")
def list_datasets(plugin: Plugins = None, as_json: Json = False) -> None:
    """List the datasets: what they hold and how to come by them."""
    from mmbench.registry import Spec, load_registry

    registry = load_registry(tuple(plugin or ()))
    cards = [_card(registry.dataset(Spec(name))) for name in sorted(registry.datasets)]
    if as_json:
        show_json(cards)
        return
    for card in cards:
        show(_card_table(card))


def _card(dataset: Any) -> dict[str, Any]:
    from dataclasses import asdict

    schema, download = dataset.schema(), dataset.download()
    return {
        "name": dataset.name,
        **asdict(dataset.card),
        "modalities": {item.name: [item.instances, *item.shape] for item in schema.modalities},
        "tasks": {task: list(classes) for task, classes in schema.tasks.items()},
        "groups": list(schema.groups),
        "download": download and {"extent": _extent(download), "url": download.url, "part": download.part},
    }


def _card_table(card: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table(title=f"{card['name']}: {card['title']}", title_justify="left", title_style="bold", box=None)
    table.show_header = False
    table.add_column("what", style="dim")
    table.add_column("value", overflow="fold")
    table.add_row("access", f"{card['access']}, {card['licence']}")
    table.add_row("modalities", ", ".join(f"{name} {tuple(shape)}" for name, shape in card["modalities"].items()))
    table.add_row(
        "tasks", ", ".join(f"{task} ({len(classes) or 'of the files'})" for task, classes in card["tasks"].items())
    )
    table.add_row("groups", ", ".join(card["groups"]) or "none")
    table.add_row("from", card["url"])
    if fetched := card["download"]:
        only = f"; only {fetched['part']}" if fetched["part"] else ""
        table.add_row("fetched by", f"mmbench data get {card['name']} ({fetched['extent']}{only})")
    return table


@app.command("get")
def get(
    dataset: Annotated[str, typer.Argument(help="Dataset whose files are fetched.")],
    to: Annotated[
        Path | None, typer.Option(help="Folder for the files; default: $MMBENCH_DATA/NAME, data/NAME.")
    ] = None,
    source: Annotated[str | None, typer.Option("--from", help="Folder or mirror (http://...) that has a copy.")] = None,
    plugin: Plugins = None,
) -> None:
    """Fetch a dataset's open files from its publishers, or from a copy; the same command goes on where it stopped."""
    from mmbench.data import fetch
    from mmbench.registry import load_registry

    registry = load_registry(tuple(plugin or ()))
    spec = parse_spec(dataset)
    found = registry.dataset(spec)
    download = found.download()
    if download is None:
        raise SpecError(f"{spec.name} cannot be fetched", remedy=found.card.request or "it needs no files")
    folder = to or Path(os.environ.get("MMBENCH_DATA") or "data") / spec.name
    note(f"{found.card.title}: {_extent(download)} from {source or download.url}")
    if download.part:
        note(f"only {download.part}")
    with progress():
        fetched = fetch(download, folder, source, spec.name)
    show_text(f"{spec.name}: {len(download.pins)} files in {folder}, as pinned; {fetched} of them fetched now")
    show_text(f"licence {found.card.licence}; cite {found.card.citation}")


def _extent(download: Any) -> str:
    return f"{len(download.pins)} files, {sum(pin.size for pin in download.pins) / 1e6:.1f} MB"


@app.command("check")
def check(
    dataset: Annotated[str, typer.Argument(help="Dataset, as name or name[param=value,...].")],
    data: Annotated[Path | None, typer.Option(help="Folder of the dataset's files.")] = None,
    cache: Cache = None,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Say what of a dataset is there, what is missing, damaged or left out, and what to do about it."""
    from dataclasses import asdict

    from mmbench.data import Inventory, check_schema, default_cache, locate, take_inventory
    from mmbench.registry import load_registry

    registry = load_registry(tuple(plugin or ()))
    spec = parse_spec(dataset)
    with progress():
        root = locate(registry, spec, data, cache or default_cache())
        found = registry.dataset(spec)
        problems = found.check(root)
        schema = check_schema(found.schema() if problems else found.schema_of(root), spec.name)
        try:
            inventory = take_inventory(found, root, [problem.path for problem in problems], tolerant=bool(problems))
        except DataError:
            if not problems:
                raise
            inventory = Inventory([], {})  # what is wrong is among the problems
    if as_json:
        known = {"root": str(root), "tasks": dict(schema.tasks), "groups": list(schema.groups), **asdict(inventory)}
        show_json({**known, "problems": [asdict(problem) for problem in problems]})
    else:
        _show_check(spec.name, root, schema, inventory, problems)
    if problems:
        raise typer.Exit(2)


def _show_check(name: str, root: Path, schema: Any, inventory: Any, problems: list[Any]) -> None:
    from mmbench.data import contents_lines

    n_units = len(inventory.units)
    n_problems = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}" if problems else "nothing missing"
    show_text(f"{name}: {n_units} unit{'' if n_units == 1 else 's'} in {root}, {n_problems}")
    if not problems:
        for task, classes in schema.tasks.items():
            show_text(f"{task}: {', '.join(classes)}; groups: {', '.join(schema.groups) or 'none'}")
    for line in [*contents_lines(inventory.contents), *inventory.lines]:
        show_text(line)
    for problem in problems:
        note(f"{problem.path}: {problem.message}" + (f" — {problem.remedy}" if problem.remedy else ""))


@app.command("simulate")
def simulate(
    dataset: Annotated[str, typer.Argument(help="Dataset whose layout is written.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into.")],
    subjects: Annotated[int, typer.Option(help="Number of people.")],
    seed: Annotated[int, typer.Option(help="Seed; the same one gives the same files.")] = 0,
    strength: Annotated[float, typer.Option(help="How much the signals tell of the labels; 0: nothing.")] = 1.0,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of this dataset's simulator.")] = None,
    plugin: Plugins = None,
) -> None:
    """Write simulated files in a dataset's own layout."""
    from mmbench.contract import Dataset, overrides
    from mmbench.registry import load_registry
    from mmbench.storage import make_folder

    registry = load_registry(tuple(plugin or ()))
    found = registry.dataset(parse_spec(dataset))
    if not overrides(found, "simulate", Dataset):
        able = [name for name, entry in registry.datasets.items() if entry.component.simulate is not Dataset.simulate]
        raise SpecError(f"{dataset} has no simulator", remedy=f"those that have one: {', '.join(sorted(able))}")
    given = {"subjects": subjects, "seed": seed, "strength": strength, **parse_pairs(option or (), "--option")}
    options = bind_arguments(found.simulate, given, where="--option")
    with progress():
        found.simulate(make_folder(folder).resolve(), **options)
    show(f"simulated {found.name}: {subjects} subjects in {folder}")


@app.command("prepare")
def prepare(
    dataset: Annotated[str, typer.Argument(help="Dataset, as name or name[param=value,...].")],
    data: Annotated[Path | None, typer.Option(help="Folder of the dataset's files.")] = None,
    cache: Cache = None,
    jobs: Annotated[int | None, typer.Option(help="Processes; default: one a core.")] = None,
    bad: Annotated[str, typer.Option(help="What to do with unusable samples: error or drop.")] = "error",
    plugin: Plugins = None,
) -> None:
    """Turn a dataset's files into one prepared file, as a run would."""
    from joblib import cpu_count

    from mmbench.data import Preparation, default_cache, gap_lines, locate, loss_line
    from mmbench.data import prepare as make
    from mmbench.registry import load_registry

    plugins = tuple(plugin or ())
    folder = cache or default_cache()
    spec = parse_spec(dataset)
    with progress():
        root = locate(load_registry(plugins), spec, data, folder)
        store = make(Preparation(spec, root, folder, plugins, bad), jobs or cpu_count())
    show(f"{len(store)} samples in {store.path}")
    if losses := loss_line(len(store.attributes["dropped"]), list(store.attributes.get("lost", ()))):
        show_text(losses)
    for line in gap_lines(store.attributes["gaps"]):
        show(line)
