"""The options of a suite run, and the comparison that each dataset of the suite stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmbench.data import default_cache_folder
from mmbench.errors import SpecError
from mmbench.registry import NO_PRESET, did_you_mean, load_registry, parse_spec, split_list
from mmbench.workflows.request import RunSpec
from mmbench.workflows.suites.definition import Suite, SuiteDataset


@dataclass(frozen=True)
class SuiteSpec:
    """The options of a suite run; ``mmbench suite run --help`` explains each.

    ``suite`` is the name of a suite of the package or the path of a TOML file. ``data`` gives the folders of datasets
    by name, ``only`` the datasets to run (empty: all).
    """

    suite: str
    methods: tuple[str, ...]
    data: Mapping[str, Path] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    require_all: bool = False
    out: Path = Path("runs")
    cache: Path = field(default_factory=default_cache_folder)
    device: str = "auto"
    jobs: int | None = None
    cluster: str | None = None
    plugins: tuple[str, ...] = ()


def read_methods(methods: str | Sequence[str], plugins: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The methods of a suite as they stand in tables; names separated by commas, or a list.

    Raises SpecError for fewer than two, for one named twice, and for an unknown one.
    """
    texts = split_list(methods) if isinstance(methods, str) else list(methods)
    specs = [parse_spec(text) for text in texts]
    registry = load_registry(plugins)
    for spec in specs:
        registry.find("methods", spec.name)
    names = [str(spec) for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(f"{name!r} is named twice", where="--methods", remedy="name each method once")
    if len(names) < 2:
        raise SpecError("names fewer than two methods", where="--methods", remedy="name the methods to compare")
    return tuple(names)


def check_names(spec: SuiteSpec, suite: Suite) -> None:
    """Raise SpecError for a dataset of ``--data`` or ``--only`` that the suite does not have."""
    entries = [each.name for each in suite.datasets]
    with_specs = {*entries, *(parse_spec(each.spec).name for each in suite.datasets)}
    for option, names, known in (("--data", spec.data, with_specs), ("--only", spec.only, entries)):
        for name in names:
            if name not in known:
                raise SpecError(
                    f"{suite.label} has no dataset {name!r}", where=option, remedy=did_you_mean(name, known)
                )


def find_data(spec: SuiteSpec, dataset: SuiteDataset) -> Path | None:
    """The folder of a dataset that the user gives, by its name in the suite or by that of the dataset."""
    return spec.data.get(dataset.name) or spec.data.get(parse_spec(dataset.spec).name)


def make_run(spec: SuiteSpec, dataset: SuiteDataset, methods: Sequence[str]) -> RunSpec:
    """The comparison of ``methods`` on a dataset of the suite; presets of methods do not apply."""
    first, *others = methods
    return RunSpec(
        method=first,
        dataset=dataset.spec,
        against=tuple(others),
        preset=NO_PRESET,
        data=find_data(spec, dataset),
        out=spec.out,
        cache=spec.cache,
        device=spec.device,
        jobs=spec.jobs,
        cluster=spec.cluster,
        plugins=spec.plugins,
        protocol=dataset.protocol,
        folds=dataset.folds,
        stratify=dataset.stratify,
        task=dataset.task,
        metric=dataset.metric,
        standardize=dataset.standardize,
        seeds=dataset.seeds,
        units=dataset.units,
        modalities=dataset.modalities,
        encoders=dataset.encoders,
        training=dataset.training,
        tune=dataset.tune,
        tune_scope=dataset.tune_scope,
        bad=dataset.bad,
        threads=dataset.threads,
    )
