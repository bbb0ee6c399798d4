"""Properties of the built-in encoders beyond the contract."""

import builtins
from pathlib import Path

import pytest
import torch

from mmbench import Modality, SpecError, TokenSpec, WeightsError
from mmbench.builtin.encoders import image
from mmbench.builtin.encoders.conv1d import Conv1d, odd_kernel
from mmbench.builtin.encoders.image import TimmImages
from mmbench.builtin.encoders.pixels import Pixels
from mmbench.builtin.encoders.vector import Mlp, Raw

FACE = Modality("face", "image", (3, 64, 64), instances=10)


@pytest.mark.parametrize(("rate", "length", "tokens"), [(128.0, 384, 12), (4.0, 32, 2), (None, 3, 3), (None, 1, 1)])
def test_conv1d_takes_any_length_and_rate(rate: float | None, length: int, tokens: int) -> None:
    encoder = Conv1d(Modality("x", "timeseries", (2, length), rate=rate), dim=5)
    assert (encoder.out.length, encoder.out.dim) == (tokens, 5)
    assert encoder(torch.randn(3, 2, length)).shape == (3, tokens, 5)


def test_conv1d_keeps_the_amplitude() -> None:
    torch.manual_seed(0)
    encoder = Conv1d(Modality("x", "timeseries", (2, 256), rate=128.0)).eval()
    x = torch.randn(1, 2, 256)
    soft, loud = encoder(x), encoder(4 * x)
    assert (loud - soft).norm() > 0.3 * soft.norm()


def test_the_kernel_spans_seconds() -> None:
    assert [odd_kernel(0.1, rate, 384) for rate in (500.0, 128.0, 4.0, None)] == [51, 13, 3, 3]
    assert odd_kernel(1.0, 128.0, 32) == 33


@pytest.mark.parametrize("params", [{"dim": 0}, {"depth": -1}, {"dropout": 1.0}, {"kernel": 0.0}])
def test_conv1d_refuses_impossible_parameters(params: dict) -> None:
    with pytest.raises(SpecError, match=next(iter(params))):
        Conv1d(Modality("x", "timeseries", (2, 256), rate=128.0), **params)


def test_vectors() -> None:
    modality = Modality("x", "vector", (7,))
    x = torch.randn(3, 7)
    assert Mlp(modality, dim=5)(x).shape == (3, 1, 5)
    assert torch.equal(Raw(modality)(x), x[:, None])
    with pytest.raises(SpecError, match="hidden"):
        Mlp(modality, hidden=0)


@pytest.mark.parametrize(
    ("model", "tokens", "dim"),
    [("test_resnet", 4, 96), ("test_vit", 17, 64), ("swin_tiny_patch4_window7_224", 4, 768)],
)
def test_tokens_of_every_layout(model: str, tokens: int, dim: int) -> None:
    encoder = TimmImages(FACE, model=model).eval()
    assert (encoder.out.length, encoder.out.dim) == (tokens, dim)
    assert encoder(torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)).shape == (2, tokens, dim)


def test_tokens_stand_in_the_order_of_the_map() -> None:
    features = torch.arange(24.0).reshape(1, 2, 3, 4)  # (n, D, H, W)
    tokens = image.tokens_of(features, width=2)
    assert torch.equal(tokens[0, :, 0], torch.arange(12.0))
    assert torch.equal(image.tokens_of(features.permute(0, 2, 3, 1), width=2), tokens)
    assert image.tokens_of(torch.ones(1, 5), width=5).shape == (1, 1, 5)
    with pytest.raises(SpecError, match="not a map"):
        image.tokens_of((features, features), width=2)


def test_images_are_normalised_as_the_model_was_trained() -> None:
    encoder = TimmImages(FACE, model="resnet18").eval()
    seen = []
    encoder.network.forward_features = lambda x: seen.append(x) or torch.zeros(1, 512, 2, 2)
    encoder(torch.full((1, 3, 64, 64), 255, dtype=torch.uint8))
    white = (1 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    torch.testing.assert_close(seen[0][0, :, 0, 0], white)


def test_weights_come_from_a_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = TimmImages(FACE, model="test_resnet").eval()
    state = {**source.network.state_dict(), "fc.weight": torch.zeros(30, 96), "fc.bias": torch.zeros(30)}
    torch.save(state, tmp_path / "emotions.pt")
    torch.manual_seed(1)
    loaded = TimmImages(FACE, model="test_resnet", weights=str(tmp_path / "emotions.pt")).eval()
    x = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    assert torch.equal(loaded(x), source(x))
    with pytest.raises(WeightsError, match=r"emotions\.pt: does not fit the model"):
        TimmImages(FACE, model="test_vit", weights=str(tmp_path / "emotions.pt"))
    with pytest.raises(WeightsError, match="no such weights file"):
        TimmImages(FACE, model="test_vit", weights=str(tmp_path / "gone.pt"))


def test_without_network_the_three_choices_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def no_network(*args: object, **kwargs: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", no_network)
    monkeypatch.setattr("urllib.request.urlopen", no_network)
    with pytest.raises(WeightsError) as caught:
        TimmImages(FACE, pretrained=True)
    line = caught.value.line
    assert line.startswith("timm[model=resnet18]: ")
    assert "no network" in line
    assert all(choice in line for choice in ("pretrained=true", "weights=FILE", "pretrained=false"))


def test_two_kinds_of_weights_are_refused() -> None:
    with pytest.raises(SpecError, match="both pretrained=true and weights=FILE"):
        TimmImages(FACE, pretrained=True, weights="x.pt")


def test_an_unknown_model_brings_a_suggestion() -> None:
    with pytest.raises(SpecError, match=r"did you mean .*resnet18"):
        TimmImages(FACE, model="resnet-18")


def test_a_model_that_cannot_take_the_size_says_so() -> None:
    with pytest.raises(SpecError, match=r"timm\[model=swin_tiny_patch4_window7_224\]: does not accept images of 2×2"):
        TimmImages(Modality("dot", "image", (3, 2, 2)), model="swin_tiny_patch4_window7_224")


def test_without_timm_the_remedy_is_an_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_timm(name: str, *args: object, **kwargs: object) -> object:
        if name == "timm":
            raise ImportError("No module named 'timm'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_timm)
    with pytest.raises(SpecError, match=r'pip install "mmbench\[timm\]"'):
        TimmImages(FACE)


def test_parameters_without_effect_are_not_trained() -> None:
    encoder = TimmImages(FACE, model="mobilenetv3_small_050")
    untrained = [name for name, parameter in encoder.network.named_parameters() if not parameter.requires_grad]
    assert untrained == ["conv_head.weight", "conv_head.bias"]
    assert not any(parameter.requires_grad for parameter in TimmImages(FACE, frozen=True).parameters())


def test_pixels_are_averaged_grey_values() -> None:
    x = torch.zeros(1, 3, 4, 6, dtype=torch.uint8)
    x[0, 0, :2, :3] = 255
    encoder = Pixels(Modality("photo", "image", (3, 4, 6)), side=2)
    assert encoder.out == TokenSpec(1, 4)
    assert encoder(x).flatten().tolist() == pytest.approx([0.299, 0, 0, 0])
    assert encoder(torch.full_like(x, 255)).flatten().tolist() == pytest.approx([1] * 4)
