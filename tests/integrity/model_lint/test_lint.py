import pytest
import torch
from torch import nn

from mmbench import Fusion, Method, PluginError, TokenSpec, Training, TrainingError
from mmbench.integrity.model_lint import LintRequest, Machine, find_machine, lint_method
from mmbench.integrity.model_lint.networks import find_unregistered, measure_saved_bytes
from mmbench.integrity.model_lint.recipes import Part, check_concentration, check_memory, check_training_step
from mmbench.registry.methods import Recipe
from mmbench.registry.plugins import Entry, Registry, load_registry
from mmbench.registry.specs import Spec

HUGE = Machine(None)


class Faulty(Fusion):
    """Every fault that lint looks for."""

    name = "faulty"

    def __init__(self, inputs, n_outputs, *, width: int = 2000) -> None:
        super().__init__(inputs, n_outputs)
        dim = inputs["series"].dim
        self.head = nn.Linear(dim, n_outputs)
        self.scorer = nn.Linear(width, width)
        self.token = nn.Parameter(torch.zeros(dim)).clone()
        self.hidden = [nn.Linear(2, 2)]

    def forward(self, tokens):
        x = tokens["series"].x
        return self.head(x.mean(dim=(1, 2)) + self.token)


@pytest.fixture
def registry(monkeypatch):
    """The installed plugins and ``faulty``, for the host as well."""
    found = Registry()
    fusions = {**found.fusions, "faulty": Entry("faulty", "test", Faulty)}
    methods = {**found.methods, "faulty": Entry("faulty", "test", Method("faulty", "faulty"))}
    monkeypatch.setitem(vars(found), "fusions", fusions)
    monkeypatch.setitem(vars(found), "methods", methods)
    monkeypatch.setattr("mmbench.registry.build.load_registry", lambda plugins: found)
    return found


def check(registry, method, machine=HUGE, dataset=None, **encoders):
    return lint_method(registry, LintRequest(method, dataset, encoders), machine)


SMALL = {"timeseries": "conv1d", "image": "timm[model=test_resnet]"}


def test_every_fault_is_reported(registry):
    found = {finding.check: str(finding) for finding in check(registry, "faulty", **SMALL)}
    assert set(found) == {"gradient", "registration", "concentration"}
    assert found["gradient"] == "fusion faulty: 4,002,000 weights get no gradient: scorer.weight, scorer.bias"
    assert found["concentration"].startswith("fusion faulty: the layer scorer has 4,002,000 of 4,")
    messages = " ".join(str(finding) for finding in check(registry, "faulty", **SMALL))
    assert "token requires a gradient but is not registered as a parameter" in messages
    assert "hidden holds a module that is not registered" in messages


RECIPE = Recipe("method", (), Spec("fusion"), {}, Training(batch_size=10))


def test_memory_is_that_of_weights_their_training_and_a_batch():
    trained = Part("fusion", {"a": 4 * 10**8, "b": 6 * 10**8}, trained=6 * 10**8, activations=10.0**8)
    frozen = Part("encoder", {"c": 10**12})  # hands over tokens that were made before
    (finding,) = check_memory([frozen, trained], RECIPE, Machine(58 * 2**30, jobs=4))
    # 2 × 4 GB of weights, 3 × 2.4 GB for training 0.6 G of them, 10 samples of 0.1 GB; in GiB.
    assert "(each: weights 7.5, gradients and AdamW 6.7, a batch 0.9)" in finding.message
    assert finding.message.startswith("4 simultaneous trainings need about 60.3 GB")
    assert "available are 58.0 GB" in finding.message
    assert list(check_memory([frozen, trained], RECIPE, Machine(61 * 2**30, jobs=4))) == []
    assert list(check_memory([frozen, trained], RECIPE, Machine(None))) == []


def test_one_layer_with_nearly_all_weights():
    def found(*sizes):
        return list(check_concentration([Part("x", dict(enumerate(sizes)))]))

    assert len(found(9_100_000, 900_000)) == 1
    assert found(9_000_000, 1_000_000) == []
    assert found(910_000, 90_000) == []
    assert found(2_000_001)[0].message == "the layer 0 has 2,000,001 of 2,000,001 weights (100%)"


