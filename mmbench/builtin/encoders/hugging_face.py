"""Networks of Hugging Face for text and for waveforms; transformers is imported only when one is built."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from mmbench import Encoder, Modality, SpecError, TokenSpec, WeightsError, fetch_model, load_state_dict
from mmbench.builtin.arguments import at_least
from mmbench.builtin.encoders.low_rank import add_low_rank
from mmbench.builtin.encoders.masks import masked_mean, pad
from mmbench.builtin.encoders.words import cut_words

MODELS = {"text": "distilbert/distilbert-base-uncased", "audio": "facebook/wav2vec2-base"}
"""The model where none is named, by kind."""
_LONGEST = 512  # word pieces at once of a network that states no limit
_UNLIMITED = 1_000_000  # tokenizers without a limit state a huge one


class Transformers(Encoder):
    """The last hidden states of a network for text, or of one for waveforms such as wav2vec 2.0.

    ``model`` is a folder with a saved model, or its name on huggingface.co. ``layers`` keeps only the first ones.
    ``tune`` is ``frozen`` (tokens are cached), ``lora`` (adapters of ``rank`` beside all linear layers are trained) or
    ``full``. ``pool`` gives one token, ``mean`` of the states or the ``first`` of them, or with ``none`` all of them.

    Texts beyond the network's limit are read in pieces, whose states follow each other; of a word of more than 256
    characters the first 256 are read. Waveforms are averaged over
    channels, standardised where the network's settings say so, and encoded without padding. ``download=false`` uses
    only what is in the cache.
    """

    name = "transformers"
    kinds = ("text", "audio")
    conformance: ClassVar[Mapping[str, object]] = {"download": False}

    def __init__(
        self,
        modality: Modality,
        *,
        model: str | None = None,
        tune: Literal["frozen", "lora", "full"] = "frozen",
        rank: int = 8,
        layers: int | None = None,
        pool: Literal["mean", "first", "none"] = "mean",
        download: bool = True,
    ) -> None:
        super().__init__(modality)
        at_least(1, rank=rank, **({} if layers is None else {"layers": layers}))
        name = model or MODELS[modality.kind]
        self.where = f"transformers[model={name}]"
        self.pool, self.frozen = pool, tune == "frozen"
        self.network, folder = load_network(name, layers, self.where, download)
        self.tokenizer = load_tokenizer(folder, self.where) if modality.kind == "text" else None
        if modality.kind == "audio":
            check_waveforms(self.network, folder, modality, self.where)
            self.normalizes = bool(read_setting(folder, "do_normalize", True))
        if tune == "lora" and not add_low_rank(self.network, rank):
            raise SpecError("has no linear layers to adapt", where=self.where, remedy="choose tune=full or frozen")
        self.out = TokenSpec(self._length(), self.network.config.hidden_size)
        self._train_what_is_used()
        self.train()

    def forward(self, x: Any, lengths: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Texts, n of them, or waveforms ``(n, C, time)`` to tokens ``(n, T, D)``, with their mask if T is open."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            states = self._read_texts(x) if self.tokenizer is not None else self._hear(x, lengths)
        if self.pool == "first":
            return torch.stack([each[:1] for each in states])
        if self.out.length is not None and self.pool == "none":
            return torch.stack(states)
        tokens, mask = pad(states, self.out.dim)
        return masked_mean(tokens, mask)[:, None] if self.pool == "mean" else (tokens, mask)

    def train(self, mode: bool = True) -> Self:
        """As `nn.Module.train`, but a frozen network stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    def _length(self) -> int | None:
        """The number of tokens of every instance; None where it differs."""
        if self.pool != "none":
            return 1
        if self.modality.is_open:
            return None
        samples = max(self.modality.fixed_shape[-1], shortest_waveform(self.network.config))
        return int(self.network._get_feat_extract_output_lengths(samples))

    def _read_texts(self, texts: Sequence[str]) -> list[Tensor]:
        """The states of the word pieces of each text, ``(T, D)``."""
        assert self.tokenizer is not None
        device = next(self.network.parameters()).device
        limit = text_limit(self.network.config, self.tokenizer)
        encoded = self.tokenizer(
            [cut_words(text) for text in texts],
            truncation=True,
            max_length=limit,
            return_overflowing_tokens=True,
            return_attention_mask=True,
            padding=True,
            return_tensors="pt",
        )
        owners = encoded.pop("overflow_to_sample_mapping")
        if encoded["input_ids"].shape[1] == 0:
            return [torch.zeros(0, self.out.dim, device=device) for _ in texts]
        known = {name: value.to(device) for name, value in encoded.items() if name in self.tokenizer.model_input_names}
        states = self.network(**known).last_hidden_state
        mask = encoded["attention_mask"].bool().to(device)
        return [
            torch.cat([states[row][mask[row]] for row in (owners == number).nonzero()[:, 0].tolist()])
            for number in range(len(texts))
        ]

    def _hear(self, x: Tensor, lengths: Tensor | None) -> list[Tensor]:
        """The states of each waveform, ``(T, D)``."""
        mono = x.mean(dim=1)
        if lengths is None:
            return list(self._hear_together(mono))
        # Networks with a group norm over time, as wav2vec 2.0 base, would see the padding of a batch.
        return [
            self._hear_together(wave[None, :length])[0] for wave, length in zip(mono, lengths.tolist(), strict=True)
        ]

    def _hear_together(self, waves: Tensor) -> Tensor:
        """States ``(n, T, D)`` of waveforms of one length, ``(n, time)``."""
        if self.normalizes:
            deviation = waves.std(dim=1, keepdim=True, correction=0)
            waves = (waves - waves.mean(dim=1, keepdim=True)) / (deviation.square() + 1e-7).sqrt()
        missing = shortest_waveform(self.network.config) - waves.shape[1]
        states: Tensor = self.network(torch.nn.functional.pad(waves, (0, max(0, missing)))).last_hidden_state
        return states

    def _train_what_is_used(self) -> None:
        """Train no parameter that does not affect the tokens, such as those of a head; none at all if frozen."""
        self.eval()
        parameters = [each for each in self.network.parameters() if each.requires_grad]
        if self.frozen:
            self.network.requires_grad_(False)
            return
        with torch.enable_grad():
            made = self(["a"]) if self.tokenizer is not None else self(torch.ones(1, 1, 4), torch.tensor([4]))
            tokens = made[0] if isinstance(made, tuple) else made
            used = torch.autograd.grad(tokens.sum(), parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, used, strict=True):
            parameter.requires_grad_(gradient is not None)


