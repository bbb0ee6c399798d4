"""Claim cards that come with mmbench and its trainers: sources, rows on the dataset and on the twin, and results."""

from dataclasses import replace
from pathlib import Path

import pytest

import mmbench
from mmbench.builtin.plugin import CONCAT
from mmbench.contract import Method
from mmbench.registry import parse_spec
from mmbench.registry.plugins import load_registry
from mmbench.reporting.terminal import claim_tables, render
from mmbench.workflows.claims.cards import find_cards, load_card
from mmbench.workflows.claims.claim import ClaimResult
from mmbench.workflows.claims.rows import ClaimSpec, make_row_run
from mmbench.workflows.run import run_spec
from mmbench_balance.plugin import OGM_GE

CARDS = [(method, path) for method in (CONCAT, OGM_GE) for path in find_cards(method).values()]
# Cards with a row that has a leak-free twin run, and one that does not, each with the sizes of a small twin.
SMALL = {
    "mmsa-mosi": ("concat", "mmsa-sim[subjects=4]", ["late fusion", "late fusion (best test epoch)"]),
    "seed-iv": (
        "concat",
        "seed-iv-sim[subjects=2,windows=4]",
        ["windows shuffled", "trials held out", "sessions held out"],
    ),
    "cremad-ogm": ("concat", "cremad-sim[subjects=3,sentences=2,size=32]", ["split and epoch as published"]),
    "cremad": ("ogm-ge", "cremad-sim[subjects=3,sentences=2,size=32]", ["split and epoch as published"]),
}


def ids(value: object) -> str | None:
    return value.stem if isinstance(value, Path) else value.name if isinstance(value, Method) else None


def words(result: ClaimResult) -> str:
    return " ".join(" ".join(render(table) for table, _ in claim_tables(result)).split())


def test_claims_beside_those_of_milmer_are_bundled() -> None:
    assert sorted(path.stem for _, path in CARDS) == sorted(SMALL)


@pytest.mark.parametrize(("method", "path"), CARDS, ids=ids)
def test_a_card_cites_its_numbers_and_its_rows_exist(method: Method, path: Path) -> None:
    card = load_card(path)
    assert card.twin is not None
    for reported in card.reported:
        assert reported.url.startswith("https://")
    registry = load_registry()
    for on in (None, parse_spec(card.twin.dataset).name):
        for row in card.rows:
            run = make_row_run(registry, card, row, ClaimSpec(method.name, on=on))
            assert run.left_out == ()
            assert (run.spec.tune, run.spec.protocol) == (row.tune, row.protocol)


@pytest.mark.parametrize(("method", "path"), CARDS, ids=ids)
def test_a_card_ends_with_rows_that_hold_out_whole_groups(method: Method, path: Path) -> None:
    card = load_card(path)
    assert card.rows[-1].protocol.split(":")[0] in ("subject", "group")
    assert card.rows[-1].score == "chosen"
    assert {"only", "prior"} <= {parse_spec(text).name for text in card.rows[-1].against}


def test_rows_without_the_data_keep_the_reason_and_the_card_names_the_simulated_dataset(tmp_path: Path) -> None:
    result = mmbench.claim("concat", "seed-iv", run=True, out=tmp_path / "runs", cache=tmp_path / "cache")
    (found,) = result.cards
    assert all("is not here" in row.reason for row in found.rows)
    assert result.failure.startswith("every row that was run failed: windows shuffled (best epoch)")
    assert words(result).count("is not here") == 1
    assert found.simulated_command.startswith("mmbench claim concat seed-iv --on seed-iv-sim ")
    assert found.simulated_command.endswith(" --run")
    ((_, commands),) = claim_tables(result)
    assert commands[-2:] == ["# on simulated data", found.simulated_command]
    assert f"note: {found.card.note[:40]}" in words(result)


def test_a_card_on_the_simulated_dataset_does_not_name_it_again(tmp_path: Path) -> None:
    (found,) = mmbench.claim("concat", "seed-iv", on="seed-iv-sim", out=tmp_path / "runs").cards
    assert found.simulated_command == ""


@pytest.mark.parametrize("name", SMALL)
def test_rows_run_on_the_simulated_twin(name: str, tmp_path: Path) -> None:
    method, on, only = SMALL[name]
    result = mmbench.claim(
        method, name, on=on, run=True, only=only, seeds=1, training={"epochs": 1}, jobs=1, out=tmp_path / "runs",
        cache=tmp_path / "cache",
    )  # fmt: skip
    (found,) = result.cards
    assert result.failure == ""
    assert found.simulated
    assert [row.row.name for row in found.rows if row.scores] == only
    assert all(row.over_reported is None for row in found.rows)
    text = words(result)
    assert "these rows say nothing about the claim" in text
    leaky = {row.row.name for row in found.rows if row.leaks}
    assert leaky == {"split and epoch as published", "windows shuffled"} & set(only)
    if name == "mmsa-mosi":
        assert "oracle: bias of choosing the epoch by MAE on test data" in text
        assert "chance level" not in text
        assert "…" not in text
    if name == "cremad":
        assert [score.method.name for score in found.rows[0].scores] == ["ogm-ge", "concat[trainer=adamw]"]


@pytest.mark.parametrize(("name", "left"), [("mmsa-mosi", 4), ("cremad-ogm", 2)])
def test_the_other_rows_run_with_one_tuning_trial_and_three_folds(name: str, left: int, tmp_path: Path) -> None:
    method, on, only = SMALL[name]
    (card,) = (load_card(path) for _, path in CARDS if path.stem == name)
    spec = ClaimSpec(
        method, name, on=on, seeds=1, training={"epochs": 1}, jobs=1, out=tmp_path / "runs", cache=tmp_path / "cache"
    )
    rows = [row for row in card.rows if row.name not in only]
    assert len(rows) == left
    for row in rows:
        found = make_row_run(load_registry(), card, row, spec).spec
        small = replace(found, tune=found.tune and 1, folds=found.folds and 3)
        comparison = run_spec(small)
        assert comparison.failed == {}
        assert comparison.methods[0].name == row.method
