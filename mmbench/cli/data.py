"""``mmbench data``: files of the datasets."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mmbench.cli.completion import complete_dataset
from mmbench.cli.describe import describe
from mmbench.cli.help import DATA, Command, Group
from mmbench.cli.options import Cache, Data, DatasetName, Jobs, Json, Plugins
from mmbench.cli.output.console import note, show, show_json, show_text
from mmbench.cli.output.dataset_cards import (
    N_SIMULATED,
    Choice,
    card_text,
    describe_extent,
    make_card,
    overview_table,
    simulation_options,
)
from mmbench.cli.output.progress import progress
from mmbench.errors import DataError, SpecError
from mmbench.registry import bind_arguments, parse_pairs, parse_spec

app = typer.Typer(
    help="List, fetch, check, simulate and prepare datasets.",
    epilog="mmbench data list",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list", cls=Command, epilog="mmbench data list --kind audio --access open")
def list_datasets(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Datasets whose cards are shown; default: a table of all.", autocompletion=complete_dataset
        ),
    ] = None,
    access: Annotated[
        str | None, typer.Option(help="Only open, gated, bundled, simulated or your own.", rich_help_panel=DATA)
    ] = None,
    modality: Annotated[
        str | None, typer.Option(help="Only with a modality of this name, such as eeg.", rich_help_panel=DATA)
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only with a modality of this kind, such as audio.", rich_help_panel=DATA)
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="Only with a task of this name, or of classes (class), labels, values.", rich_help_panel=DATA
        ),
    ] = None,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """List datasets with modalities, tasks, licence and source."""
    from mmbench.registry import describe_missing_distributions, load_registry

    registry = load_registry(tuple(plugin or ()))
    found = [make_card(registry, parse_spec(name)) for name in names or sorted(registry.datasets)]
    cards = Choice(access, modality, kind, task).choose(found)
    if as_json:
        show_json(cards)
        return
    if names:
        for card in cards:
            show(card_text(card), wrap=False)
    else:
        _show_overview(cards, hides_simulated=access is None)
    if missing := describe_missing_distributions():
        note(missing)


def _show_overview(cards: Sequence[Mapping[str, Any]], hides_simulated: bool) -> None:
    """A table of datasets, without simulated ones unless they are asked for."""
    shown = [card for card in cards if not (hides_simulated and card["access"] == "simulated")]
    if shown:
        show(overview_table(shown))
    else:
        show_text("no dataset has all of this")
    if hidden := len(cards) - len(shown):
        show_text(f"{hidden} simulated: mmbench data list --access simulated")
    if fetched := [card["name"] for card in shown if card["download"]]:
        show_text(f"downloaded by mmbench data get: {', '.join(fetched)}")
    show_text("licence, shapes, classes and citation: mmbench data list NAME")


@app.command("get", cls=Command, epilog="mmbench data get NAME --to data/NAME")
def get(
    dataset: Annotated[str, typer.Argument(help="Dataset to fetch.", autocompletion=complete_dataset)],
    to: Annotated[
        Path | None,
        typer.Option(help="Folder for the files; default: $MMBENCH_DATA/NAME or data/NAME.", rich_help_panel=DATA),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="Folder or mirror (http://...) that has a copy.", rich_help_panel=DATA)
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Fetch the files of an open dataset; the same command resumes."""
    from mmbench.data import fetch
    from mmbench.registry import load_registry

    registry = load_registry(tuple(plugin or ()))
    spec = parse_spec(dataset)
    found = registry.dataset(spec)
    download = found.download()
    if download is None:
        raise SpecError(f"{spec.name} cannot be fetched", remedy=found.card.request or "it needs no files")
    folder = to or Path(os.environ.get("MMBENCH_DATA") or "data") / spec.name
    note(f"{found.card.title}: {describe_extent(download)} from {source or download.url}")
    if download.part:
        note(f"only {download.part}")
    with progress():
        fetched = fetch(download, folder, source, spec.name)
    show_text(f"{spec.name}: {len(download.pins)} files in {folder}, checksums verified; {fetched} fetched now")
    show_text(f"licence {found.card.licence}; cite {found.card.citation}")


