"""No reader crashes, runs code or fills the memory, whatever is in a file: the first few of the inputs of a fuzzer.

`benchmarks/fuzz.py` reads 100,000 of them and more.
"""

from random import Random

import pytest
from fuzzing.readers import READERS, inputs_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SLOW = {
    "record", "comparison", "ablation", "preset", "bdf", "edf", "prepared", "audit", "study", "board-page",
    "added-folds", "report",
}  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore")  # libraries wonder about damaged files


@pytest.mark.parametrize("name", READERS)
def test_what_is_valid_is_read(bench, name):
    for content in bench.seeds(name)[: 1 if name in SLOW else 2]:
        assert bench.judge(name, content) is None
    bench.read(name, bench.seeds(name)[0])


@pytest.mark.parametrize("name", READERS)
def test_corrupted_files_are_read_or_refused_in_one_line(bench, name):
    seeds = bench.seeds(name)

    @settings(
        max_examples=6 if name in SLOW else 30,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=False))
    def fuzz(random: Random) -> None:
        content = READERS[name].change(random, seeds)
        finding = bench.judge(name, content)
        assert finding is None, f"{finding.kind}: {finding.detail}\n{content[:200].hex()}"

    fuzz()


@pytest.mark.parametrize("name", READERS)
def test_an_empty_file_is_refused_or_read(bench, name):
    bench.seeds(name)
    assert bench.judge(name, b"") is None


def test_each_reader_gets_its_share():
    wanted = inputs_of(1000, list(READERS))
    assert sum(wanted.values()) >= 1000
    assert min(wanted.values()) > 0
