"""Instances of unequal length reach encoders with their lengths, and padding changes nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmbench.data.folds import Fold
from torch import Tensor, nn

from mmbench import Encoder, Fusion, Modality, TokenSpec, Training
from mmbench.data import Bags, Inputs, Stream, fit_standardizer, read_bags
from mmbench.data.ragged import RaggedArray, flatten_padded
from mmbench.data.sources import Rows
from mmbench.errors import PluginError
from mmbench.training.bag_encoding import adapt_encoder, decode_texts, encode_bag
from mmbench.training.loop import fit, predict
from mmbench.training.model import Model

CPU = torch.device("cpu")
CURVES = Modality("curve", "timeseries", (2, None), instances=3)


class Curves:
    """Curves ``(2, time)`` of unequal length: class 1 rises, class 0 falls; the second channel is noise."""

    def __init__(self, n: int = 120, instances: int = 1, seed: int = 0, shortest: int = 3, longest: int = 30) -> None:
        random = np.random.default_rng(seed)
        self.labels = random.integers(0, 2, n)
        self.present = np.ones((n, instances), dtype=bool)
        if instances > 1:
            self.present = random.random((n, instances)) < 0.7
        self.lengths = np.where(self.present, random.integers(shortest, longest + 1, (n, instances)), 0)
        x = random.normal(3, 1, (n, instances, 2, longest)).astype(np.float32)
        x[:, :, 0] += ((2 * self.labels - 1)[:, None] * np.linspace(-3, 3, longest))[:, None]
        self.array = RaggedArray(flatten_padded(x, self.lengths, 1), self.lengths, 1)

    def read(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        return self.array.read(rows), self.present[rows]


class Recurrent(Encoder):
    """A token for every second step, from a GRU."""

    name = "recurrent"
    kinds = ("timeseries",)

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out = TokenSpec(None, 6, modality.instances)
        self.net = nn.GRU(2, 6, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.net(x.transpose(1, 2))[0][:, ::2]
        return tokens, torch.arange(tokens.shape[1], device=x.device) < (-(-lengths // 2))[:, None]


class MeanOfTokens(Fusion):
    """A linear layer on the mean of all tokens."""

    name = "mean-of-tokens"

    def __init__(self, inputs, n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.layers = nn.ModuleDict({name: nn.Linear(spec.dim, n_outputs) for name, spec in sorted(inputs.items())})

    def forward(self, tokens) -> Tensor:
        return torch.stack(
            [
                layer(tokens[name].x.sum(dim=(1, 2)) / tokens[name].mask.sum(dim=(1, 2)).clamp(min=1)[:, None])
                for name, layer in self.layers.items()
            ]
        ).sum(dim=0)


@pytest.fixture
def encoder() -> Recurrent:
    torch.manual_seed(0)
    return Recurrent(CURVES)


def pad(bags: Bags, steps: int) -> Bags:
    return Bags(torch.cat([bags.x, bags.x.new_zeros(*bags.x.shape[:3], steps)], dim=3), bags.present, bags.lengths)


@given(
    lengths=st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=1, max_size=4),
    padding=st.integers(0, 7),
    training=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_more_padding_changes_nothing_in_the_whole_model(
    lengths: list[list[int]], padding: int, training: bool
) -> None:
    torch.manual_seed(0)
    encoder = Recurrent(CURVES)
    model = Model({"curve": encoder}, MeanOfTokens({"curve": encoder.out}, 2)).train(training)
    each = torch.tensor(lengths)
    x = torch.randn(len(lengths), 3, 2, max(int(each.max()), 1))
    x = x * (torch.arange(x.shape[3]) < each[..., None])[:, :, None]
    bags = Bags(x, each > 0, each)
    with torch.set_grad_enabled(training):
        torch.testing.assert_close(model({"curve": pad(bags, padding)}), model({"curve": bags}))
        tokens, further = encode_bag(encoder, bags), encode_bag(encoder, bags, padding=padding)
    torch.testing.assert_close(further.x, tokens.x)
    assert torch.equal(further.mask, tokens.mask)


def test_tokens_are_those_of_each_instance_alone(encoder: Recurrent) -> None:
    curves = Curves(20, instances=3)
    bags = read_bags(curves, np.arange(20))
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            tokens = encode_bag(encoder, bags)
        assert torch.equal(tokens.mask.sum(dim=2), -(-bags.lengths // 2))
        assert not tokens.x[~tokens.mask].any()
        for row, instance in bags.present.nonzero().tolist():
            length = int(bags.lengths[row, instance])
            alone, _ = encoder(bags.x[row, instance, :, :length][None], torch.tensor([length]))
            torch.testing.assert_close(tokens.x[row, instance, : alone.shape[1]], alone[0])


def test_in_evaluation_instances_of_similar_length_share_a_pass(
    encoder: Recurrent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmbench.training.bag_encoding.INSTANCES_PER_PASS", 5)
    seen: list[int] = []
    encoder.net.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].shape[1]))
    bags = read_bags(Curves(20, instances=3), np.arange(20))
    with torch.inference_mode():
        encode_bag(encoder, bags)
    assert seen == sorted(seen)
    assert seen[0] < seen[-1] == bags.lengths.max()


def test_no_instance_at_all_runs_no_encoder(encoder: Recurrent) -> None:
    bags = Bags(torch.zeros(2, 3, 2, 1), torch.zeros(2, 3, dtype=torch.bool), torch.zeros(2, 3, dtype=torch.int64))
    tokens = encode_bag(encoder, bags)
    assert tokens.x.shape == (2, 3, 1, 6)
    assert not tokens.mask.any()


class Words(Encoder):
    """A token for each word, its length."""

    name = "word-lengths"
    kinds = ("text",)

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out = TokenSpec(None, 1)
        self.adapted: list[str] = []

    def adapt(self, x: list[str]) -> None:
        self.adapted = x

    def forward(self, x: list[str]) -> tuple[Tensor, Tensor]:
        words = [torch.tensor([len(word) for word in text.split()] or [0.0]) for text in x]
        padded = torch.nn.utils.rnn.pad_sequence([each.float() for each in words], batch_first=True)
        counts = torch.tensor([len(text.split()) for text in x])
        return padded[..., None], torch.arange(padded.shape[1]) < counts[:, None]


def texts(*bags: str | None) -> Bags:
    coded = [(text or "").encode() for text in bags]
    longest = max(1, *map(len, coded))
    x = torch.tensor([list(each.ljust(longest, b"\0")) for each in coded], dtype=torch.uint8)[:, None]
    present = torch.tensor([[text is not None] for text in bags])
    return Bags(x, present, torch.tensor([[len(each)] for each in coded]))


def test_texts_arrive_as_strings_and_absent_ones_not_at_all() -> None:
    bags = texts("größer als", None, "", "a 日本 \0 z")
    encoder = Words(Modality("text", "text", ()))
    tokens = encode_bag(encoder, bags)
    assert tokens.x[..., 0].tolist() == [[[6, 3, 0, 0]], [[0] * 4], [[0] * 4], [[1, 2, 1, 1]]]
    assert tokens.mask.sum(dim=2).flatten().tolist() == [2, 0, 0, 4]
    adapt_encoder(encoder, bags)
    assert encoder.adapted == ["größer als", "", "a 日本 \0 z"]
    assert decode_texts(bags.x[:, 0], bags.lengths[:, 0])[0] == "größer als"
    assert encode_bag(encoder, texts("", "")).x.shape == (2, 1, 1, 1)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda x: x, "a tensor .* not tokens and a mask"),
        (lambda x: (x, torch.tensor([[True, False, True]] * len(x))), "padding before the end"),
        (lambda x: (x, torch.ones(len(x), 3)), r"torch.float32 mask \(2, 3\)"),
        (lambda x: (x, torch.ones(len(x), 4, dtype=torch.bool)), r"tokens \(2, 3, 6\) with a torch.bool mask \(2, 4\)"),
        (lambda x: (x[:1], torch.ones(1, 3, dtype=torch.bool)), r"tokens \(1, 3, 6\)"),
    ],
)
def test_tokens_that_do_not_fit_name_the_encoder(result, message: str) -> None:
    class Faulty(Recurrent):
        def forward(self, x: Tensor, lengths: Tensor):
            return result(torch.ones(len(x), 3, 6))

    bags = Bags(torch.zeros(2, 1, 2, 4), torch.ones(2, 1, dtype=torch.bool), torch.full((2, 1), 4))
    with pytest.raises(PluginError, match=f"encoder recurrent of curve: its forward returns .*{message}"):
        encode_bag(Faulty(CURVES), bags)


def test_a_fixed_number_of_tokens_of_an_open_modality() -> None:
    class Pooled(Recurrent):
        def __init__(self, modality: Modality, wrong: bool = False) -> None:
            super().__init__(modality)
            self.out = TokenSpec(1 + wrong, 2)

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            return (x.sum(dim=2) / lengths[:, None])[:, None]

    bags = read_bags(Curves(6, instances=3), np.arange(6))
    tokens = encode_bag(Pooled(CURVES), bags)
    assert torch.equal(tokens.mask[..., 0], bags.present)
    expected = bags.x.sum(dim=3) / bags.lengths.clamp(min=1)[..., None]
    torch.testing.assert_close(tokens.x[:, :, 0], expected)
    with pytest.raises(PluginError, match=r"a tensor \(\d+, 1, 2\), not tokens \(\d+, 2, 2\)"):
        encode_bag(Pooled(CURVES, wrong=True), bags)


def test_a_recurrent_net_learns_from_curves_of_unequal_length() -> None:
    source = Curves()
    rows = np.arange(120)
    fold = Fold("0", rows[:70], rows[70:90], rows[90:])
    standardizer = fit_standardizer(source, [fold.train], np.zeros(120, dtype=np.int64), over_time=True)
    inputs = Inputs({"curve": Stream(source, standardizer, 120, axis=1)})
    torch.manual_seed(0)
    encoder = Recurrent(Modality("curve", "timeseries", (2, None)))
    model = Model({"curve": encoder}, MeanOfTokens({"curve": encoder.out}, 2))
    labels = source.labels.copy()
    labels[fold.test] = -1
    fitted = fit(model, inputs, fold, labels, Training(epochs=12, lr=0.02, modality_dropout=0.1), seed=0, device=CPU)
    right = fitted.test_logits[fitted.chosen].argmax(axis=1) == source.labels[fold.test]
    assert right.mean() > 0.9
    one_by_one = np.concatenate([predict(model, inputs, fold.test[at : at + 1], CPU) for at in range(30)])
    np.testing.assert_allclose(fitted.test_logits[fitted.chosen], one_by_one, atol=1e-5)
