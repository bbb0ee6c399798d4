"""Shapley values of games worked out by hand."""

from itertools import product

import numpy as np
import pytest

from mmbench.results.diagnosis.shapley import shapley_weights


def games(n_players: int) -> list[str]:
    return ["".join(joined) for joined in product("01", repeat=n_players)]


def values(game: dict[str, float]) -> list[float]:
    return list(shapley_weights([*game]) @ np.array([*game.values()]))


def test_the_gloves() -> None:
    """One has a left glove and two have a right one; a pair is payoff 1."""
    payoff = {joined: float(joined[0] == "1" and "1" in joined[1:]) for joined in games(3)}
    assert values(payoff) == pytest.approx([2 / 3, 1 / 6, 1 / 6])


@pytest.mark.parametrize("n_players", [1, 2, 3, 6, 8])
def test_shapley_values_do_not_depend_on_the_order_of_subsets(n_players: int) -> None:
    random = np.random.default_rng(n_players)
    subsets = games(n_players)
    payoff = {subset: float(value) for subset, value in zip(subsets, random.normal(size=len(subsets)), strict=True)}
    found = values(payoff)
    assert sum(found) == pytest.approx(payoff["1" * n_players] - payoff["0" * n_players])
    mixed = {subset: payoff[subset] for subset in random.permutation(subsets).tolist()}
    assert values(mixed) == pytest.approx(found)


def test_equals_get_the_same_and_who_adds_nothing_gets_nothing() -> None:
    payoff = {subset: float(subset[:2].count("1") ** 2) for subset in games(3)}
    assert values(payoff) == pytest.approx([2, 2, 0])


def test_games_add_up() -> None:
    random = np.random.default_rng(0)
    one, two = (dict(zip(games(3), random.normal(size=8).tolist(), strict=True)) for _ in range(2))
    both = {subset: one[subset] + two[subset] for subset in one}
    assert values(both) == pytest.approx(np.add(values(one), values(two)))
