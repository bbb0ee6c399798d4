"""What is searched of a recipe, and a recipe with other values."""

from collections.abc import Mapping

import pytest

from mmbench.contract.types import Training
from mmbench.errors import SpecError
from mmbench.registry.methods import Recipe
from mmbench.registry.specs import parse_spec
from mmbench.tuning.search_space import (
    TRAINING_SPACE,
    check_used_modalities,
    default_parameters,
    find_search_space,
    set_parameters,
)

ENCODERS = {"signal": "conv1d[dim=32]", "facts": "mlp"}


def recipe(fusion: str = "concat", encoders: Mapping[str, str] = ENCODERS, held: tuple[str, ...] = ()) -> Recipe:
    specs = {name: parse_spec(text) for name, text in encoders.items()}
    return Recipe(fusion, ("signal", "facts"), parse_spec(fusion), specs, Training(lr=2e-3), held=frozenset(held))


def test_the_space_is_that_of_all_parts_in_one_order() -> None:
    space = find_search_space(recipe(), ())
    assert {"fusion.dim", "encoder.signal.dim", "encoder.facts.dim", "training.lr"} <= set(space)
    assert space["training.lr"] == TRAINING_SPACE["lr"]
    assert list(space) == list(find_search_space(recipe(encoders=dict(reversed(ENCODERS.items()))), ()))


def test_search_space_omits_frozen_encoders_and_fixed_parameters() -> None:
    space = find_search_space(recipe(held=("encoder.facts.dim", "training.lr", "fusion.dim")), (), frozen=("signal",))
    assert not [name for name in space if name.startswith("encoder.signal.")]
    assert set(space).isdisjoint({"encoder.facts.dim", "training.lr", "fusion.dim"})
    assert {"encoder.facts.depth", "training.weight_decay", "fusion.pool"} <= set(space)


def test_every_method_is_searched_over_the_same_training() -> None:
    found = [
        {name for name in find_search_space(recipe(fusion), ()) if name.startswith("training.")}
        for fusion in ("concat", "prior")
    ]
    assert found[0] == found[1] == {f"training.{name}" for name in TRAINING_SPACE}


def test_defaults_are_those_of_the_recipe() -> None:
    found = default_parameters(recipe("concat[dim=48]"), (), ["fusion.dim", "encoder.signal.dim", "training.lr"])
    assert found == {"fusion.dim": 48, "encoder.signal.dim": 32, "training.lr": 2e-3}


def test_values_go_where_they_belong() -> None:
    values = {"fusion.dim": 64, "encoder.facts.dim": 24, "training.lr": 0.005}
    changed = set_parameters(recipe(), values)
    assert default_parameters(changed, (), values) == values
    assert changed.encoders["signal"] == recipe().encoders["signal"]
    assert changed.training.epochs == recipe().training.epochs
    assert set_parameters(recipe(), {}) == recipe()


def test_fusion_that_reads_unencoded_modalities_is_refused() -> None:
    alone = recipe("only[modality=facts]", {"facts": "mlp"})
    check_used_modalities(alone, ())
    with pytest.raises(SpecError, match="reads signal, which it does not read with its defaults"):
        check_used_modalities(set_parameters(alone, {"fusion.modality": "signal"}), ())


def test_values_have_no_labels_to_smooth() -> None:
    classes, labels, values = (
        set(find_search_space(recipe(), (), kind=kind)) for kind in ("class", "labels", "values")
    )
    assert classes == labels == values | {"training.label_smoothing"}
