import tomllib
from dataclasses import replace

import pytest
import torch

from mmbench import Modality, Tokens
from mmbench_milmer import plugin
from mmbench_milmer.eeg import MilmerEEG
from mmbench_milmer.fusion import MilmerFusion
from mmbench_milmer.swin import Swin


def registered(hook):
    found = []
    hook(register=found.append)
    return found


def test_everything_is_registered():
    assert [cls.name for cls in registered(plugin.register_encoders)] == ["milmer-eeg", "swin"]
    assert [cls.name for cls in registered(plugin.register_fusions)] == ["milmer"]
    assert registered(plugin.register_methods) == [plugin.MILMER]


def test_the_recipe_follows_the_paper():
    training = plugin.MILMER.training
    assert (training.lr, training.final_lr, training.batch_size, training.epochs) == (1e-4, 0.1, 14, 100)
    assert plugin.MILMER.encoders == {"timeseries": "milmer-eeg", "image": "swin"}


@pytest.mark.parametrize("name", ["deap-sim", "eegmat"])
def test_presets_name_what_there_is(name):
    preset = tomllib.loads((plugin.MILMER.presets / f"{name}.toml").read_text())
    assert set(preset) <= {"fusion", "encoders", "training"}
    assert set(preset["encoders"]) <= {"timeseries", "image"}
    replace(plugin.MILMER.training, **preset["training"])
    eeg = MilmerEEG(Modality("eeg", "timeseries", (19, 640)), dim=preset["fusion"]["dim"])
    ecg = replace(MilmerEEG(Modality("ecg", "timeseries", (1, 128)), dim=96).out, instances=5)
    MilmerFusion({"eeg": eeg.out, "ecg": ecg}, 2, **preset["fusion"])


def test_encoders_and_fusion_train_together():
    torch.manual_seed(0)
    eeg = MilmerEEG(Modality("eeg", "timeseries", (4, 32)), dim=24)
    face = Swin(Modality("face", "image", (3, 32, 32), instances=3), model="nano", pretrained=False)
    fusion = MilmerFusion({"eeg": eeg.out, "face": replace(face.out, instances=3)}, 2, dim=24, heads=4, ff=32, k=2)
    images = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8)
    tokens = {
        "eeg": Tokens(eeg(torch.randn(2, 4, 32))[:, None], torch.ones(2, 1, dtype=torch.bool)),
        "face": Tokens(face(images).unflatten(0, (2, 3)), torch.ones(2, 3, dtype=torch.bool)),
    }
    fusion(tokens).logsumexp(dim=1).sum().backward()
    for module in (eeg, face, fusion):
        assert all(parameter.grad is not None for parameter in module.parameters())
