"""Hashed n-grams of words and characters: the baseline of every text encoder."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from zlib import crc32

import torch
from torch import Tensor

from mmbench import Encoder, Modality, TokenSpec
from mmbench.builtin.arguments import at_least

_WORD = re.compile(r"\w+|[^\w\s]")
_SIGN = 1 << 31


class Hashing(Encoder):
    """Counts of n-grams in ``buckets`` chosen by a hash, as one token ``(1, buckets)`` of length 1.

    N-grams are those of up to ``words`` words, and of 2 to ``characters`` characters within a word with its borders
    marked (0 or 1: none). Letter case and compatibility forms (NFKC) are ignored; a punctuation mark or an emoji is a
    word. The hash (CRC-32) also gives each n-gram a sign, so that collisions cancel on average; a bucket with the
    sum v holds sign(v) log(1 + abs v). A text without words is zero.
    Weinberger et al. 2009, "Feature hashing for large scale multitask learning".
    """

    name = "hashing"
    kinds = ("text",)
    frozen = True

    def __init__(self, modality: Modality, *, buckets: int = 2048, words: int = 2, characters: int = 4) -> None:
        super().__init__(modality)
        at_least(1, buckets=buckets)
        at_least(0, words=words, characters=characters)
        self.buckets, self.words, self.characters = buckets, words, characters
        self.register_buffer("device_of", torch.empty(0), persistent=False)
        self.out = TokenSpec(1, buckets)

    def forward(self, x: Sequence[str]) -> Tensor:
        """Texts, n of them, to tokens ``(n, 1, buckets)``."""
        sums = torch.zeros(len(x), self.buckets)
        for row, text in zip(sums, x, strict=True):
            codes = torch.tensor([crc32(gram.encode()) for gram in self._grams(text)], dtype=torch.int64)
            row.index_add_(0, codes % self.buckets, 1.0 - 2.0 * (codes >= _SIGN))
        logs = sums.sign() * sums.abs().log1p()
        tokens = torch.nn.functional.normalize(logs, dim=1)
        return tokens[:, None].to(self.get_buffer("device_of").device)

    def _grams(self, text: str) -> Iterator[str]:
        found = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
        for length in range(1, self.words + 1):
            for start in range(len(found) - length + 1):
                yield " ".join(found[start : start + length])
        for word in found if self.characters > 1 else ():
            marked = f"<{word}>"
            for length in range(2, self.characters + 1):
                for start in range(len(marked) - length + 1):
                    yield f"#{marked[start : start + length]}"