def test_what_a_sample_leaves_behind_is_the_larger_of_two_batches():
    layer, part = nn.Linear(10, 20), Part("layer")
    batches = [torch.randn(n, 10) for n in (4, 8)]
    check_training_step(part, layer, (lambda x=x: layer(x).relu().sum() for x in batches), per_sample=0.125)
    assert part.activations == 4 * (10 + 20)
    assert (part.trained, part.findings) == (220, [])


def test_more_trainings_at_once_take_more(registry):
    one = [f for f in check(registry, "faulty", Machine(2**28, jobs=1), **SMALL) if f.check == "memory"]
    many = [f for f in check(registry, "faulty", Machine(2**28, jobs=50), **SMALL) if f.check == "memory"]
    assert (len(one), len(many)) == (0, 1)
    assert "50 simultaneous trainings" in many[0].message


def test_weights_larger_than_the_machine_are_refused_unbuilt(registry, monkeypatch):
    built = []
    monkeypatch.setattr(nn.Linear, "reset_parameters", lambda self: built.append(self.weight.device.type))
    with pytest.raises(
        TrainingError, match=r"fusion faulty\[width=20000\]: its weights alone need 1.5 GB, available are 1.0"
    ):
        check(registry, "faulty[width=20000]", Machine(2**30), **SMALL)
    assert set(built[-2:]) == {"meta"}


@pytest.mark.parametrize("method", ["concat", "late", "gated", "prior", "only[modality=images]", "milmer"])
def test_what_comes_with_mmbench_is_clean(method):
    assert check(load_registry(), method) == []


@pytest.mark.parametrize("dataset", ["mfeat", "eegmat", "deap-sim"])
def test_so_it_is_on_datasets(dataset):
    assert check(load_registry(), "concat", dataset=dataset) == []


def test_faults_seven_and_eight_of_milmer_s_public_code_are_found():
    found = {f.check: f.message for f in check(load_registry(), "milmer[variant=published]")}
    assert "cls_token requires a gradient but is not registered" in found["registration"]
    assert "topk_value_proj.weight" in found["gradient"]
    assert "topk_value_proj has 151,007,232 of 165," in found["concentration"]


@pytest.mark.parametrize("balancing", ["none", "cross_attention"])
def test_fault_ten_shows_where_one_token_is_attended_to(balancing):
    found = check(load_registry(), f"milmer[variant=published,selector=amil,balancing={balancing}]")
    messages = [finding.message for finding in found if finding.check == "gradient"]
    assert (len(messages), any("query_tokens" in message for message in messages)) == (
        (0, False) if balancing == "none" else (1, True)
    )


def test_checks_draw_no_random_number(registry):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    check(registry, "concat", **SMALL)
    assert torch.rand(1) == expected


def test_kept_bytes_are_those_of_the_intermediate_values():
    layer = nn.Linear(10, 20)
    x = torch.randn(8, 10)
    _, kept = measure_saved_bytes(lambda: layer(x).relu().sum(), list(layer.parameters()))
    assert kept == 4 * (8 * 10 + 8 * 20)  # what went in, and what ReLU let through


def test_registered_things_are_not_blamed():
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    module.register_buffer("places", torch.zeros(2))
    module.constant = torch.zeros(2)
    assert list(find_unregistered(module)) == []


def test_this_machine_has_memory():
    machine = find_machine(torch.device("cpu"), jobs=3)
    assert machine.jobs == 3
    assert machine.memory is None or machine.memory > 2**28


class Narrow(Fusion):
    """Gives one output, whatever the task."""

    name = "faulty"

    def __init__(self, inputs, n_outputs):
        super().__init__(inputs, n_outputs)
        self.head = nn.Linear(inputs["series"].dim, 1)

    def forward(self, tokens):
        return self.head(tokens["series"].x.mean(dim=(1, 2)))


def test_outputs_of_another_shape_are_refused(registry):
    registry.fusions["faulty"] = Entry("faulty", "test", Narrow)
    with pytest.raises(PluginError, match=r"fusion faulty: gives outputs of the shape \(11, 1\), not \(batch, 4\)"):
        check(registry, "faulty", **SMALL)


def test_tokens_of_no_width_or_length_are_refused(registry, monkeypatch):
    monkeypatch.setattr("mmbench.builtin.encoders.conv1d.TokenSpec", lambda *args, **more: TokenSpec(0, 4))
    with pytest.raises(PluginError, match="encoder conv1d of series: has out = "):
        check(registry, "concat", **SMALL)
