"""Swin checkpoints against the libraries that save them: Hugging Face's SwinModel and timm."""

import re

import pytest
import torch
from safetensors.torch import save_file
from timm.models.swin_transformer import SwinTransformer

from mmbench import SpecError, WeightsError
from mmbench_milmer import load_swin

SIZES = {"embed_dim": 24, "depths": [2, 2], "num_heads": [2, 4]}


def randomise(module):
    """Weights that no part of a network could do without: neither zeros nor ones."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return module.eval()


@pytest.fixture(scope="module")
def hugging_face():
    """Makes Hugging Face's models without a file."""
    transformers = pytest.importorskip("transformers")

    def make(kind="SwinModel", **config):
        torch.manual_seed(1)
        full = {"image_size": 56, "patch_size": 4, "window_size": 7, **SIZES, **config}
        return randomise(getattr(transformers, kind)(transformers.SwinConfig(**full)))

    return make


def make_timm(**config):
    torch.manual_seed(1)
    full = {"img_size": 56, "patch_size": 4, "window_size": 7, **SIZES, **config}
    return randomise(SwinTransformer(num_classes=5, **full))


def images(height, width, n=2):
    return torch.randn(n, 3, height, width, generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def assert_same(ours, theirs, atol=1e-4):
    assert theirs.std() > 0.1
    assert torch.allclose(ours, theirs, atol=atol)


# The image: as trained; windows that must be padded; one side as small as the window; sides that must be padded.
@pytest.mark.parametrize("size", [(56, 56), (80, 96), (56, 112), (61, 70)])
def test_tokens_equal_those_of_hugging_face_at_any_size(hugging_face, size):
    original = hugging_face()
    with torch.no_grad():
        assert_same(load_swin(original.state_dict())(images(*size)), original(images(*size)).last_hidden_state)


@pytest.mark.parametrize(
    "config", [{"qkv_bias": False}, {"mlp_ratio": 2.0}, {"patch_size": 2, "image_size": 28}, {"window_size": 2}]
)
def test_architecture_is_inferred_from_the_weights(hugging_face, config):
    original = hugging_face(**config)
    with torch.no_grad():
        assert_same(load_swin(original.state_dict())(images(56, 56)), original(images(56, 56)).last_hidden_state)


@pytest.mark.parametrize("form", ["folder", "safetensors", "bin"])
def test_files_in_the_names_on_disk(hugging_face, tmp_path, form):
    """``save_pretrained`` writes other names than ``state_dict`` has, and a prefix before a classifier's backbone."""
    original = hugging_face("SwinForImageClassification", num_labels=7)
    original.save_pretrained(tmp_path)
    path = {"folder": tmp_path, "safetensors": tmp_path / "model.safetensors", "bin": tmp_path / "weights.bin"}[form]
    if form == "bin":
        torch.save(original.state_dict(), path)
    with torch.no_grad():
        assert_same(load_swin(path)(images(56, 56)), original.swin(images(56, 56)).last_hidden_state)


@pytest.mark.parametrize("size", [(56, 56), (96, 96), (56, 112), (64, 64)])
def test_tokens_equal_those_of_timm(size):
    original = make_timm()
    twin = make_timm(img_size=size)
    twin.load_state_dict(original.state_dict())
    with torch.no_grad():
        assert_same(load_swin(original.state_dict())(images(*size)), twin.forward_features(images(*size)).flatten(1, 2))


def test_windows_that_timm_made_smaller_for_small_images():
    original = make_timm(img_size=40)  # windows of 7 and 5
    with torch.no_grad():
        assert_same(
            load_swin(original.state_dict())(images(40, 40)), original.forward_features(images(40, 40)).flatten(1, 2)
        )


def test_older_names_of_timm():
    original = make_timm()
    old = {re.sub(r"layers\.1\.downsample", "layers.0.downsample", key): v for key, v in original.state_dict().items()}
    old["layers.0.blocks.1.attn_mask"] = torch.zeros(4, 49, 49)
    old["layers.0.blocks.1.attn.relative_position_index"] = torch.zeros(49, 49)
    with torch.no_grad():
        assert_same(load_swin(old)(images(56, 56)), original.forward_features(images(56, 56)).flatten(1, 2))


def test_half_precision_is_read_as_single():
    state = {key: value.half() for key, value in make_timm().state_dict().items()}
    assert load_swin(state)(images(56, 56)).dtype == torch.float32


def test_every_weight_can_be_trained():
    swin = load_swin(make_timm().state_dict(), drop_path=0.1)
    assert not swin.training
    swin.train()(images(80, 80)).square().mean().backward()
    assert [name for name, p in swin.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_no_random_number_is_drawn():
    torch.manual_seed(3)
    first = torch.rand(1)
    torch.manual_seed(3)
    load_swin(make_timm_state())
    assert torch.rand(1) == first


def make_timm_state():
    with torch.random.fork_rng():
        return make_timm().state_dict()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("norm.weight"), "missing: norm.weight"),
        (lambda s: s.update(extra=torch.zeros(1)), "unknown: extra"),
        (lambda s: s.update({"norm.bias": torch.zeros(3)}), r"of another shape: norm.bias \(3,\) for \(48,\)"),
        (lambda s: s.pop("patch_embed.proj.weight"), "holds no Swin"),
        (lambda s: s.pop("layers.1.blocks.0.attn.relative_position_bias_table"), "lacks layers.1.*table"),
        (
            lambda s: s.update({"layers.0.blocks.0.attn.relative_position_bias_table": torch.zeros(15, 2)}),
            r"table \(15, 2\) does not belong to a square window",
        ),
        (lambda s: [s.pop(key) for key in list(s) if key.startswith("layers.0.")], r"blocks in the stages \[1\]"),
        (lambda s: s.update({"patch_embed.proj.weight": torch.zeros(3)}), "not that of a Swin"),
        (lambda s: s.update({"layers.x.blocks.0.norm1.weight": torch.zeros(3)}), r"unknown: layers\.x"),
    ],
)
def test_error_names_mismatched_keys_and_shapes(change, words, tmp_path):
    state = make_timm_state()
    change(state)
    with pytest.raises(WeightsError, match=words):
        load_swin(state)
    path = tmp_path / "swin.safetensors"
    save_file(state, path)
    with pytest.raises(WeightsError) as caught:
        load_swin(path)
    assert str(caught.value).startswith(str(path))


