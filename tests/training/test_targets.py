"""Values are standardised by the training part, and predictions are in units of the data."""

import numpy as np
import pytest
import torch

from mmbench import Fusion, Task
from mmbench.training.model import Model
from mmbench.training.targets import TargetScale

VALUES = np.array([[60.0, 5.0, 1.0], [80.0, 5.0, 1e9], [100.0, 5.0, -1e9]])


class Constant(Fusion):
    """One standard deviation above the mean for every sample."""

    name = "constant"

    def forward(self, tokens: object) -> torch.Tensor:
        return torch.ones(2, self.n_outputs, dtype=torch.bfloat16)


def model_of(task: Task) -> Model:
    fusion = Constant({}, task.n_outputs)
    fusion.task = task
    return Model({}, fusion)


def test_training_sees_mean_zero_and_deviation_one() -> None:
    scale = TargetScale(3)
    scale.fit(VALUES)
    found = scale.standardize(torch.from_numpy(VALUES))
    assert found.dtype == torch.float32
    assert found.mean(dim=0).tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    assert found.std(dim=0, correction=0).tolist() == pytest.approx([1, 0, 1])


def test_outputs_are_in_units_of_the_data() -> None:
    scale = TargetScale(3)
    scale.fit(VALUES)
    back = scale(scale.standardize(torch.from_numpy(VALUES)))
    np.testing.assert_allclose(back.numpy(), VALUES, rtol=1e-6, atol=100)


def test_a_constant_target_is_predicted_as_it_is() -> None:
    scale = TargetScale(1)
    scale.fit(np.full((4, 1), 0.1))
    assert scale.deviation.tolist() == [1.0]
    assert float(scale(torch.zeros(1, 1))) == pytest.approx(0.1)


def test_a_model_of_values_has_its_scale_among_its_weights() -> None:
    trained, restored = (model_of(Task("values", ("a", "b", "c"))) for _ in range(2))
    trained.fit_targets(VALUES)
    restored.load_state_dict(trained.state_dict())
    outputs = restored.outputs({})
    assert outputs.dtype == torch.float64
    assert outputs[0].tolist() == pytest.approx([80 + np.sqrt(800 / 3), 6, np.sqrt(2 / 3) * 1e9])
    torch.testing.assert_close(restored.standardize(outputs), torch.ones(2, 3))


@pytest.mark.parametrize("kind", ["class", "labels"])
def test_other_models_have_no_scale(kind: str) -> None:
    model = model_of(Task(kind, ("a", "b")))
    model.fit_targets(np.zeros((3, 2)))
    assert list(model.state_dict()) == []
    assert model.outputs({}).dtype == torch.bfloat16


def test_outputs_keep_the_digits_in_which_large_values_differ() -> None:
    model = model_of(Task("values", ("seconds",)))
    model.fit_targets(np.array([[1.7e9], [1.7e9 + 2]]))
    np.testing.assert_array_equal(model.outputs({})[0].numpy(), [1.7e9 + 2])


def test_targets_have_the_type_of_their_loss() -> None:
    cpu = torch.device("cpu")
    assert model_of(Task("class", ("a", "b"))).target(np.array([0, 1]), cpu).dtype == torch.int64
    labels = model_of(Task("labels", ("a", "b"))).target(np.array([[0, 1]]), cpu)
    assert (labels.dtype, labels.tolist()) == (torch.float32, [[0.0, 1.0]])