def load_network(model: str, layers: int | None, where: str, download: bool) -> tuple[Any, str]:
    """The network without a head, with its first ``layers``, and the folder it is from."""
    try:
        import transformers
    except ImportError as error:
        remedy = 'pip install "mmbench[transformers]"'
        raise SpecError("transformers is not installed", where="transformers", remedy=remedy) from error
    folder = fetch_model(model, where=where, download=download)
    if not Path(folder, "config.json").is_file():
        raise WeightsError("has no config.json", where=folder, remedy="save it with model.save_pretrained(FOLDER)")
    with quiet(transformers):
        try:
            config = transformers.AutoConfig.from_pretrained(folder)
            if layers is not None and layers > config.num_hidden_layers:
                raise SpecError(f"has {config.num_hidden_layers} layers", where=where, remedy="choose fewer layers")
            if layers is not None:
                config.num_hidden_layers = layers
            # Random masks and skipped layers would leave some parameters without gradients.
            for name, value in (("apply_spec_augment", False), ("layerdrop", 0.0)):
                if hasattr(config, name):
                    setattr(config, name, value)
            return transformers.AutoModel.from_pretrained(folder, config=config, dtype=torch.float32), folder
        except SpecError:
            raise
        except Exception as error:  # of many classes
            _check_weights(folder)
            raise unreadable(where, error) from error


def _check_weights(folder: str) -> None:
    """Raise WeightsError about a file in the folder that holds no weights; transformers names neither it nor why."""
    for path in sorted(path for suffix in ("*.safetensors", "*.bin") for path in Path(folder).glob(suffix)):
        load_state_dict(path)


def load_tokenizer(folder: str, where: str) -> Any:
    """The tokenizer saved with a network."""
    import transformers

    with quiet(transformers):
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        except Exception as error:  # of many classes
            raise unreadable(where, error, "tokenizer") from error
    if not tokenizer.is_fast:
        raise SpecError("its tokenizer has no fast version", where=where, remedy="choose another model")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return tokenizer


def unreadable(where: str, error: Exception, part: str = "model") -> WeightsError:
    """The error for files that transformers cannot read."""
    reason = (str(error).strip().splitlines() or [""])[0][:160]
    return WeightsError(
        f"its {part} cannot be loaded ({type(error).__name__}: {reason})",
        where=where,
        remedy="save model and tokenizer with save_pretrained(FOLDER), or choose another model",
    )


@contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """No bars and notes of transformers within the block."""
    logging = transformers.utils.logging
    level, shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def text_limit(config: Any, tokenizer: Any) -> int:
    """The most word pieces that a network reads at once."""
    positions = getattr(config, "max_position_embeddings", None)
    if positions and config.model_type in ("roberta", "xlm-roberta", "camembert"):
        positions -= (config.pad_token_id or 0) + 1  # they count from behind the padding index
    found = [limit for limit in (positions, tokenizer.model_max_length) if limit and 0 < limit < _UNLIMITED]
    return int(min(found, default=_LONGEST))


def check_waveforms(network: Any, folder: str, modality: Modality, where: str) -> None:
    """SpecError unless a network reads waveforms of the modality's rate."""
    if network.main_input_name != "input_values" or not hasattr(network.config, "conv_kernel"):
        raise SpecError(
            f"reads {network.main_input_name}, not waveforms", where=where, remedy="choose a model such as wav2vec2"
        )
    rate = read_setting(folder, "sampling_rate", None)
    if rate is not None and modality.rate != rate:
        raise SpecError(
            f"reads waveforms of {rate:g} Hz, but {modality.name} has {modality.rate or 0:g} Hz",
            where=where,
            remedy=f"prepare {modality.name} at {rate:g} Hz, or choose another encoder",
        )


def read_setting(folder: str, name: str, default: Any) -> Any:
    """A setting of ``preprocessor_config.json`` in the folder of a model."""
    path = Path(folder, "preprocessor_config.json")
    return json.loads(path.read_text(encoding="utf-8")).get(name, default) if path.is_file() else default


def shortest_waveform(config: Any) -> int:
    """The number of samples from which the convolutions of a network make one state."""
    length = 1
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
        length = (length - 1) * stride + kernel
    return int(length)
