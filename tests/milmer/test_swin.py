import urllib.error

import huggingface_hub
import pytest
import timm
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import save_file

from mmbench import Modality, SpecError, TokenSpec, WeightsError
from mmbench_milmer.swin import Swin

TINY = "swin_tiny_patch4_window7_224"


def make_swin(size=64, seed=0, **params):
    torch.manual_seed(seed)
    side = (size, size) if isinstance(size, int) else size
    chosen = {} if "weights" in params else {"model": "nano", "pretrained": False}
    return Swin(Modality("face", "image", (3, *side), instances=4), **{**chosen, **params})


def faces(n=2, size=64):
    return torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def no_network(monkeypatch):
    def download(*args, **kwargs):
        raise LocalEntryNotFoundError("not in the cache")

    def urlopen(*args, **kwargs):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr("urllib.request.urlopen", urlopen)


def test_tiny_has_the_published_tokens():
    encoder = make_swin(224, model=TINY).eval()
    with torch.no_grad():
        tokens = encoder(faces(1, 224))
    assert encoder.out == TokenSpec(length=49, dim=768)
    assert tokens.shape == (1, 49, 768)
    assert tokens.isfinite().all()


@pytest.mark.parametrize(("size", "length"), [(64, 16), (32, 4), ((48, 96), 18)])
def test_nano_takes_small_images(size, length):
    encoder = make_swin(size)
    tokens = encoder(torch.zeros(2, *encoder.modality.shape, dtype=torch.uint8))
    assert encoder.out == TokenSpec(length=length, dim=128)
    assert tokens.shape == (2, length, 128)


def test_images_are_normalised_as_imagenet():
    encoder = make_swin().eval()
    seen = []
    encoder.net.patch_embed.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    encoder(torch.full((1, 3, 64, 64), 255, dtype=torch.uint8))
    expected = torch.tensor([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    assert torch.allclose(seen[0][0, :, 0, 0], expected)


def test_every_parameter_gets_a_gradient_and_the_classifier_is_gone():
    encoder = make_swin(drop_path=0.0)
    encoder(faces(8)).square().mean().backward()
    without = [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []
    assert not any("head" in name for name, _ in encoder.named_parameters())


def test_frozen_is_deterministic_and_stays_in_evaluation_mode():
    encoder = make_swin(frozen=True)
    assert encoder.frozen
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    encoder.train()
    assert not any(module.training for module in encoder.modules())
    assert torch.equal(encoder(faces()), encoder(faces()))
    assert torch.equal(encoder(faces()), make_swin(frozen=True)(faces()))
    assert not torch.equal(encoder(faces()), make_swin(frozen=True, seed=1)(faces()))


def test_an_image_does_not_depend_on_its_batch():
    encoder = make_swin().eval()
    x = faces(4)
    assert torch.allclose(encoder(x)[:1], encoder(x[:1]), atol=1e-5)


@pytest.mark.parametrize("size", [(50, 64), (64, 50), (16, 16)])
def test_size_that_does_not_divide_is_refused(size):
    with pytest.raises(SpecError, match=r"'face' has shape .* multiples of 16 px.*change the image size"):
        make_swin(size)


def test_unknown_model_is_refused_with_a_hint():
    with pytest.raises(SpecError, match=f"did you mean {TINY}"):
        make_swin(model="swin_tiny_patch4_window7_24")


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_weights_round_trip(tmp_path, suffix):
    source, path = make_swin(seed=1).eval(), tmp_path / f"face.{suffix}"
    state = {**source.net.state_dict(), "head.fc.weight": torch.zeros(7, 128)}
    save_file(state, path) if suffix == "safetensors" else torch.save({"state_dict": state}, path)
    target = make_swin(weights=str(path)).eval()
    assert torch.equal(source(faces()), target(faces()))


def test_mismatched_weights_are_named(tmp_path):
    state = make_swin().net.state_dict()
    state["norm.weights"] = state.pop("norm.weight")
    state["patch_embed.proj.bias"] = torch.zeros(5)
    path = tmp_path / "face.safetensors"
    save_file(state, path)
    with pytest.raises(WeightsError) as caught:
        make_swin(weights=str(path))
    line = str(caught.value)
    assert line.startswith(str(path))
    assert "missing: norm.weight;" in line
    assert "unknown: norm.weights;" in line
    assert "of another shape: patch_embed.proj.bias (5,) for (32,)" in line
    assert "\n" not in line


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("pretrained", [None, True])
def test_error_without_network_lists_the_three_options(pretrained):
    with pytest.raises(WeightsError) as caught:
        make_swin(224, model=TINY, pretrained=pretrained)
    line = str(caught.value)
    assert all(choice in line for choice in ("pretrained=true", "weights=FILE", "pretrained=false"))
    assert "no network" in line
    assert "\n" not in line


def test_pretrained_weights_are_read_from_the_hub_s_file(tmp_path, monkeypatch):
    torch.manual_seed(3)
    source, path = timm.create_model(TINY, num_classes=1000), tmp_path / "model.safetensors"
    save_file(source.state_dict(), path)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *args, **kwargs: str(path))
    encoder = make_swin(224, model=TINY, pretrained=None)
    given = source.state_dict()
    assert all(torch.equal(value, given[name]) for name, value in encoder.net.state_dict().items())


def test_nano_has_no_pretrained_weights():
    with pytest.raises(WeightsError, match="nano has no pretrained weights"):
        make_swin(pretrained=None)


def test_two_sources_of_weights_are_refused():
    for both in ({"pretrained": True}, {"model": TINY}):
        with pytest.raises(SpecError, match="exclude each other"):
            make_swin(224, weights="face.safetensors", **both)
