"""Encoders that were trained on all samples: kept whole, read again, and refused where they know the test part."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

import mmbench
from mmbench import Modality, ProtocolError, SpecError, StorageError, WeightsError, load_state_dict
from mmbench.builtin.encoders.image import TimmImages
from mmbench.cli import main
from mmbench.cli.output.progress import progress
from mmbench.data.splits.folds import make_full_fold
from mmbench.data.splits.protocols import PROTOCOLS
from mmbench.integrity.provenance import read_provenance
from mmbench.results.records import find_records
from mmbench.tuning.results import read_tuning, tuning_path
from mmbench.workflows import save_encoder as saving

NET = "timm[model=test_resnet]"


def draw(root: Path, seed: int, people: str = "abcdef") -> Path:
    """Simulated: a dark and a light image of each person."""
    random = np.random.default_rng(seed)
    for person in people:
        for shade, name in ((60, "dark"), (170, "light")):
            path = root / name / f"{person}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = random.integers(0, 40, (32, 32, 3))
            Image.fromarray((noise + shade).astype(np.uint8)).save(path)
    return root


def run(data: Path, out: Path, net: str = NET, **options: Any) -> Any:
    settings = {"folds": 2, "jobs": 1, "training": {"epochs": 1, "batch_size": 4}, **options}
    return mmbench.run("only", "image-folder[size=32]", data=data, out=out, encoders={"image": net}, **settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saving")


@pytest.fixture(scope="module")
def data(folder: Path) -> Path:
    return draw(folder / "data", seed=0)


@pytest.fixture(scope="module")
def saved(folder: Path, data: Path) -> Path:
    file = folder / "new" / "net.safetensors"
    run(data, folder / "runs", save_encoders={"image": file}, cache=folder / "cache")
    return file


def test_saved_file_is_read_by_the_encoder(saved: Path) -> None:
    modality = Modality("image", "image", (3, 32, 32))
    state = load_state_dict(saved)
    read = TimmImages(modality, model="test_resnet", weights=str(saved)).network.state_dict()
    assert state.keys() == read.keys()
    assert all(torch.equal(state[name], read[name]) for name in state)
    torch.manual_seed(0)
    drawn = TimmImages(modality, model="test_resnet").network.state_dict()
    assert any(not torch.equal(state[name], drawn[name]) for name in state), "it was trained"


def test_it_says_where_it_comes_from(saved: Path) -> None:
    with safe_open(saved, framework="np") as file:
        metadata = json.loads(file.metadata()["mmbench"])
    assert metadata["encoder"] == "timm"
    assert metadata["params"]["model"] == "test_resnet"
    assert metadata["dataset"] == "image-folder[size=32]"
    assert metadata["classes"] == ["dark", "light"]
    assert metadata["samples"] == {"train": 10, "validation": 2}
    assert len(metadata["sources"]) == 12


def test_what_this_run_wrote_is_not_done_again(saved: Path, data: Path, folder: Path) -> None:
    before = saved.stat().st_mtime_ns
    run(data, folder / "runs", save_encoders={"image": saved}, cache=folder / "cache")
    assert saved.stat().st_mtime_ns == before
    saved.rename(saved.with_suffix(".old"))
    run(data, folder / "runs", save_encoders={"image": saved}, cache=folder / "cache")
    same = load_state_dict(saved), load_state_dict(saved.with_suffix(".old").rename(folder / "old.safetensors"))
    assert all(torch.equal(same[0][name], same[1][name]) for name in same[0]), "the same bits again"


def test_other_files_are_not_overwritten(saved: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is there already"):
        run(data, tmp_path, save_encoders={"image": saved}, training={"epochs": 2})
    other = tmp_path / "theirs.safetensors"
    save_file({"w": torch.zeros(2)}, other)
    with pytest.raises(SpecError, match="is there already"):
        run(data, tmp_path, save_encoders={"image": other})
    other.write_bytes(b"no tensors")
    with pytest.raises(WeightsError, match=r"theirs\.safetensors"):
        run(data, tmp_path, save_encoders={"image": other})
    assert not list(tmp_path.glob("*/*/fold-*.json")), "metadata before anything is trained"


@pytest.mark.parametrize(
    ("net", "name", "file", "error", "metadata"),
    [
        (NET, "face", "x.safetensors", SpecError, "no modality 'face'"),
        (NET, "image", "x.pt", SpecError, r"must end in \.safetensors"),
        (NET, "image", "folder.safetensors", SpecError, "is a folder"),
        (NET, "image", "file/x.safetensors", StorageError, "cannot be written"),
        ("timm[model=test_resnet,frozen=true]", "image", "x.safetensors", SpecError, "is frozen"),
        ("pixels", "image", "x.safetensors", SpecError, "reads no weights=FILE"),
    ],
    ids=["modality", "suffix", "folder", "closed", "frozen", "unreadable"],
)
def test_encoder_that_cannot_be_saved_is_refused_before_training(
    data: Path, tmp_path: Path, net: str, name: str, file: str, error: type[Exception], metadata: str
) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(error, match=metadata):
        run(data, tmp_path / "out", net, save_encoders={name: tmp_path / file})
    assert not (tmp_path / "out").exists()


def test_weights_are_refused_on_their_training_data(saved: Path, data: Path, tmp_path: Path) -> None:
    known = f"timm[model=test_resnet,weights={saved}]"
    with pytest.raises(ProtocolError, match="trained on 12 of the 12 files"):
        run(data, tmp_path, known)
    overlapping = draw(tmp_path / "overlapping", seed=1)
    stray = (data / "dark" / "c.png").read_bytes()
    (overlapping / "dark" / "z.png").write_bytes(stray)
    with pytest.raises(ProtocolError, match="trained on 1 of the 13 files"):
        run(overlapping, tmp_path, f"timm[model=test_resnet,frozen=true,weights={saved}]")
    brings_them = (plugin(tmp_path, saved),)
    with pytest.raises(ProtocolError, match="trained on 12"):
        mmbench.run("logistic", "image-folder[size=32]", against=["theirs"], data=data, plugins=brings_them)


def plugin(folder: Path, weights: Path) -> str:
    """A method that brings the weights by itself."""
    file = folder / "theirs.py"
    file.write_text(
        "import mmbench\n@mmbench.hookimpl\ndef register_methods(register):\n"
        f"    register(mmbench.Method('theirs', 'only', {{'image': 'timm[model=test_resnet,weights={weights}]'}}))\n"
    )
    return str(file)


def test_weights_keep_the_provenance_of_all_trainings(saved: Path, data: Path, tmp_path: Path) -> None:
    others = draw(tmp_path / "others", seed=2, people="uvwxyz")
    second = tmp_path / "second.safetensors"
    result = run(others, tmp_path, f"timm[model=test_resnet,weights={saved}]", save_encoders={"image": second})
    assert len(list(find_records(result.methods[0].folder))) == 2
    origin = read_provenance(second)
    assert origin is not None
    assert len(origin.sources) == 24
    with pytest.raises(ProtocolError, match="trained on 12"):
        run(data, tmp_path, f"timm[model=test_resnet,weights={second}]")


def test_other_weights_under_one_name_are_another_run(saved: Path, tmp_path: Path) -> None:
    others = draw(tmp_path / "others", seed=2)
    file = tmp_path / "net.safetensors"
    folders = []
    for scale in (1, 2):
        state = load_state_dict(saved)
        save_file({name: tensor * scale for name, tensor in state.items()}, file)
        folders.append(run(others, tmp_path / "out", f"timm[model=test_resnet,weights={file}]").methods[0].folder)
    assert folders[0] != folders[1]


def test_from_the_shell(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"mmbench run only image-folder[size=32] --data {data} --folds 2 --jobs 1 --encoder image={NET}"
    options = f"--training epochs=1 --save-encoder image={tmp_path / 'net.safetensors'}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", f"{line} {options}".split())
    with pytest.raises(SystemExit, match="0"):
        main()
    assert (tmp_path / "net.safetensors").is_file()
    assert "trained on all 10 + 2 samples" in capsys.readouterr().err


def test_the_model_of_all_samples_is_tuned_on_its_own_parts(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []
    trained = saving.fit

    def watched(model: Any, inputs: Any, fold: Any, labels: Any, training: Any, **options: Any) -> Any:
        seen.append((fold, training))
        return trained(model, inputs, fold, labels, training, **options)

    monkeypatch.setattr(saving, "fit", watched)
    file = tmp_path / "net.safetensors"
    with progress():
        result = run(data, tmp_path, save_encoders={"image": file}, tune=2)
    folder = result.methods[0].folder
    ((fold, training),) = seen
    own = read_tuning(tuning_path(folder, fold.name))
    assert len(fold.test) == 0
    assert fold.name not in {record.fold for record in result.methods[0].records}
    assert len(list(folder.glob("tuning-*.json"))) == len(result.methods[0].records) + 1
    assert [(trial.number, trial.state) for trial in own.trials] == [(0, "complete"), (1, "complete")]
    for name in ("label_smoothing", "lr", "weight_decay"):
        assert own.chosen.params[f"training.{name}"] == getattr(training, name)
    origin = read_provenance(file)
    assert origin is not None
    assert origin.validation_score == own.chosen.score
    assert f"encoder of image, {NET}, trained on all 10 + 2 samples" in capsys.readouterr().err


def test_tuning_once_applies_to_all_folds(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    result = run(data, tmp_path, save_encoders={"image": file}, tune=2, tune_scope="once")
    (path,) = result.methods[0].folder.glob("tuning-*.json")
    assert read_tuning(path).fold == result.methods[0].records[0].fold
    assert file.is_file()


@pytest.mark.parametrize(("protocol", "group"), [("subject", "subject"), ("loso", "subject"), ("trial", "trial")])
def test_validation_of_all_keeps_the_same_groups_whole(protocol: str, group: str) -> None:
    ids = np.array([f"{subject}{trial}{window}" for subject in "abcdef" for trial in "12345" for window in "xyz"])
    groups = {"subject": np.array([name[0] for name in ids]), "trial": np.array([name[:2] for name in ids])}
    fold = make_full_fold(ids, groups, PROTOCOLS[protocol])
    assert sorted([*fold.train, *fold.validation]) == list(range(len(ids)))
    assert len(fold.test) == 0
    assert not set(groups[group][fold.train]) & set(groups[group][fold.validation])
    assert 0 < len(fold.validation) < len(ids) / 3
