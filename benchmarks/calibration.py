"""Error rates of verdicts and coverage of intervals, by simulated records and by real trainings.

    python benchmarks/calibration.py [--records 2000] [--datasets 200] [--jobs 2] [--only NAME ...] [--out FILE]

*Records* are drawn without models: who is right depends on the person, on the training and on chance. *Trainings* are
real ones of small networks on simulated people (`calibrating/networks.py`). Twins are the same network under other
draws; siblings read one of two modalities that are alike in distribution, so that neither is better in expectation but
each training set prefers one by chance. Nominal rates are 5 %, of coverage 95 %.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import joblib
import numpy as np
import torch
from calibrating.outputs import METRICS, Kind, run_outputs
from calibrating.people import LABELS, Design
from calibrating.rates import (
    rate_best,
    rate_chance,
    rate_coverage,
    rate_metrics,
    rate_metrics_by_chance,
    rate_pairs,
    rate_records,
)
from calibrating.records import Deviations, draw_records
from calibrating.runs import Methods, run_datasets
from calibrating.trials import METHODS, rate_cell, trial_cells

SEEDS = (1, 3, 5)
PEOPLE = (10, 20, 36)
PROTOCOLS = ("subject", "loso")
Row = tuple[str, ...]


RECORDED = 64
"""Windows of a person in simulated records: a difference of two methods deviates by .08 from them alone."""


def designs(windows: int = 30) -> list[Design]:
    """All cells of a table."""
    return [Design(n, protocol, labels, windows) for labels, protocol, n in product(LABELS, PROTOCOLS, PEOPLE)]


def records(design: Design, n: int, trainings: float, gain: float) -> list[str]:
    """Rates of one cell of simulated records, by number of seeds; the test of 0.1 where a difference is true."""
    random = np.random.default_rng(1)
    how = Deviations(trainings=trainings)
    drawn = (draw_records(design, how, (gain, 0.0), max(SEEDS), random) for _ in range(n))
    found = rate_records(drawn, SEEDS, exchange=gain > 0)
    now = [_share(found[seeds]["significant"]) for seeds in SEEDS]
    return [*now, *(_share(found[seeds]["significant, 0.1"]) for seeds in SEEDS if gain > 0)]


def table_records(n_records: int, n_datasets: int) -> tuple[Row, list[tuple[Design, Callable[[Design], list[str]]]]]:
    """Equal methods, simulated records: deviations .05 between people, .04 between trainings."""
    heads = ("people", "protocol", "labels", *(f"{seeds} seeds" for seeds in SEEDS))
    return heads, [(design, lambda each: records(each, n_records, 0.04, 0.0)) for design in designs(RECORDED)]


def table_power(n_records: int, n_datasets: int) -> tuple[Row, list[tuple[Design, Callable[[Design], list[str]]]]]:
    """A true difference of .05 and no variance between trainings: the share found, and by the test of 0.1."""
    heads = ("people", "protocol", "labels", *(f"{seeds} seeds" for seeds in SEEDS), *(f"0.1, {s}" for s in SEEDS))
    cells = [Design(n, protocol, "even", RECORDED) for protocol, n in product(PROTOCOLS, PEOPLE)]
    return heads, [(design, lambda each: records(each, n_records, 0.0, 0.05)) for design in cells]


def trainings(design: Design, n: int) -> list[str]:
    """Rates of one cell of real trainings."""
    torch.set_num_threads(1)
    datasets = list(run_datasets(design, Methods(twins=2), max(SEEDS), n, seed=7))
    found = rate_pairs(datasets, SEEDS)
    cells = []
    for seeds in SEEDS:
        held = rate_coverage(datasets, ("twin0", "first", "second"), seeds)["score held"]
        rates = found[seeds]
        cells += [
            " / ".join(_share(rates[name]) for name in ("twins", "siblings")),
            " / ".join((_share(held), _share(rates["difference held"]))),
        ]
    return [*cells, _share(found[1]["linear"]), _share(found[1]["twins, 0.1"])]


def table_trainings(n_records: int, n_datasets: int) -> tuple[Row, list[tuple[Design, Callable[[Design], list[str]]]]]:
    """Real trainings: twins / siblings significantly different, and coverage of intervals of scores / differences."""
    each = [name for seeds in SEEDS for name in (f"{seeds} seeds", f"held, {seeds}")]
    heads = ("people", "protocol", "labels", *each, "linear", "twins, 0.1")
    return heads, [(design, lambda each: trainings(each, n_datasets)) for design in designs()]


def best(design: Design, n_methods: int, n_records: int) -> str:
    """How often one of equal methods is excluded from the best, simulated records."""
    random = np.random.default_rng(2)
    design = replace(design, windows=RECORDED)
    drawn = (draw_records(design, Deviations(), (0.0,) * n_methods, 3, random) for _ in range(n_records))
    return _share(rate_best(drawn)["not among best"])


def table_best(n_records: int, n_datasets: int) -> tuple[Row, list[tuple[Design, Callable[[Design], list[str]]]]]:
    """One of 2, 3, 6 and 12 equal methods is excluded from the set of the best: records of 3 seeds; six real twins."""
    numbers = (2, 3, 6, 12)
    heads = ("people", "protocol", "labels", *(f"{n} methods" for n in numbers), *(f"six twins, {s}" for s in SEEDS))

    def rates(design: Design) -> list[str]:
        torch.set_num_threads(1)
        twins = run_datasets(design, Methods(twins=6, siblings=False), max(SEEDS), n_datasets, seed=8)
        found = rate_pairs(twins, SEEDS)
        drawn = [best(design, n_methods, max(1, n_records // 4)) for n_methods in numbers]
        return [*drawn, *(_share(found[seeds]["not among best"]) for seeds in SEEDS)]

    return heads, [(Design(n, "subject", "even"), rates) for n in PEOPLE]


def table_chance(n_records: int, n_datasets: int) -> tuple[Row, list[tuple[Design, Callable[[Design], list[str]]]]]:
    """Real trainings on labels that cannot be predicted: one network above chance / any of five."""
    heads = ("people", "protocol", "labels", *(f"{seeds} seeds" for seeds in SEEDS))

    def rates(design: Design) -> list[str]:
        torch.set_num_threads(1)
        noise = run_datasets(design, Methods(twins=5, siblings=False), max(SEEDS), n_datasets, seed=9, strength=0.0)
        found = rate_chance(noise, SEEDS)
        return [" / ".join(_share(found[seeds][name]) for name in ("one", "any of all")) for seeds in SEEDS]

    return heads, [(Design(n, "subject", labels), rates) for labels, n in product(LABELS, PEOPLE)]


def metric_rows(kind: Kind, n_people: int, n_datasets: int) -> list[Row]:
    """Rates of real trainings on values or labels, a row for each metric, by 1 and 3 seeds."""
    torch.set_num_threads(1)
    design, names = Design(n_people, "subject", "uneven"), METRICS[kind]
    datasets = list(run_outputs(design, kind, Methods(twins=2), 3, n_datasets, seed=7))
    noise = list(run_outputs(design, kind, Methods(twins=1, siblings=False), 3, n_datasets, seed=9, strength=0.0))
    rows = {name: [f"{n_people}", kind, name] for name in names}
    for seeds in (1, 3):
        found, chance = rate_metrics(datasets, names, seeds), rate_metrics_by_chance(noise, names, seeds)
        for name, row in rows.items():
            rates = found[name]
            row.append(" / ".join(_share(rates[each]) for each in ("twins", "siblings")))
            row.append(" / ".join(_share(rates[each]) for each in ("score held", "difference held")))
            row.append(_share(chance[name]["above chance"]))
    return [tuple(row) for row in rows.values()]


def make_metric_table(n_datasets: int, jobs: int) -> Iterator[str]:
    """Real trainings on values and labels: twins / siblings significantly different, coverage of the intervals of
    scores / differences, and scores above chance where targets cannot be predicted."""
    heads = [name for seeds in (1, 3) for name in (f"{seeds} seeds", f"held, {seeds}", f"above chance, {seeds}")]
    yield f"**metrics.** {' '.join((make_metric_table.__doc__ or '').split())}"
    yield ""
    yield f"| {' | '.join(('people', 'task', 'metric', *heads))} |"
    yield f"|{' --- |' * (3 + len(heads))}"
    cells = [(kind, n) for kind in METRICS for n in (10, 30)]
    work = joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(metric_rows)(kind, n, n_datasets) for kind, n in cells
    )
    for rows in work:
        yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def make_trial_table(n_datasets: int, jobs: int) -> Iterator[str]:
    """One model per person, labels that cannot be predicted: above chance, of a guesser that gives one class to a trial
    and of trainings, means over two and four classes, even and with a majority; the largest rate of one of them; all of
    them with the variance of a difference in place of that of a score; the guesser if windows were independent; and
    power of a linear classifier for labels that show."""
    heads = (
        "people",
        "trials",
        "windows",
        *METHODS,
        "largest",
        "as difference",
        "by windows",
        "power",
        "power as difference",
    )
    yield f"**within.** {' '.join((make_trial_table.__doc__ or '').split())}"
    yield ""
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    cells = trial_cells()
    work = joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(rate_cell)(cell, n_datasets) for cell in cells
    )
    for cell, rates in zip(cells, work, strict=True):
        yield f"| {' | '.join((*map(str, cell), *map(_share, rates)))} |"
    yield ""


TABLES = {
    "records": table_records,
    "power": table_power,
    "trainings": table_trainings,
    "best": table_best,
    "chance": table_chance,
}
WHOLE_TABLES = {"metrics": make_metric_table, "within": make_trial_table}
NAMES = [*TABLES, *WHOLE_TABLES]


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}".removeprefix("0")


def make_table(name: str, n_records: int, n_datasets: int, jobs: int) -> Iterator[str]:
    """The lines of one table in Markdown, as they are known."""
    if name in WHOLE_TABLES:
        yield from WHOLE_TABLES[name](n_datasets, jobs)
        return
    heads, cells = TABLES[name](n_records, n_datasets)
    yield f"**{name}.** {TABLES[name].__doc__}"
    yield ""
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    # Functions of a row are made here, so that processes are given them by cloudpickle.
    work = joblib.Parallel(n_jobs=jobs, return_as="generator")(joblib.delayed(rate)(design) for design, rate in cells)
    for (design, _), row in zip(cells, work, strict=True):
        yield f"| {' | '.join((str(design.n_people), design.protocol, design.labels, *row))} |"
    yield ""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2000, help="simulated records a cell")
    parser.add_argument("--datasets", type=int, default=200, help="datasets of real trainings a cell")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=NAMES, choices=NAMES)
    parser.add_argument("--out", type=Path, help="also write the tables there")
    options = parser.parse_args(arguments)
    start, lines = time.perf_counter(), []
    for name in options.only:
        for line in make_table(name, options.records, options.datasets, options.jobs):
            print(line, flush=True)
            lines.append(line)
            if options.out:
                options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{options.records} records and {options.datasets} datasets a cell, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
