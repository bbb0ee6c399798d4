"""Static embeddings of word pieces, which the package wordllama ships: they work without a network."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from mmbench import Encoder, Modality, SpecError, TokenSpec
from mmbench.builtin.encoders.masks import masked_mean, pad

INSTALL = 'pip install "mmbench[text]"'
_LONG_WORD = re.compile(r"(\S{256})\S+")
_WEIGHTS = Path("weights", "l2_supercat_256.safetensors")
_TOKENIZER = Path("tokenizers", "l2_supercat_tokenizer_config.json")


class Words(Encoder):
    """One token of width 256 for each word piece of a text, or with ``pool=mean`` their mean as one token.

    Embeddings were distilled from those of large language models (Miller 2024, WordLlama ``l2_supercat``, MIT); they do
    not depend on the neighbours of a word. A text without pieces has no token, and a mean of zero. Of a word of more
    than 256 characters the first 256 are read.
    """

    name = "words"
    kinds = ("text",)
    frozen = True

    table: Tensor

    def __init__(self, modality: Modality, *, pool: Literal["none", "mean"] = "none") -> None:
        super().__init__(modality)
        self.pool = pool
        table, self.tokenizer = load_files(find_package("wordllama"))
        self.register_buffer("table", table)
        self.out = TokenSpec(1 if pool == "mean" else None, table.shape[1])

    def forward(self, x: Sequence[str]) -> Tensor | tuple[Tensor, Tensor]:
        """Texts, n of them, to tokens ``(n, T, 256)`` with their mask, or their means ``(n, 1, 256)``."""
        encoded = self.tokenizer.encode_batch([cut_words(text) for text in x], add_special_tokens=False)
        device = self.table.device
        pieces = [self.table[torch.tensor(each.ids, dtype=torch.int64, device=device)].float() for each in encoded]
        tokens, mask = pad(pieces, self.out.dim)
        return masked_mean(tokens, mask)[:, None] if self.pool == "mean" else (tokens, mask)


def cut_words(text: str) -> str:
    """A text in which every run of more than 256 characters without a space ends after them.

    The time that a tokenizer takes for a word grows with the square of its length.
    """
    return _LONG_WORD.sub(r"\1", text)


def find_package(name: str) -> Path:
    """The folder of an installed package, which is not imported: wordllama sets up logging when it is."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise SpecError(f"the package {name} is not installed", where="encoder words", remedy=INSTALL) from ImportError(
            f"No module named {name!r}"
        )
    return Path(found.origin).parent


def load_files(package: Path) -> tuple[Tensor, Any]:
    """The embeddings ``(pieces, 256)``, float16, and the tokenizer of the package wordllama."""
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    for file in (_WEIGHTS, _TOKENIZER):
        if not (package / file).is_file():
            raise SpecError("is not in this version of wordllama", where=package / file, remedy=INSTALL)
    tokenizer = Tokenizer.from_file(str(package / _TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return load_file(package / _WEIGHTS)["embedding.weight"], tokenizer
