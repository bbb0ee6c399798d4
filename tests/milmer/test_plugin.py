import tomllib
from dataclasses import replace
from itertools import pairwise
from typing import get_args, get_type_hints

import pytest
import torch

from mmbench import Modality, Tokens
from mmbench.registry import load_registry, parse_spec
from mmbench_milmer import plugin
from mmbench_milmer.eeg import MilmerEEG
from mmbench_milmer.fusion import MilmerFusion
from mmbench_milmer.options import BalancingName, SelectorName
from mmbench_milmer.swin import Swin


def registered(hook):
    found = []
    hook(register=found.append)
    return found


def test_all_components_are_registered():
    assert [cls.name for cls in registered(plugin.register_encoders)] == ["milmer-eeg", "swin", "fer"]
    assert [cls.name for cls in registered(plugin.register_fusions)] == ["milmer"]
    assert registered(plugin.register_methods) == [plugin.MILMER]


def test_method_has_the_settings_of_the_paper():
    training = plugin.MILMER.training
    assert (training.lr, training.final_lr, training.batch_size, training.epochs) == (1e-4, 0.1, 14, 100)
    assert plugin.MILMER.encoders == {"timeseries": "milmer-eeg", "image": "swin"}


def test_ablations_cover_every_option():
    tables = {ablation.name: ablation for ablation in plugin.ABLATIONS}
    options = (("selection", "selector", SelectorName), ("balancing", "balancing", BalancingName))
    for name, parameter, choices in options:
        assert {row[parameter] for row in tables[name].rows} == set(get_args(choices))
    assert [row["frozen"] for row in tables["backbone"].rows] == [True, False]
    variants = get_type_hints(MilmerFusion.__init__)["variant"]
    assert [row["variant"] for row in tables["variant"].rows] == list(get_args(variants))


PRESETS = {path.stem: tomllib.loads(path.read_text()) for path in plugin.MILMER.presets.glob("*.toml")}


def test_preset_paper_differs_from_deap_only_in_optimistic_settings():
    paper, deap = PRESETS["paper"], PRESETS["deap"]
    assert (paper["fusion"], paper["encoders"]) == (deap["fusion"], deap["encoders"])
    assert MilmerFusion.__init__.__kwdefaults__.items() >= deap["fusion"].items()
    training = replace(plugin.MILMER.training, **paper["training"])
    assert training == replace(plugin.MILMER.training, clip=0, patience=training.epochs, class_weights=False)
    assert replace(plugin.MILMER.training, **deap["training"]) == plugin.MILMER.training
    assert paper["run"]["protocol"] == "segment"
    assert [int(unit[1:]) for unit in paper["run"]["units"]] == [1, 2, *range(6, 11), 12, 13, *range(16, 23)]
    assert "run" not in deap


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_existing_components(name):
    preset = PRESETS[name]
    assert set(preset) <= {"fusion", "encoders", "training", "run"}
    assert set(preset["encoders"]) <= {"timeseries", "image", "eeg", "ecg"}
    replace(plugin.MILMER.training, **preset["training"])
    registry = load_registry()
    encoders = preset["encoders"]
    spec = parse_spec(encoders.get("timeseries") or encoders["eeg"])
    encoder, options = registry.find("encoders", spec.name).component, registry.bound("encoders", spec)
    eeg = encoder(Modality("eeg", "timeseries", (19, 640), rate=128.0), **options)
    ecg = replace(encoder(Modality("ecg", "timeseries", (1, 128), rate=128.0), **options).out, instances=5)
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


CLAIMS = {path.stem: tomllib.loads(path.read_text()) for path in plugin.MILMER.claims.glob("*.toml")}


def test_claims_hold_the_published_results():
    (paper,) = CLAIMS["deap"]["reported"]
    assert (paper["value"], paper["protocol"]) == (0.9672, "segment")
    ranges = [(each["low"], each["high"]) for each in CLAIMS["deap-logs"]["reported"]]
    assert ranges == [(0.88, 0.89), (0.33, 0.37), (0.22, 0.32)]


def test_consecutive_rows_of_a_claim_differ_in_one_setting():
    rows = [row for row in CLAIMS["deap"]["rows"] if not row.get("checkpoint")]
    free = {"name", "against", "folds"}
    steps = [
        {key for key in (before.keys() | after.keys()) - free if before.get(key) != after.get(key)}
        for before, after in pairwise(rows)
    ]
    assert steps == [{"dataset"}, {"method"}, {"score"}, {"protocol"}, {"protocol"}, {"protocol"}]
    faults = {"scramble": True, "eeg": "published", "twente_names": True, "ties": "halv", "video_order": "presentation"}
    assert rows[0]["dataset"] == faults


def test_rows_of_a_checkpoint_differ_in_the_data():
    published, corrected = [row for row in CLAIMS["deap"]["rows"] if row.get("checkpoint")]
    assert published.pop("dataset") == CLAIMS["deap"]["rows"][0]["dataset"]
    assert {**published, "name": corrected["name"]} == corrected


@pytest.mark.parametrize("name", CLAIMS)
def test_rows_on_the_twin_keep_the_settings_of_deap(name):
    paper, twin = PRESETS["paper"], CLAIMS[name]["twin"]
    rows = CLAIMS[name]["rows"]
    assert {row["preset"] for row in rows} == {"paper"}
    # What the preset says of the training that is no matter of size; the protocol stands in each row.
    assert twin["training"] == {key: paper["training"][key] for key in ("patience", "clip", "class_weights")}
    assert {row.get("folds", 5) for row in rows} == {paper["run"]["folds"]}
    assert set(paper["run"]) == {"protocol", "folds", "units"}
