"""The training loop gives the same bits twice, chooses on validation, and cannot learn from the test part."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mmbench import Encoder, Fusion, Modality, Task, Tokens, TokenSpec, Training, TrainingError
from mmbench.data.batches import Inputs, PresenceSource, Stream
from mmbench.data.preparation import Preparation, prepare
from mmbench.data.sources import Rows
from mmbench.data.splits.fold import Fold
from mmbench.data.splits.folds import make_folds
from mmbench.data.splits.protocols import PROTOCOLS
from mmbench.data.store import Store
from mmbench.data.store_writer import add_checksums
from mmbench.execution import job as jobs_module
from mmbench.execution.job import run_job
from mmbench.execution.plan import Plan, mask_test_labels
from mmbench.registry.methods import Recipe
from mmbench.registry.plugins import load_registry
from mmbench.registry.specs import parse_spec
from mmbench.results.records import read_record
from mmbench.training.criterion import make_criterion
from mmbench.training.determinism import choose_device, deterministic
from mmbench.training.loop import FitResult, fit, predict
from mmbench.training.metrics import balanced_accuracy, confusion_matrix
from mmbench.training.model import Model
from mmbench.training.optimizer import AdamW

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
CPU = torch.device("cpu")
FACTS = Modality("facts", "vector", (4,))
N = 90
FOLD = Fold("0", np.arange(0, 50), np.arange(50, 70), np.arange(70, N))
SHORT = Training(epochs=4, batch_size=8, lr=1e-2)


class Arrays:
    lengths = None

    def __init__(self, x: np.ndarray) -> None:
        self.x = x.astype(np.float32)

    def read(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        return self.x[rows], np.ones((len(rows), 1), dtype=bool)


class Adapting(Encoder):
    """A layer with dropout; remembers the instances it adapted to."""

    name = "adapting"
    kinds = ("vector",)

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out = TokenSpec(1, 6)
        self.layer = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.2))
        self.adapted: list[Tensor] = []

    def adapt(self, x: Tensor) -> None:
        self.adapted.append(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[:, None]


class Linear(Fusion):
    name = "linear"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.layer = nn.Linear(6, n_outputs)
        self.targets: list[Tensor] = []

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return self.layer(tokens["facts"].x.mean(dim=(1, 2)))

    def training_loss(self, tokens, labels, criterion) -> Tensor:
        self.targets.append(labels)
        return super().training_loss(tokens, labels, criterion)


class Steep(Linear):
    name = "steep"

    def training_loss(self, tokens, labels, criterion) -> Tensor:
        return 1e4 * super().training_loss(tokens, labels, criterion)


class Fixed(Fusion):
    name = "fixed"

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return torch.zeros(len(tokens["facts"].x), self.n_outputs)


def problem(noise: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, N)
    return random.normal(size=(N, 1, 4)) * noise + labels[:, None, None], labels


def make_model(fusion: type[Fusion] = Linear, seed: int = 0) -> Model:
    torch.manual_seed(seed)
    encoder = Adapting(FACTS)
    return Model({"facts": encoder}, fusion({"facts": encoder.out}, 2))


def train(
    training: Training = SHORT, *, seed: int = 0, model: Model | None = None, noise: float = 1.0, **parts
) -> tuple[Model, FitResult]:
    x, labels = problem(noise)
    x, labels = parts.get("x", x), parts.get("labels", labels)
    model = model or make_model()
    inputs = Inputs({"facts": Stream(Arrays(x), None, N)})
    return model, fit(model, inputs, FOLD, mask_test_labels(labels, FOLD), training, seed=seed, device=CPU)


def bits(model: Model) -> list[bytes]:
    return [tensor.numpy().tobytes() for tensor in model.state_dict().values()]


def test_the_same_seed_gives_the_same_bits() -> None:
    models = make_model(), make_model()
    torch.manual_seed(123)
    one, first = train(model=models[0])
    torch.manual_seed(321)  # the state of the generator outside does not matter
    two, second = train(model=models[1])
    assert bits(one) == bits(two)
    assert first.history == second.history
    assert np.array_equal(first.test_outputs, second.test_outputs)


def test_another_seed_gives_others() -> None:
    one, first = train(seed=0)
    two, second = train(seed=1)
    assert bits(one) != bits(two)
    assert first.history != second.history


def test_the_generator_outside_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    inputs = Inputs({"facts": Stream(Arrays(problem()[0]), None, N)})
    model = Model({}, Fixed({"facts": TokenSpec(1, 4)}, 2))
    fit(model, inputs, FOLD, mask_test_labels(problem()[1], FOLD), SHORT, seed=0, device=CPU)
    assert torch.equal(torch.rand(3), expected)


def test_each_epoch_has_another_order() -> None:
    model, _ = train(replace(SHORT, batch_size=50, epochs=3))
    orders = {tuple(targets.tolist()) for targets in model.fusion.targets}
    assert len(orders) == 3


def test_it_learns() -> None:
    x, labels = problem(noise=0.3)
    model, fitted = train(Training(epochs=20, batch_size=8, lr=1e-2), noise=0.3)
    assert fitted.history[-1].train_loss < fitted.history[0].train_loss
    inputs = Inputs({"facts": Stream(Arrays(x), None, N)})
    assert (predict(model, inputs, FOLD.test, CPU).argmax(axis=1) == labels[FOLD.test]).mean() > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_the_chosen_epoch_is_the_best_on_validation_and_its_weights_stay(seed: int) -> None:
    x, labels = problem(noise=3.0)
    training = Training(epochs=15, batch_size=4, lr=0.1, final_lr=1.0, patience=100)
    model, fitted = train(training, seed=seed, noise=3.0)
    standing = [(epoch.validation_score, -epoch.validation_loss) for epoch in fitted.history]
    assert len(standing) == 15
    assert fitted.chosen == standing.index(max(standing))
    inputs = Inputs({"facts": Stream(Arrays(x), None, N)})
    assert np.array_equal(predict(model, inputs, FOLD.test, CPU), fitted.test_outputs[fitted.chosen])
    predicted = predict(model, inputs, FOLD.validation, CPU).argmax(axis=1)
    score = float(balanced_accuracy(confusion_matrix(labels[FOLD.validation], predicted, 2)))
    assert score == max(epoch.validation_score for epoch in fitted.history)


def test_choosing_is_tried() -> None:
    """Among the cases above some choose an epoch that is not the last."""
    training = Training(epochs=15, batch_size=4, lr=0.1, final_lr=1.0, patience=100)
    chosen = [train(training, seed=seed, noise=3.0)[1].chosen for seed in range(4)]
    assert min(chosen) < 14


def test_it_stops_when_validation_has_not_improved_for_long() -> None:
    fitted = train(Training(epochs=60, batch_size=4, lr=0.1, patience=3), noise=3.0)[1]
    assert len(fitted.history) < 60
    assert len(fitted.history) == fitted.chosen + 3 + 1
    assert fitted.test_outputs.shape == (len(fitted.history), len(FOLD.test), 2)


def test_epochs_are_reported_as_they_end() -> None:
    history: list = []
    x, labels = problem()
    inputs = Inputs({"facts": Stream(Arrays(x), None, N)})
    fitted = fit(
        make_model(), inputs, FOLD, mask_test_labels(labels, FOLD), SHORT, seed=0, device=CPU, on_epoch=history.append
    )
    assert tuple(history) == fitted.history


def test_labels_of_the_test_part_are_hidden() -> None:
    labels = np.arange(N) % 2
    hidden = mask_test_labels(labels, FOLD)
    assert (hidden[FOLD.test] == -1).all()
    assert np.array_equal(hidden[:70], labels[:70])
    apart = replace(FOLD, train=FOLD.train[:10])
    assert (mask_test_labels(labels, apart)[10:50] == -1).all()


def test_only_training_labels_reach_the_fusion() -> None:
    labels = problem()[1]
    model, _ = train(replace(SHORT, batch_size=50, epochs=1))
    assert sorted(torch.cat(model.fusion.targets).tolist()) == sorted(labels[FOLD.train].tolist())


def test_the_test_part_changes_no_weight() -> None:
    x = problem()[0]
    before, first = train()
    x[FOLD.test] = 77
    after, second = train(x=x)
    assert bits(before) == bits(after)
    assert first.history == second.history


def test_validation_data_choose_but_do_not_train() -> None:
    labels = problem()[1]
    labels[FOLD.validation] = 1 - labels[FOLD.validation]
    before, after = train()[1], train(labels=labels)[1]
    assert [epoch.train_loss for epoch in before.history] == [epoch.train_loss for epoch in after.history]
    assert np.array_equal(before.test_outputs, after.test_outputs)
    assert [epoch.validation_score for epoch in before.history] != [epoch.validation_score for epoch in after.history]


def test_encoders_adapt_to_training_instances_alone() -> None:
    x, _ = problem()
    model, _ = train()
    (shown,) = model.encoder("facts").adapted
    np.testing.assert_array_equal(shown.numpy(), x[FOLD.train].reshape(-1, 4).astype(np.float32))


def test_encoder_adapts_to_present_instances() -> None:
    class Half(Arrays):
        lengths = None

        def read(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
            return self.x[rows], (rows % 2 == 0)[:, None]

    x, labels = problem()
    model = make_model()
    inputs = Inputs({"facts": Stream(Half(x), None, N)})
    fit(model, inputs, FOLD, mask_test_labels(labels, FOLD), SHORT, seed=0, device=CPU)
    assert len(model.encoder("facts").adapted[0]) == 25


def test_a_fusion_without_parameters_takes_one_epoch() -> None:
    x, labels = problem()
    inputs = Inputs({"facts": Stream(Arrays(x), None, N)})
    model = Model({}, Fixed({"facts": TokenSpec(1, 4)}, 2))
    fitted = fit(model, inputs, FOLD, mask_test_labels(labels, FOLD), SHORT, seed=0, device=CPU)
    assert len(fitted.history) == 1
    assert fitted.chosen == 0


@pytest.mark.parametrize("clip", [0.5, 2.0])
def test_gradients_are_clipped(clip: float) -> None:
    model, _ = train(Training(epochs=1, batch_size=8, lr=1e-6, clip=clip), model=make_model(Steep))
    norm = torch.stack([parameter.grad.norm() for parameter in model.parameters()]).norm()
    assert norm == pytest.approx(clip, rel=1e-3)


def test_no_gradient_is_clipped_at_zero() -> None:
    free, _ = train(Training(epochs=1, batch_size=8, lr=1e-6, clip=0), model=make_model(Steep))
    wide, _ = train(Training(epochs=1, batch_size=8, lr=1e-6, clip=1e9), model=make_model(Steep))
    for one, other in zip(free.parameters(), wide.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_the_rate_falls_to_its_floor() -> None:
    rates = []
    step = AdamW.step

    def noted(self, *args, **kwargs):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AdamW, "step", noted)
        train(Training(epochs=5, batch_size=10, lr=1e-2, final_lr=0.1))
    assert len(rates) == 25
    assert rates[0] == pytest.approx(1e-2)
    assert rates == sorted(rates, reverse=True)
    assert 1e-3 < rates[-1] < 1.1e-3


@pytest.mark.parametrize("size", [1, 3, 7, 49, 50, 1000])
def test_any_batch_size_trains(size: int) -> None:
    fitted = train(replace(SHORT, batch_size=size, epochs=1))[1]
    assert np.isfinite(fitted.history[0].train_loss)


def test_a_last_batch_of_one_is_left_for_another_epoch() -> None:
    model, _ = train(replace(SHORT, batch_size=7, epochs=3))
    sizes = [len(targets) for targets in model.fusion.targets]
    assert sizes == [7] * 7 * 3


def test_a_diverged_training_is_one_line() -> None:
    class Broken(Linear):
        def forward(self, tokens):
            return super().forward(tokens) * torch.where(self.layer.bias.sum() > -9, torch.nan, 1.0)

    with pytest.raises(TrainingError, match="0: the loss is not finite in epoch 1 — lower --training lr"):
        train(model=make_model(Broken))


def test_classes_are_weighed_inversely_to_their_frequency() -> None:
    labels, two = np.array([0] * 30 + [1] * 10), Task("class", ("a", "b"))
    assert make_criterion(labels, two, Training()).weight.tolist() == pytest.approx([40 / 60, 40 / 20])
    assert make_criterion(labels, two, Training(class_weights=False)).weight is None
    three = make_criterion(labels, Task("class", ("a", "b", "c")), Training())
    assert three.weight.tolist() == pytest.approx([40 / 60, 40 / 20, 1.0])
    assert make_criterion(labels, two, Training(label_smoothing=0.1)).label_smoothing == 0.1


def test_weights_come_from_the_training_part() -> None:
    labels = problem()[1]
    labels[FOLD.train] = np.arange(50) % 5 == 0
    labels[FOLD.validation] = 1
    seen = []

    class Looking(Linear):
        def training_loss(self, tokens, labels, criterion) -> Tensor:
            seen.append(criterion.weight.tolist())
            return super().training_loss(tokens, labels, criterion)

    train(labels=labels, model=make_model(Looking))
    assert seen[0] == pytest.approx([50 / 80, 50 / 20])


def test_predictions_keep_the_order_of_rows() -> None:
    x, _ = problem()
    inputs = Inputs({"facts": Stream(Arrays(x), None, N)})
    model = make_model()
    rows = np.random.default_rng(0).permutation(N)
    together, apart = predict(model, inputs, rows, CPU), predict(model, inputs, np.arange(N), CPU, batch_size=7)
    np.testing.assert_allclose(together, apart[rows], atol=1e-6)


def test_determinism_is_set_and_restored() -> None:
    before = torch.are_deterministic_algorithms_enabled()
    with deterministic(CPU):
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.are_deterministic_algorithms_enabled() == before


def test_determinism_is_set_if_the_compiler_is_installed() -> None:
    from torch._inductor import config

    before = torch.are_deterministic_algorithms_enabled()
    with deterministic(CPU):
        assert torch.are_deterministic_algorithms_enabled()
        assert config.deterministic
    assert config.deterministic == torch.are_deterministic_algorithms_enabled() == before


def test_devices() -> None:
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type in ("cpu", "cuda")
    with pytest.raises(TrainingError, match="--device: no device 'gpu'"):
        choose_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match="no CUDA device"):
            choose_device("cuda")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("prepared")
    load_registry((TOY,)).dataset(parse_spec("toy")).simulate(folder / "toy", subjects=5)
    return prepare(Preparation(parse_spec("toy"), folder / "toy", folder / "cache", (TOY,)))


def make_plan(store: Path, folder: Path) -> Plan:
    encoders = {"facts": parse_spec("raw"), "signal": parse_spec("conv1d[dim=4,depth=1]")}
    modalities = ("signal", "facts")
    recipe = Recipe("concat", modalities, parse_spec("concat"), encoders, Training(epochs=2, batch_size=8))
    return Plan(recipe, {}, store, "side", "train", (TOY,), "cpu", 1, folder, {"method": "concat"})


def test_a_job_cannot_learn_from_test_labels(prepared: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fold = make_folds(prepared.ids, prepared.groups, PROTOCOLS["subject"], 5)[0]
    given = []

    def watched(model, inputs, fold, labels, *args, **kwargs):
        given.append(labels)
        return fit(model, inputs, fold, labels, *args, **kwargs)

    monkeypatch.setattr(jobs_module, "fit", watched)
    turned = tmp_path / "turned.h5"
    shutil.copy(prepared.path, turned)
    with h5py.File(turned, "a") as file:
        labels = file["labels/side"][()]
        labels[fold.test] = 1 - labels[fold.test]
        file["labels/side"][...] = labels
    add_checksums(turned, "prepared", {})  # a new footer: reading a changed file would fail
    records = []
    for store in (prepared.path, turned):
        path = tmp_path / f"{store.stem}.json"
        run_job(make_plan(store, tmp_path), fold, 0, path, lambda epoch: None)
        records.append(read_record(path))
    assert all((labels[fold.test] == -1).all() for labels in given)
    assert np.array_equal(given[0], given[1])
    assert records[0].logits == records[1].logits
    assert records[0].epochs["chosen"] == records[1].epochs["chosen"]
    assert records[0].history == records[1].history
    assert records[0].labels == tuple(1 - label for label in records[1].labels)


class Counting(Fusion):
    """Counts targets and has nothing to train, as `prior`."""

    name = "counting"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.register_buffer("counts", torch.zeros(n_outputs))
        self.sizes: list[int] = []

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        return self.counts.expand(len(tokens["facts"].present), -1)

    def training_loss(self, tokens, target, criterion) -> Tensor:
        self.sizes.append(len(target))
        self.counts += torch.bincount(target, minlength=self.n_outputs)
        return self.counts.new_zeros(())


@pytest.mark.parametrize("is_read", [True, False])
def test_a_fusion_that_reads_nothing_and_trains_nothing_takes_large_batches(is_read: bool) -> None:
    """The same result in fewer steps; batches that hold values keep the size that was asked for."""
    labels = np.arange(N) % 3
    source = Arrays(np.zeros((N, 1, 1, 6))) if is_read else PresenceSource(np.ones((N, 1), dtype=bool))
    fusion = Counting({"facts": TokenSpec(1, 6)}, 3)
    inputs = Inputs({"facts": Stream(source, None, N)})
    result = fit(Model({}, fusion), inputs, FOLD, labels, SHORT, seed=0, device=CPU)
    assert fusion.sizes == ([8, 8, 8, 8, 8, 8, 2] if is_read else [50])
    assert fusion.counts.tolist() == np.bincount(labels[FOLD.train]).tolist()
    assert result.test_outputs[0].tolist() == [fusion.counts.tolist()] * len(FOLD.test)
