"""A checkpoint of the public class, scored and trained further inside a run."""

import hashlib

import numpy as np
import pytest
import torch

import mmbench
from mmbench import SpecError, Tokens, TokenSpec, UserError, WeightsError
from mmbench_milmer import load_published
from mmbench_milmer.eeg import MilmerEEG
from mmbench_milmer.fusion import MilmerFusion

N, K = 24, 4
SIZES = {"dim": 96, "heads": 4, "ff": 192, "depth": 1, "k": 2, "queries": 16}
TEXT = ",".join(f"{name}={value}" for name, value in SIZES.items())
INPUTS = {"eeg": TokenSpec(32, 96), "face": TokenSpec(16, 96, instances=K)}
OPTIONS = {"folds": 2, "seeds": 1, "jobs": 1, "diagnose": "no"}


@pytest.fixture(scope="module")
def arrays(draw_faces):
    """EEG in µV ``(N, 32, 384)`` and faces uint8 ``(N, 4, 3, 64, 64)``."""
    generator = torch.Generator().manual_seed(0)
    eeg = 20 * torch.randn(N, 32, 384, generator=generator)
    faces = draw_faces(N * K)[torch.randperm(N * K, generator=generator)].unflatten(0, (N, K))
    return eeg.numpy(), faces.numpy()


@pytest.fixture(scope="module")
def data(arrays, tmp_path_factory):
    eeg, faces = arrays
    people = [f"p{row // 6}" for row in range(N)]
    return mmbench.from_arrays(
        {"eeg": eeg, "face": faces},
        np.arange(N) % 4,
        groups={"subject": people},
        kinds={"eeg": ("timeseries", 128.0)},
        ids=[str(row) for row in range(N)],
        cache=tmp_path_factory.mktemp("data"),
    )