def test_many_mismatches_are_counted():
    state = make_timm_state()
    for number in range(5):
        state[f"extra{number}"] = torch.zeros(1)
    with pytest.raises(WeightsError, match="unknown: extra0, extra1, extra2 and 2 more"):
        load_swin(state)


def test_missing_key_of_hugging_face_is_an_error(hugging_face):
    state = hugging_face().state_dict()
    del state["encoder.layers.0.blocks.1.attention.k_proj.weight"]
    with pytest.raises(WeightsError, match=r"query, key and value of layers.0.blocks.1.attn.weight are incomplete"):
        load_swin(state)


def test_absolute_positions_are_refused_by_name(hugging_face):
    with pytest.raises(WeightsError, match=r"unknown: embeddings\.position_embeddings"):
        load_swin(hugging_face(use_absolute_embeddings=True).state_dict())


def test_too_small_images_are_refused():
    with pytest.raises(
        SpecError, match=r"40 × 80 px give a map of 5 × 10, smaller than the window of 7 — use images of 56"
    ):
        load_swin(make_timm_state())(images(40, 80))


def test_part_selects_the_student_or_the_teacher(tmp_path):
    student, teacher = make_timm(), make_timm()
    state = {f"student.{name}": value for name, value in student.state_dict().items()}
    state |= {f"teacher.{name}": value for name, value in teacher.state_dict().items()}
    path = tmp_path / "dino.pth"
    torch.save({"model": state}, path)
    with pytest.raises(WeightsError, match=r"dino\.pth: holds 2 models: student, teacher — .*part=student"):
        load_swin(path)
    with torch.no_grad():
        assert_same(load_swin(path, part="teacher")(images(56, 56)), load_swin(teacher.state_dict())(images(56, 56)))


def test_code_in_a_file_is_not_run(tmp_path):
    path = tmp_path / "swin.bin"
    torch.save({"patch_embed.proj.weight": print}, path)
    with pytest.raises(WeightsError, match=r"holds an object of (builtins\.)?print beside tensors: .* nothing was run"):
        load_swin(path)
