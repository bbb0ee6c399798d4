from pathlib import Path

import pytest

from mmbench import DataError
from mmbench_datasets.eav import Eav
from mmbench_datasets.shared.remedies import DROP, GET_AGAIN, problem_of_file


@pytest.mark.parametrize(
    ("message", "remedy", "said"),
    [
        ("is missing", "put it there", f"get it from {Eav.card.url}, or {DROP}"),
        ("is empty", "get this file again", GET_AGAIN),
        ("is truncated", GET_AGAIN, GET_AGAIN),
    ],
)
def test_a_remedy_says_how_to_get_the_file_and_how_to_run_without_it(message: str, remedy: str, said: str) -> None:
    problem = problem_of_file(Path("file"), DataError(message, remedy=remedy), Eav.card, "sample")
    assert (problem.path, problem.message, problem.remedy, problem.concerns) == ("file", message, said, "sample")