@pytest.fixture(scope="module")
def checkpoint(make_public, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "public.pt"
    torch.save(make_public().state_dict(), path)
    return path


def method(path, **options):
    return f'milmer[variant=published,checkpoint="{path}",{TEXT}{"".join(f",{k}={v}" for k, v in options.items())}]'


@pytest.fixture(scope="module")
def result(data, checkpoint, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("run")
        patch.setenv("MMBENCH_CACHE", str(folder / "cache"))
        encoders = {"eeg": "de", "face": "fer[frozen=true]"}
        return mmbench.run(
            method(checkpoint), data, "concat,prior", encoders=encoders, out=folder, training={"epochs": 2}, **OPTIONS
        )


def test_a_run_gives_the_logits_of_the_public_model(result, arrays, checkpoint):
    model = load_published(torch.load(checkpoint), num_instances=K, num_select=2, num_heads=4)
    with torch.no_grad():
        expected = model(*map(torch.from_numpy, arrays)).numpy()
    scored = result.methods[0]
    found = {
        sample: logits for record in scored.records for sample, logits in zip(record.ids, record.logits, strict=True)
    }
    assert len(found) == N
    differences = [np.abs(np.array(found[sample]) - expected[int(sample.split("/")[-1])]).max() for sample in found]
    assert max(differences) < 5e-3  # tokens of frozen encoders are kept as float16
    assert expected.std(axis=0).min() > 0.02


def test_nothing_is_trained_and_the_record_says_whence_the_weights_are(result, checkpoint):
    scored, baseline, _ = result.methods
    assert all(record.parameters["trainable"] == 0 for record in scored.records)
    assert all(len(record.history) == 1 for record in scored.records)
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    (entry,) = scored.run["pretrained"]
    assert (entry["file"], entry["sha256"], entry["trained_on"]) == ("public.pt", digest, None)
    assert list(entry["parts"]) == ["the fusion", "the encoder of eeg", "the encoder of face"]
    assert scored.run["own_encoders"]
    assert "pretrained" not in baseline.run
    text = " ".join(str(result).split())
    assert f"from public.pt (SHA-256 {digest[:12]}), whose training data are unknown" in text
    assert "scored as it is, nothing was trained here" in text


def test_baselines_have_other_encoders(result):
    scored, baseline, _ = result.methods
    assert {name: each["name"] for name, each in scored.run["encoders"].items()} == {
        "eeg": "milmer-eeg",
        "face": "swin",
    }
    assert {name: each["name"] for name, each in baseline.run["encoders"].items()} == {"eeg": "de", "face": "fer"}


def test_a_checkpoint_can_be_trained_further(data, checkpoint, tmp_path):
    result = mmbench.run(
        method(checkpoint, frozen="false"),
        data,
        "none",
        out=tmp_path,
        training={"epochs": 1, "batch_size": 8},
        **OPTIONS,
    )
    (trained,) = result.methods
    assert all(record.parameters["trainable"] == record.parameters["total"] for record in trained.records)
    assert "nothing was trained here" not in str(result)
    assert "whose training data are unknown" in " ".join(str(result).split())


def test_training_losses_in_the_host_are_those_of_the_public_model(make_public, public_batch, checkpoint):
    """Without stochastic depth, which draws other numbers where all frames are encoded at once."""
    eeg, faces, labels = public_batch
    public = make_public(drop_path=0.0)
    torch.manual_seed(0)
    expected = torch.nn.functional.cross_entropy(public.train()(eeg, faces), labels)
    from mmbench_milmer.swin import Swin

    schema = (
        mmbench.Modality("eeg", "timeseries", (32, 384)),
        mmbench.Modality("face", "image", (3, 64, 64), instances=K),
    )
    encoders = (
        MilmerEEG(schema[0], dim=96, channel_embedding=False, weights=str(checkpoint)),
        Swin(schema[1], weights=str(checkpoint), drop_path=0.0),
    )
    fusion = MilmerFusion(INPUTS, 4, variant="published", checkpoint=str(checkpoint), frozen=False, **SIZES).train()
    tokens = {
        "eeg": Tokens(encoders[0](eeg)[:, None], torch.ones(3, 1, dtype=torch.bool)),
        "face": Tokens(
            encoders[1].train()(faces.flatten(0, 1)).unflatten(0, (3, K)), torch.ones(3, K, dtype=torch.bool)
        ),
    }
    torch.manual_seed(0)
    loss = torch.nn.functional.cross_entropy(fusion(tokens), labels)
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), abs=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classifier.weight": None}, "lacks classifier.weight"),
        ({"classifier.weight": torch.ones(3)}, "has classifier.weight of shape (3,)"),
        ({"transformer_encoder.layers.0.linear1.weight": None}, "lacks transformer_encoder.layers.0.linear1.weight"),
        ({"eeg_proj.weight": None}, "missing: project.1.weight"),
        ({"layernorm.weight": None}, "missing: project.0.weight"),
        ({"swin_model.layernorm.weight": None}, "missing: norm.weight"),
        ({"topk_value_proj.weight": None}, "missing: topk_value_proj.weight"),
        ({"cls_token": torch.ones(3)}, "cls_token (3,) for (1, 1, 96)"),
        ({"surprise": torch.ones(1)}, "unknown: surprise"),
        (
            {"eeg_proj.weight": torch.ones(96, 128), "layernorm.weight": torch.ones(128)},
            "is for windows of 128 samples",
        ),
        ({"instance_weights": torch.ones(1, 10)}, "is for 10 frames in a bag, but the dataset has 4"),
        (
            {"classifier.weight": torch.ones(7, 96), "classifier.bias": torch.ones(7)},
            "is for 7 outputs, but the task has 4",
        ),
        (
            {"topk_weight_proj.weight": torch.ones(1, 96 * 49)},
            "is for 49 tokens an image, but the face encoder gives 16",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(make_public, data, tmp_path, change, message):
    state = {key: value for key, value in {**make_public().state_dict(), **change}.items() if value is not None}
    torch.save(state, tmp_path / "changed.pt")
    with pytest.raises(WeightsError) as caught:
        mmbench.run(method(tmp_path / "changed.pt"), data, "none", out=tmp_path, **OPTIONS)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "changed.pt"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("milmer[checkpoint=FILE]", "holds the published variant — write milmer[variant=published,checkpoint=FILE]"),
        ("milmer[variant=published,frozen=true]", "milmer[frozen=true]: applies to a checkpoint only"),
        ("milmer[variant=published,checkpoint=FILE,dim=48]", "dim is 48, but 96 in the weights — set dim=96"),
        ("milmer[variant=published,checkpoint=FILE,dim=96,heads=4,depth=3]", "depth is 3, but 1 in the checkpoint"),
        ("milmer[variant=published,checkpoint=FILE,dim=96,heads=4,depth=1,ff=100]", "ff is 100, but 192 in"),
        ("milmer[variant=published,checkpoint=FILE,dim=96,heads=4,depth=1,ff=192]", "queries is 147, but 16 in"),
        ("milmer[variant=published,checkpoint=missing.pt]", "missing.pt: no such weights file"),
    ],
)
def test_options_that_contradict_the_checkpoint_are_refused(data, checkpoint, tmp_path, text, message):
    with pytest.raises(UserError) as caught:
        mmbench.run(text.replace("FILE", str(checkpoint)), data, "none", out=tmp_path, **OPTIONS)
    assert message in str(caught.value)


