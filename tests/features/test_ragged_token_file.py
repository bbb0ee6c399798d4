"""Tokens of unequal number are stored without padding, resumed by block, and read with their lengths."""

from pathlib import Path

import numpy as np
import pytest
import torch

import mmbench
from mmbench.contract import TokenSpec
from mmbench.data import open_tokens, read_bags
from mmbench.data.preparation import Preparation, prepare
from mmbench.data.store import Store
from mmbench.errors import DamagedError, PluginError
from mmbench.features import cache as module
from mmbench.features.cache import Encoding, encode
from mmbench.features.ragged_token_file import RaggedBlocks, join_ragged_blocks, write_ragged_block
from mmbench.features.token_file import Block
from mmbench.registry.build import build_encoder
from mmbench.registry.specs import parse_spec
from mmbench.training.bag_encoding import encode_bag

PLUGINS = tuple(str(Path(__file__).parents[1] / "plugins" / name) for name in ("kinds.py", "ragged_plugin.py"))
ENCODERS = {
    "motion": "recurrent[frozen=true]",
    "voice": "recurrent[frozen=true]",
    "clip": "frame-colours",
    "note": "word-lengths",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kinds")
    for subject in range(5):
        lines = (f"t{trial} {100 * subject + trial}\n" for trial in range(30))
        (root / f"s{subject}.txt").write_text("".join(lines))
    return prepare(Preparation(parse_spec("kinds"), root, root / "cache", PLUGINS)).path


def encoding(prepared: Path, modality: str, encoder: str) -> Encoding:
    return Encoding(prepared, modality, parse_spec(encoder), PLUGINS, "cpu")


@pytest.mark.parametrize("modality", ENCODERS)
def test_stored_tokens_are_those_of_each_sample_alone(prepared: Path, tmp_path: Path, modality: str) -> None:
    what = encoding(prepared, modality, ENCODERS[modality])
    tokens, store = open_tokens(encode(what, tmp_path), modality), Store(prepared)
    assert tokens.lengths is not None
    assert len(tokens.x) == tokens.lengths.sum()
    encoder = build_encoder(what.encoder, store.schema.modality(modality), PLUGINS, module.FROZEN_SEED).eval()
    assert len(store) > 128, "more than one block"
    for row in [0, 1, 5, 40, 127, 128, len(store) - 1]:
        with torch.inference_mode():
            alone = encode_bag(encoder, read_bags(store.source(modality), np.array([row])))
        x, present = tokens.read(np.array([row]))
        assert np.array_equal(tokens.lengths[[row]], alone.mask.sum(dim=2))
        assert np.array_equal(present, alone.present)
        np.testing.assert_allclose(x, alone.x, atol=1e-6)


def test_an_interrupted_encoding_resumes(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    what = encoding(prepared, "motion", ENCODERS["motion"])
    whole = open_tokens(encode(what, tmp_path / "whole"), "motion")
    with monkeypatch.context() as stopped:
        stopped.setattr(module, "join_ragged_blocks", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            encode(what, tmp_path / "parts")
    blocks = list((tmp_path / "parts" / "tokens").glob(".*.npy"))
    assert len(blocks) == 2
    blocks[0].unlink()
    again = open_tokens(encode(what, tmp_path / "parts"), "motion")
    assert np.array_equal(whole.x, again.x)
    assert np.array_equal(whole.lengths, again.lengths)
    assert not list((tmp_path / "parts" / "tokens").glob(".*.npy"))


@pytest.mark.parametrize("encoder", ["padding-reader", "batch-reader"])
def test_tokens_that_depend_on_padding_or_the_batch_are_refused(prepared: Path, tmp_path: Path, encoder: str) -> None:
    with pytest.raises(PluginError, match=f"other tokens in a batch with other instances.*|encoder {encoder}"):
        encode(encoding(prepared, "motion", f"{encoder}[frozen=true]"), tmp_path)


def test_a_changed_byte_is_found(prepared: Path, tmp_path: Path) -> None:
    path = encode(encoding(prepared, "note", ENCODERS["note"]), tmp_path)
    tokens = open_tokens(path, "note")
    content = bytearray(path.read_bytes())
    at = content.index(np.ascontiguousarray(tokens.x[:4]).tobytes())
    content[at] ^= 4
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        open_tokens(path, "note").read(np.arange(10))


def join(tmp_path: Path, flat: np.ndarray, lengths: np.ndarray):
    block = Block(0, len(lengths), tmp_path / "block.npy")
    write_ragged_block(block.path, flat, lengths, {})
    blocks = RaggedBlocks([block], lengths > 0)
    path = tmp_path / "tokens.h5"
    join_ragged_blocks(path, "a", [block], lengths > 0, TokenSpec(None, flat.shape[1]), 0, {})
    tokens = open_tokens(path, "a")
    assert np.array_equal(tokens.lengths, lengths)
    assert np.array_equal(blocks.lengths, lengths)
    return tokens, blocks


def test_no_token_at_all(tmp_path: Path) -> None:
    tokens, blocks = join(tmp_path, np.zeros((0, 3), np.float32), np.zeros((4, 2), np.int64))
    for source in (tokens, blocks):
        x, present = source.read(np.array([3, 1]))
        assert x.shape == (2, 2, 1, 3)
        assert not present.any()


@pytest.mark.parametrize(("shift", "dtype"), [(0.0, np.float16), (100.0, np.float32)])
def test_large_files_are_halves_where_that_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: float, dtype: type
) -> None:
    monkeypatch.setattr("mmbench.features.token_file.FLOAT32_BYTES", 0)
    random = np.random.default_rng(0)
    lengths = random.integers(0, 5, (60, 2))
    flat = random.normal(shift, 1, (lengths.sum(), 3)).astype(np.float32)
    tokens, blocks = join(tmp_path, flat, lengths)
    assert tokens.x.dtype == dtype
    rows = np.array([59, 3, 3, 0])
    x, _ = tokens.read(rows)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, blocks.read(rows)[0], atol=2e-3)


def test_a_run_over_every_open_kind_learns_and_is_diagnosed(prepared: Path, tmp_path: Path) -> None:
    root = prepared.parents[2]
    options = {
        "data": root,
        "cache": root / "cache",
        "plugins": PLUGINS,
        "task": "mood",
        "protocol": "subject",
        "folds": 2,
        "against": [],
        "training": {"epochs": 8, "lr": 0.03, "modality_dropout": 0.1},
        "diagnose": "full",
    }
    unread = dict.fromkeys(("pulse", "face", "facts", "marks"), "raw")
    encoders = {**ENCODERS, **unread, "motion": "recurrent", "clip": "frame-colours[frozen=false]"}
    found = mmbench.run("mean-of-tokens", "kinds", encoders=encoders, out=tmp_path, jobs=1, **options)
    records = found.methods[0].records
    assert np.mean([record.scores["chosen"]["accuracy"] for record in records]) > 0.6
    for record in records:
        assert record.cost["flops"] > 0
        assert set(record.diagnosis["noise"]) == {"motion", "voice", "clip"}
        assert record.diagnosis["left_out"] == {"note": "noise does not apply to text"}
