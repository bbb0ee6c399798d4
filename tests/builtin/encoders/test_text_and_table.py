"""Word and sentence embeddings of wheels, and tables."""

import pytest
import torch
from torch.nn.functional import cosine_similarity

from mmbench import Column, Modality, SpecError
from mmbench.builtin.encoders import words
from mmbench.builtin.encoders.frames import Frames
from mmbench.builtin.encoders.sentences import Sentences
from mmbench.builtin.encoders.table import Table, TableEmbedding
from mmbench.builtin.encoders.words import Words

TEXT = Modality("text", "text", ())
COLUMNS = (Column("age"), Column("site", ("hand", "foot")), Column("dose"))
RECORD = Modality("record", "table", (3,), columns=COLUMNS)
NAN = torch.nan


def test_words_are_those_of_wordllama_and_alike_where_meaning_is() -> None:
    tokens, mask = Words(TEXT)(["a happy dog", ""])
    assert mask.sum(dim=1).tolist()[1] == 0
    mean = Words(TEXT, pool="mean")(["a happy dog", "", "a glad puppy", "stock market crash"])[:, 0]
    torch.testing.assert_close(mean[0], tokens[0][mask[0]].mean(dim=0))
    assert not mean[1].any()
    assert cosine_similarity(mean[0], mean[2], dim=0) > cosine_similarity(mean[0], mean[3], dim=0)


def test_long_words_are_cut_so_that_tokenizers_end() -> None:
    encoder = Words(TEXT)
    tokens, mask = encoder(["x" * 1_000_000 + " end", "x" * 256 + " end"])
    assert mask[0].sum() == mask[1].sum() < 200
    torch.testing.assert_close(tokens[0], tokens[1])
    assert words.cut_words(f"a {'é' * 256} {'b' * 257}\tc") == f"a {'é' * 256} {'b' * 256}\tc"


def test_sentences_are_alike_where_meaning_is() -> None:
    dog, puppy, stocks, blank = Sentences(TEXT)(["a happy dog", "a glad puppy", "stock market crash", " \n"])[:, 0]
    assert dog.norm() == pytest.approx(1, abs=1e-4)
    assert dog @ puppy > dog @ stocks
    assert not blank.any()


def test_without_the_package_the_remedy_is_an_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "find_spec", lambda name: None)
    with pytest.raises(SpecError, match=r'wordllama is not installed — pip install "mmbench\[text\]"'):
        Words(TEXT)


def test_a_table_is_imputed_and_one_hot() -> None:
    encoder = Table(RECORD)
    encoder.adapt(torch.tensor([[10.0, 0.0, NAN], [30.0, 1.0, NAN], [NAN, NAN, NAN]]))
    tokens = encoder(torch.tensor([[30.0, 1.0, 5.0], [NAN, NAN, NAN], [20.0, 7.0, 0.0]]))[:, 0]
    assert tokens.tolist() == [
        [1, 5, 0, 0, 0, 1, 0],  # age and dose standardised (dose was never there), neither is missing, a foot
        [0, 0, 1, 1, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],  # an unknown level is a missing one
    ]


def test_missing_values_of_a_table_have_embeddings_of_their_own() -> None:
    encoder = TableEmbedding(RECORD, dim=4)
    tokens = encoder(torch.tensor([[NAN, NAN, 1.0], [NAN, 1.0, 1.0]]))
    assert tokens.shape == (2, 3, 4)
    assert torch.equal(tokens[0, 0], encoder.missing[0])
    assert torch.equal(tokens[0, 2], encoder.levels[0].weight[2])
    assert torch.equal(tokens[:, 1], (encoder.weight[1] + encoder.bias[1]).expand(2, 4))


def test_only_image_encoders_read_frames() -> None:
    film = Modality("film", "video", (None, 3, 8, 8))
    with pytest.raises(SpecError, match="no encoder 'mlp' can be used here — use timm or pixels"):
        Frames(film, encoder="mlp")
    assert Frames(film, encoder="pixels[side=2]", head="mean").frozen
    assert not Frames(film, encoder="pixels[side=2]", head="gru").frozen