def test_another_model_is_refused(make_public, data, tmp_path):
    swin = {key: value for key, value in make_public().state_dict().items() if key.startswith("swin_model.")}
    torch.save(swin, tmp_path / "swin.pt")
    with pytest.raises(WeightsError, match=r"holds no EEG encoder of Milmer, but \d+ tensors such as swin_model\."):
        mmbench.run(method(tmp_path / "swin.pt"), data, "none", out=tmp_path, **OPTIONS)
    torch.save({"module." + key: value for key, value in make_public().state_dict().items()}, tmp_path / "parallel.pt")
    fusion = MilmerFusion(INPUTS, 4, variant="published", checkpoint=str(tmp_path / "parallel.pt"), **SIZES)
    assert not any(weight.requires_grad for weight in fusion.parameters())
    assert not fusion.train().training


def test_rows_of_an_ablation_that_the_checkpoint_fixes_say_so(data, checkpoint, tmp_path):
    tables = mmbench.ablate(method(checkpoint), data, only=["backbone"], out=tmp_path, **OPTIONS)
    assert "the fusion requires its encoder of face" in " ".join(str(tables).split())


def test_an_encoder_that_no_method_takes_is_refused(data, checkpoint, tmp_path):
    with pytest.raises(SpecError, match=r"--encoder face=\.\.\.: is taken by no method"):
        mmbench.run(method(checkpoint), data, "prior", encoders={"face": "pixels"}, out=tmp_path, **OPTIONS)
    with pytest.raises(SpecError, match="reads one modality of images and one of time series, not eeg"):
        mmbench.run(method(checkpoint), data, "prior", modalities=["eeg"], out=tmp_path, **OPTIONS)


def test_an_eeg_encoder_reads_what_it_saves_and_what_the_public_class_saves(checkpoint, tmp_path):
    from safetensors.torch import save_file

    modality = mmbench.Modality("eeg", "timeseries", (32, 384))
    own = MilmerEEG(modality, dim=96)
    save_file(dict(own.weights_to_save()), tmp_path / "eeg.safetensors")
    x = torch.randn(2, 32, 384)
    again = MilmerEEG(modality, dim=96, weights=str(tmp_path / "eeg.safetensors"), frozen=True)
    assert torch.equal(again(x), own(x))
    assert not any(weight.requires_grad for weight in again.parameters())
    with pytest.raises(WeightsError, match="has no embedding of channels"):
        MilmerEEG(modality, dim=96, weights=str(checkpoint))
    with pytest.raises(SpecError, match="frozen=true keeps random weights"):
        MilmerEEG(modality, frozen=True)
