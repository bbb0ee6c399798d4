"""Scores, ranks, tests and missing results of a suite as cells and sentences, for the terminal and the page."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmbench.reporting.metric_names import capitalized
from mmbench.reporting.number_format import format_p, format_score
from mmbench.reporting.terminal.warnings import ComparisonWarning, merge_warnings, warning_mark
from mmbench.results import ALPHA, LEAST_DATASETS, N_DRAWS, Comparison
from mmbench.storage import counted, plural_of
from mmbench.workflows import Standings, SuiteResult

DASH = "–"


def ordered_methods(result: SuiteResult) -> list[str]:
    """The methods by mean rank, then those without a rank."""
    ranked = [each.method for each in result.standings.ranked]
    return [*ranked, *(name for name in result.methods if name not in ranked)]


def dataset_title(name: str, comparison: Comparison) -> str:
    """The name of a dataset with the keywords of the warnings about its splits and data."""
    return name + warning_mark([comparison])


def suite_warnings(result: SuiteResult) -> list[ComparisonWarning]:
    """The warnings about the comparisons of a suite, with the names of their datasets."""
    return merge_warnings(result.comparisons.items())


def score_cells(result: SuiteResult, method: str) -> list[str]:
    """The score of a method on each dataset with a comparison; a dash where it has none."""
    found = (each.cell(method).score for each in result.datasets if each.comparison)
    return [DASH if score is None else format_score(score.mean) for score in found]


def rank_cell(result: SuiteResult, method: str) -> str:
    """The mean rank of a method with its interval, ``1.67 [1.0, 2.7]``; a dash where it has none."""
    found = next((each for each in result.standings.ranked if each.method == method), None)
    if found is None:
        return DASH
    interval = f" [{found.interval.low:.1f}, {found.interval.high:.1f}]" if found.interval else ""
    return f"{found.mean_rank:.2f}{interval}"


def data_row(comparison: Comparison) -> tuple[str, ...]:
    """Task, protocol, metric with its direction, and the units of a dataset."""
    run = comparison.run
    lower = "" if comparison.higher_is_better else ", lower is better"
    units = counted(len(comparison.methods[0].units), run["unit"])
    return run["task"], run["protocol"], f"{comparison.metric_title}{lower}", units


def rank_lines(result: SuiteResult) -> Iterator[str]:
    """What mean ranks are over, the methods that have none, and the test of ranks."""
    standings = result.standings
    if standings.ranked:
        over = f"mean rank over {counted(len(standings.datasets), 'dataset')}, 1 for the best"
        has_interval = standings.ranked[0].interval is not None
        interval = "[95 % bootstrap interval] over datasets and their statistical units"
        yield (
            f"{over}, {interval}" if has_interval else f"{over}; no interval over fewer than {LEAST_DATASETS} datasets"
        )
    if standings.unranked and standings.datasets:
        names = "; ".join(f"{name} ({n} of {len(standings.datasets)})" for name, n in standings.unranked.items())
        yield f"without a score on every dataset, and so without a mean rank: {names}"
    yield test_line(standings)


def test_line(standings: Standings) -> str:
    """The Friedman test in one line, or why there is none."""
    test = standings.test
    if test is None:
        return capitalized(standings.no_test)
    n = f"{counted(len(standings.ranked), 'method')}, {counted(len(standings.datasets), 'dataset')}"
    verdict = "differ significantly" if test.p < ALPHA else "do not differ significantly"
    return f"Friedman test ({n}): chi-squared {test.statistic:.2f}, p {format_p(test.p)}: mean ranks {verdict}"


def critical_line(standings: Standings) -> str:
    """The critical difference of mean ranks; "" without a test."""
    if standings.test is None:
        return ""
    n = f"{counted(len(standings.ranked), 'method')} and {counted(len(standings.datasets), 'dataset')}"
    how = f"p of each pair adjusted for all, by {N_DRAWS:,} permutations of the ranks within datasets"
    if standings.test.critical is None:
        return f"with {n} no difference of mean ranks can be significant ({how})"
    return f"critical difference of mean ranks {standings.test.critical:.2f} ({how})"


def verdict_title(result: SuiteResult) -> str:
    """What the counts of verdicts are of."""
    return f"{result.methods[0]} against"


def verdict_cells(result: SuiteResult) -> dict[str, list[str]]:
    """The number of datasets with each verdict on the first method, by the other method."""
    return {
        each.against: [str(each.better), str(each.not_significant), str(each.worse)]
        if each.n_datasets
        else [DASH, DASH, DASH]
        for each in result.verdict_counts
    }


VERDICT_COLUMNS = ("better", "not significant", "worse")
VERDICT_NOTE = "datasets by verdict: significantly better, not significant or identical, significantly worse"


def absent_lines(result: SuiteResult) -> Iterator[str]:
    """Datasets without a comparison, each with its reason, and missing scores with theirs."""
    absent = [each.listed for each in result.datasets if each.comparison is None]
    if absent:
        n = len(result.datasets)
        yield f"{len(absent)} of {counted(n, 'dataset')} {'is' if len(absent) == 1 else 'are'} not in these results:"
        yield from (f"  {each.name}, {each.state}: {each.reason}" for each in absent)
    missing = list(result.missing())
    if missing:
        yield f"{counted(len(missing), 'score')} {'is' if len(missing) == 1 else 'are'} missing ({DASH}):"
        yield from (f"  {method} on {dataset}: {reason}" for method, dataset, reason in missing)


_NAMES = {
    "standardize": "standardized by",
    "stratify": "stratified",
    "tune": "tuning trials",
    "tune_scope": "tuned by",
    "bad": "damaged samples",
}
_USUAL = {"stratify": False, "bad": "error", "threads": 1}
"""Settings that are not shown."""


def settings_table(datasets: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], list[list[str]], str]:
    """Columns and rows of the settings that differ between the datasets of a suite, and the others in a line.

    Task, protocol and metric are always columns.
    """
    keys = dict.fromkeys(key for settings in datasets.values() for key in settings if key != "name")
    values = {key: [_setting(key, name, each) for name, each in datasets.items()] for key in keys}
    shown = {
        key: cells
        for key, cells in values.items()
        if key in ("task", "protocol", "metric") or (len(set(cells)) > 1 and any(cells))
    }
    rows = [[name, *cells] for name, *cells in zip(datasets, *shown.values(), strict=True)]
    common = [f"{_NAMES.get(key, key)} {cells[0]}" for key, cells in values.items() if key not in shown and cells[0]]
    columns = {"dataset": "spec"} | _NAMES
    return ["dataset", *(columns.get(key, key) for key in shown)], rows, ", ".join(common)


def _setting(key: str, name: str, settings: Mapping[str, Any]) -> str:
    """The value of a setting in words; "" where it says nothing."""
    value = settings.get(key)
    if (
        value is None
        or _USUAL.get(key) == value
        or (key == "dataset" and value == name)
        or (key == "tune_scope" and "tune" not in settings)
    ):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{each} {of}" for each, of in value.items())
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text.replace("_", " ") if key == "metric" else text


def lead(result: SuiteResult) -> str:
    """The suite with its digest, methods and datasets in one line."""
    n_run = f"{len(result.comparisons)} of {counted(len(result.datasets), 'dataset')}"
    return f"{result.file.label} ({result.file.digest[:12]}) · {counted(len(result.methods), 'method')} · {n_run}"


def units_note(result: SuiteResult) -> str:
    """The statistical units of the datasets."""
    units = sorted({plural_of(each.run["unit"]) for each in result.comparisons.values()})
    return f"statistical units: {', '.join(units)}"
