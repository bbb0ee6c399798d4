"""The encoder ``fer`` against outputs of Keras, and files of weights that it refuses."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mmbench import Modality, SpecError, WeightsError
from mmbench_milmer.fer import BUNDLED, FacialExpression, load_mini_xception, scale
from mmbench_milmer.mini_xception import pool

FACE = Modality("face", "image", (3, 64, 64), instances=4)
REFERENCE = Path(__file__).parent / "fer_reference.npz"


@pytest.fixture(scope="module")
def reference():
    """Images ``(3, 64, 64, 3)``, maps and logits of Keras; benchmarks/fer_reference.py wrote them."""
    with np.load(REFERENCE) as file:
        return dict(file)


@pytest.fixture(scope="module")
def images(reference):
    return torch.from_numpy(reference["images"]).permute(0, 3, 1, 2)


def test_the_file_is_that_of_the_wheel():
    assert sha256(BUNDLED.read_bytes()).hexdigest().startswith("59534287fdfb125e30a94400296c25ea")


def test_tokens_equal_the_maps_of_keras(reference, images):
    with torch.no_grad():
        tokens = FacialExpression(FACE, frozen=True)(images)
    expected = torch.from_numpy(reference["maps"]).flatten(1, 2)
    assert expected.std() > 0.5
    assert (tokens - expected).abs().max() < 2e-4


def test_emotions_equal_those_of_keras(reference, images):
    logits = FacialExpression(FACE, frozen=True).emotions(images)
    assert (logits - torch.from_numpy(reference["logits"])).abs().max() < 2e-4


def test_there_are_as_many_weights_as_in_keras():
    counted = {k: v for k, v in load_mini_xception(BUNDLED).state_dict().items() if not k.endswith("batches_tracked")}
    assert sum(value.numel() for value in counted.values()) == 58_423


@pytest.mark.parametrize("side", [(224, 224), (64, 64), (48, 48), (97, 131)])
def test_images_are_converted_as_by_opencv(side):
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(0).integers(0, 256, (*side, 3), dtype=np.uint8)
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (64, 64))
    own = scale(torch.from_numpy(image).permute(2, 0, 1)[None])[0, 0]
    assert np.abs((own.numpy() + 1) * 127.5 - grey).max() < 1.01  # one level: OpenCV interpolates in whole numbers


@pytest.mark.parametrize(("side", "n"), [(60, 30), (30, 15), (15, 8), (8, 4)])
def test_maxima_are_taken_at_the_places_of_keras(side, n):
    x = torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(side))
    # An even side has one row more behind its end, an odd one a row on both sides.
    first = 0 if side % 2 == 0 else -1
    expected = [
        max(float(x[0, 0, row, 0]) for row in range(max(0, start), min(side, start + 3)))
        for start in range(first, side, 2)
    ]
    column = x[..., :1].expand(-1, -1, -1, side)
    assert pool(column)[0, 0, :, 1].tolist() == pytest.approx(expected)
    assert len(expected) == n


def test_a_frozen_encoder_stays_in_evaluation_mode_and_a_trained_one_learns(images):
    frozen = FacialExpression(FACE, frozen=True).train()
    assert not frozen.training
    assert not any(weight.requires_grad for weight in frozen.parameters())
    trained = FacialExpression(FACE).train()
    trained(images).square().sum().backward()
    names = {name for name, weight in trained.named_parameters() if weight.requires_grad}
    assert names == {name for name, weight in trained.named_parameters() if weight.grad is not None}
    assert not any(name.startswith("network.head") for name in names)


def test_saved_weights_give_the_same_tokens(tmp_path, images):
    encoder = FacialExpression(FACE).train()
    encoder(images)  # moves running means
    save_file({k: v.contiguous() for k, v in encoder.weights_to_save().items()}, tmp_path / "face.safetensors")
    again = FacialExpression(FACE, weights=str(tmp_path / "face.safetensors"), frozen=True)
    with torch.no_grad():
        assert torch.equal(again(images), encoder.eval()(images))
        assert not torch.equal(again(images), FacialExpression(FACE, frozen=True)(images))


def test_random_numbers_are_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    FacialExpression(FACE)
    assert torch.equal(torch.rand(3), expected)


def edited(tmp_path, edit):
    path = tmp_path / "edited.hdf5"
    shutil.copy(BUNDLED, path)
    with h5py.File(path, "r+") as file:
        edit(file)
    return path


def with_layer(name, **settings):
    def edit(file):
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if layer["config"]["name"] == name:
                layer["config"].update(settings)
        file.attrs["model_config"] = json.dumps(config)

    return edit


def without_last_layer(file):
    config = json.loads(file.attrs["model_config"])
    config["config"]["layers"].pop()
    file.attrs["model_config"] = json.dumps(config)


def replaced(key, value):
    def edit(file):
        del file[key]
        if value is not None:
            file[key] = value

    return edit


KERNEL = "model_weights/conv2d_1/conv2d_1_1/kernel:0"
SEPARABLE = "model_weights/separable_conv2d_1/separable_conv2d_1_1/depthwise_kernel:0"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda file: file.attrs.pop("model_config"), "it has no model_config"),
        (lambda file: file.attrs.modify("model_config", "{"), "cannot be read as weights of Keras"),
        (lambda file: file.attrs.modify("model_config", '{"config": []}'), "not that of a functional model"),
        (lambda file: file.attrs.modify("model_config", "[1, 2]"), "not that of a functional model"),
        (without_last_layer, "a network of 45 layers, not the 46"),
        (with_layer("conv2d_3", padding="valid"), "layer conv2d_3 has padding=valid, not same"),
        (with_layer("input_1", batch_input_shape=[None, 48, 48, 1]), "batch_input_shape=[None, 48, 48, 1]"),
        (with_layer("batch_normalization_9", epsilon=1e-5), "epsilon=1e-05, not 0.001"),
        (replaced("model_weights/conv2d_1", None), "it has no conv2d_1"),
        (replaced(KERNEL, None), "its layer conv2d_1 has no kernel"),
        (replaced(KERNEL, np.zeros((3, 3, 1, 9), np.float32)), "stem.0.weight (9, 1, 3, 3) for (8, 1, 3, 3)"),
        (replaced(KERNEL, np.zeros((3, 3, 1, 8))), "holds float64, not float32"),
        (replaced(KERNEL, np.full((3, 3, 1, 8), np.nan, np.float32)), "kernel:0 is not finite"),
        (replaced(SEPARABLE, np.float32(0)), "blocks.0.first.depthwise.weight () for (8, 1, 3, 3)"),
    ],
)
def test_another_network_is_refused_in_one_line(tmp_path, edit, message):
    path = edited(tmp_path, edit)
    with pytest.raises(WeightsError) as caught:
        FacialExpression(FACE, weights=str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("n_bytes", [0, 8, 100, 3_000, 40_000, 200_000])
def test_a_truncated_file_is_refused_in_one_line(tmp_path, n_bytes):
    path = tmp_path / "cut.hdf5"
    path.write_bytes(BUNDLED.read_bytes()[:n_bytes])
    with pytest.raises(WeightsError, match=r"cut\.hdf5: .+ — "):
        FacialExpression(FACE, weights=str(path))


def test_other_files_are_refused_in_one_line(tmp_path):
    with pytest.raises(WeightsError, match="no such weights file"):
        FacialExpression(FACE, weights=str(tmp_path / "missing.hdf5"))
    save_file({"a": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"does not fit: missing: .*; unknown: a"):
        FacialExpression(FACE, weights=str(tmp_path / "other.safetensors"))
    with pytest.raises(WeightsError, match="is a folder"):
        FacialExpression(FACE, weights=str(tmp_path))


def test_images_without_colour_are_refused():
    with pytest.raises(SpecError, match=r"has shape \(1, 64, 64\)"):
        FacialExpression(Modality("face", "image", (1, 64, 64)))
