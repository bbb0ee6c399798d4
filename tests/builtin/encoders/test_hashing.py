"""Hashed n-grams."""

import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench import Modality, SpecError
from mmbench.builtin.encoders.hashing import Hashing

TEXT = Modality("text", "text", ())


def test_words_and_pairs_are_counted_with_a_logarithm() -> None:
    encoder = Hashing(TEXT, buckets=1 << 16, words=1, characters=0)
    once, thrice = encoder(["good bad"])[0, 0], encoder(["good good good bad"])[0, 0]
    assert once.count_nonzero() == 2
    assert once.abs().unique().tolist() == pytest.approx([0, 2**-0.5])
    large, small = thrice.abs().sort(descending=True).values[:2].tolist()
    assert large / small == pytest.approx(2.0)  # log(1 + 3) / log(1 + 1)
    pairs = Hashing(TEXT, buckets=1 << 16, words=2, characters=0)
    assert pairs(["not good"])[0].count_nonzero() == 3
    assert not torch.equal(pairs(["good not"]), pairs(["not good"]))
    assert torch.equal(encoder(["good not"]), encoder(["not good"]))


def test_case_and_compatibility_forms_are_ignored() -> None:
    encoder = Hashing(TEXT)
    assert torch.equal(encoder(["Straße ﬁne"]), encoder(["STRASSE FINE"]))


def test_parts_of_words_make_neighbours_alike() -> None:
    tokens = Hashing(TEXT)(["wonderful", "wonderfully", "terrible"])[:, 0]
    assert tokens[0] @ tokens[1] > 0.5 > tokens[0] @ tokens[2]


@settings(deadline=None)
@given(st.lists(st.text(), max_size=4))
def test_any_text_has_length_one_or_is_zero(texts: list[str]) -> None:
    lengths = Hashing(TEXT, buckets=64)(texts).norm(dim=-1)
    assert lengths.shape == (len(texts), 1)
    assert all(length == 0 or length == pytest.approx(1, abs=1e-5) for length in lengths.flatten().tolist())


def test_tokens_do_not_depend_on_pythons_hash_seed() -> None:
    code = (
        "from mmbench import Modality; from mmbench.builtin.encoders.hashing import Hashing;"
        "print(Hashing(Modality('t', 'text', ()), buckets=32)(['one two 🙂']).flatten().tolist())"
    )
    environments = [{**os.environ, "PYTHONHASHSEED": seed} for seed in ("1", "2")]
    outputs = {subprocess.check_output([sys.executable, "-c", code], env=each) for each in environments}
    assert len(outputs) == 1


def test_parameters_out_of_range_are_refused() -> None:
    for params in ({"buckets": 0}, {"words": -1}):
        with pytest.raises(SpecError, match=next(iter(params))):
            Hashing(TEXT, **params)