@app.command("check", cls=Command, epilog="mmbench data check NAME --data data/NAME")
def check(
    dataset: DatasetName,
    data: Data = None,
    cache: Cache = None,
    read: Annotated[
        bool,
        typer.Option("--read", help="Also read every sample as a run does, without storing it.", rich_help_panel=DATA),
    ] = False,
    jobs: Jobs = None,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Check the files of a dataset for missing and damaged ones."""
    from dataclasses import asdict

    from joblib import cpu_count

    from mmbench.data import Preparation, default_cache_folder, find_dataset, find_dataset_folder, find_reading_problems
    from mmbench.registry import load_registry

    if jobs and not read:
        raise SpecError("applies to reading", where="--jobs", remedy="add --read, or leave --jobs out")
    plugins = tuple(plugin or ())
    registry = load_registry(plugins)
    dataset, data = find_dataset(registry, dataset, data)
    spec = parse_spec(dataset)
    n_read = None
    with progress():
        folder = cache or default_cache_folder()
        root = find_dataset_folder(registry, spec, data, folder)
        found = registry.dataset(spec)
        schema, inventory, problems = _check_files(found, root)
        notes = () if problems and not inventory.units else found.card_of(root).notes
        if read and not problems:
            whole = Preparation(spec, root, folder, plugins, bad="drop")
            n_read, problems = find_reading_problems(whole, jobs or cpu_count())
    if as_json:
        known = {
            "root": str(root),
            "tasks": {name: task.names for name, task in schema.tasks.items()},
            "groups": list(schema.groups),
            **asdict(inventory),
            "notes": list(notes),
            **({"read": n_read} if read else {}),
        }
        show_json({**known, "problems": [asdict(problem) for problem in problems]})
    else:
        _show_check(spec.name, root, schema, inventory, problems, notes)
        if read:
            show_text(_describe_reading(n_read))
    if problems:
        raise typer.Exit(2)


def _check_files(dataset: Any, root: Path) -> tuple[Any, Any, list[Any]]:
    """The schema and the inventory of a dataset's folder, as far as its problems allow, and these."""
    from mmbench.data import Inventory, check_schema, take_inventory

    problems = dataset.check(root)
    schema = check_schema(dataset.schema() if problems else dataset.schema_of(root), dataset.name)
    try:
        inventory = take_inventory(dataset, root, [problem.path for problem in problems], tolerant=bool(problems))
    except DataError:
        if not problems:
            raise
        inventory = Inventory([], {})  # what is wrong is among the problems
    return schema, inventory, problems


def _describe_reading(n: int | None) -> str:
    from mmbench.storage import counted

    return (
        "read: no sample, because of these problems" if n is None else f"read: {counted(n, 'sample')} without an error"
    )


def _show_check(
    name: str, root: Path, schema: Any, inventory: Any, problems: list[Any], notes: tuple[str, ...]
) -> None:
    from mmbench.data import contents_lines, problem_lines
    from mmbench.storage import counted

    n_problems = counted(len(problems), "problem") if problems else "no problem found"
    unused = [(len(inventory.left_out), "part", "left out"), (len(inventory.unread), "file", "not read")]
    others = ", ".join(f"{counted(n, what)} {how}" for n, what, how in unused if n)
    head = f"{name}: {counted(len(inventory.units), 'unit')} in {root}, {n_problems}"
    show_text(f"{head}; {others}" if others else head)
    if not problems:
        for name, task in schema.tasks.items():
            show_text(f"{name}: {', '.join(task.names)}; groups: {', '.join(schema.groups) or 'none'}")
    for line in [*contents_lines(inventory.contents), *inventory.lines, *(f"DATA: {each}" for each in notes)]:
        show_text(line)
    for line in problem_lines(problems):
        note(line)


@app.command("simulate", cls=Command, epilog="mmbench data simulate NAME data/simulated --subjects 8")
def simulate(
    dataset: Annotated[
        str,
        typer.Argument(
            help='Dataset to simulate, with its parameters: "mmsa[name=sims]".', autocompletion=complete_dataset
        ),
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into.")],
    subjects: Annotated[
        int,
        typer.Option(help="Number of subjects; of videos or films where there are none.", rich_help_panel=DATA),
    ] = N_SIMULATED,
    seed: Annotated[
        int, typer.Option(help="Random seed; the same seed gives the same files.", rich_help_panel=DATA)
    ] = 0,
    strength: Annotated[
        float, typer.Option(help="Strength of the label signal in the data; 0: none.", rich_help_panel=DATA)
    ] = 1.0,
    option: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=VALUE of the simulator, which mmbench data list NAME shows; may be repeated.",
            rich_help_panel=DATA,
        ),
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Write simulated files in the layout of a dataset."""
    from mmbench.contract import Dataset, overrides
    from mmbench.registry import load_registry
    from mmbench.storage import counted, counted_plural, make_folder

    registry = load_registry(tuple(plugin or ()))
    found = registry.dataset(parse_spec(dataset))
    if not overrides(found, "simulate", Dataset):
        simulated = [
            name for name, entry in registry.datasets.items() if entry.component.simulate is not Dataset.simulate
        ]
        raise SpecError(f"{dataset} has no simulator", remedy=f"those that have one: {', '.join(sorted(simulated))}")
    given = parse_pairs(option or (), "--option")
    spec = parse_spec(dataset)
    for name in given.keys() & registry.bound("datasets", spec).keys() - simulation_options(found).keys():
        remedy = f'write "{spec.updated({name: given[name]})}"'
        raise SpecError(f"{name} is a parameter of the dataset", where="--option", remedy=remedy)
    arguments = {"subjects": subjects, "seed": seed, "strength": strength, **given}
    options = bind_arguments(found.simulate, arguments, where="--option")
    with progress():
        root = make_folder(folder).resolve()
        found.simulate(root, **options)
    counts = [counted_plural(number, words) for words, number in found.counts(root).items()]
    show(f"simulated {found.name}: {counts[0] if counts else counted(subjects, 'subject')} in {folder}")


@app.command("prepare", cls=Command, epilog="mmbench data prepare NAME --data data/NAME")
def prepare(
    dataset: DatasetName,
    data: Data = None,
    cache: Cache = None,
    jobs: Jobs = None,
    bad: Annotated[
        str, typer.Option(help="What to do with unusable samples: error or drop.", rich_help_panel=DATA)
    ] = "error",
    plugin: Plugins = None,
) -> None:
    """Convert the files of a dataset into one prepared file."""
    from joblib import cpu_count

    from mmbench.data import (
        Preparation,
        change_lines,
        default_cache_folder,
        dropped_line,
        find_dataset,
        find_dataset_folder,
        missingness_lines,
    )
    from mmbench.data import prepare as make
    from mmbench.registry import load_registry
    from mmbench.storage import counted

    plugins = tuple(plugin or ())
    folder = cache or default_cache_folder()
    registry = load_registry(plugins)
    dataset, data = find_dataset(registry, dataset, data)
    spec = parse_spec(dataset)
    with progress():
        root = find_dataset_folder(registry, spec, data, folder)
        store = make(Preparation(spec, root, folder, plugins, bad), jobs or cpu_count())
    show(f"{counted(len(store), 'sample')} in {store.path}")
    if losses := dropped_line(len(store.attributes["dropped"]), list(store.attributes.get("lost", ()))):
        show_text(losses)
    for line in missingness_lines(store.attributes["gaps"]):
        show(line)
    for line in change_lines(store.attributes.get("changes", {}), store.schema):
        show(line)


app.command("describe", cls=Command, epilog="mmbench data describe FOLDER --target emotion")(describe)
