"""Weights out of files: which model of several, and why a file cannot be read."""

import gzip
import io
import pickle
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file

from mmbench import Modality, WeightsError, choose_prefix, load_state_dict
from mmbench.builtin.encoders.image import TimmImages

PICKLE = r"is a plain pickle, not a file of torch\.save.* — .*torch\.save\(model\.state_dict\(\), FILE\)"


def torch_saved(state: dict[str, torch.Tensor], *, is_zip: bool) -> bytes:
    file = io.BytesIO()
    torch.save(state, file, _use_new_zipfile_serialization=is_zip)
    return file.getvalue()


FACE = Modality("face", "image", (3, 64, 64))
STUDENT = {"fc.weight": torch.zeros(2, 2), "fc.bias": torch.zeros(2)}
TEACHER = {"fc.weight": torch.ones(2, 2), "fc.bias": torch.ones(2)}


def behind(prefix: str, state: dict) -> dict:
    return {f"{prefix}{name}": value for name, value in state.items()}


def saved(path: Path, value: object) -> Path:
    torch.save(value, path)
    return path


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ({"student": STUDENT, "teacher": TEACHER}, ("student", "teacher")),
        ({"model": STUDENT, "model_ema": TEACHER, "optimizer": {"x": torch.ones(3)}}, ("model", "model_ema")),
        ({"state_dict": STUDENT, "ema": {"module": TEACHER}, "epoch": 3}, ("state_dict", "ema.module")),
    ],
)
def test_a_file_with_several_models_asks_which(tmp_path: Path, content: dict, parts: tuple[str, str]) -> None:
    path = saved(tmp_path / "x.pt", content)
    with pytest.raises(WeightsError, match=rf"x\.pt: holds 2 models: {parts[0]}, {parts[1]} — .*part={parts[0]}"):
        load_state_dict(path)
    for part, wanted in zip(parts, (STUDENT, TEACHER), strict=True):
        assert torch.equal(load_state_dict(path, part)["fc.weight"], wanted["fc.weight"])
    with pytest.raises(WeightsError, match=rf"has no part 'mean' — choose from {parts[0]}, {parts[1]}"):
        load_state_dict(path, "mean")


@pytest.mark.parametrize(
    "content",
    [STUDENT, {"model": STUDENT}, {"state_dict": STUDENT, "loss": torch.tensor(0.1), "best": torch.tensor(3.0)},
     {"checkpoint": {"model_state_dict": STUDENT}, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}}],
)  # fmt: skip
def test_one_model_is_found_within_its_wrappers(tmp_path: Path, content: dict) -> None:
    assert set(load_state_dict(saved(tmp_path / "x.pt", content))) == set(STUDENT)


def test_prefixes_of_several_models_in_one_state_dict(tmp_path: Path) -> None:
    state = behind("student.net.", STUDENT) | behind("teacher.net.", TEACHER) | {"step": torch.ones(1)}
    with pytest.raises(WeightsError, match=r"holds 2 models: student\.net, teacher\.net — .*part=student\.net"):
        choose_prefix(state, [list(STUDENT)], "x.pt")
    path = saved(tmp_path / "x.pt", state)
    chosen = load_state_dict(path, "teacher")
    assert choose_prefix(chosen, [list(STUDENT)], path, "teacher") == "net."
    assert torch.equal(load_state_dict(path, "teacher.net")["fc.bias"], TEACHER["fc.bias"])
    assert choose_prefix(STUDENT, [["nothing"], list(STUDENT)], "x.pt") == ""
    assert choose_prefix(STUDENT, [["nothing"]], "x.pt") is None
    ema = STUDENT | behind("ema.", TEACHER)
    with pytest.raises(WeightsError, match='holds 2 models: "", ema'):
        choose_prefix(ema, [list(STUDENT)], "x.pt")
    assert choose_prefix(ema, [list(STUDENT)], "x.pt", "") == ""


def test_an_encoder_takes_the_part_that_is_named(tmp_path: Path) -> None:
    torch.manual_seed(0)
    student, teacher = (TimmImages(FACE, model="test_resnet").eval() for _ in range(2))
    state = behind("s.module.", student.network.state_dict()) | behind("t.module.", teacher.network.state_dict())
    path = saved(tmp_path / "x.pt", {"model": state | behind("t.head.", TEACHER)})
    with pytest.raises(WeightsError, match=r"holds 2 models: s\.module, t\.module"):
        TimmImages(FACE, model="test_resnet", weights=str(path))
    x = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    for part in ("t", "t.module"):
        assert torch.equal(TimmImages(FACE, model="test_resnet", weights=str(path), part=part).eval()(x), teacher(x))


def test_the_content_says_how_a_file_is_read_not_its_name(tmp_path: Path) -> None:
    save_file(STUDENT, tmp_path / "x.pt")
    torch.save(STUDENT, tmp_path / "x.safetensors")
    for name in ("x.pt", "x.safetensors"):
        assert set(load_state_dict(tmp_path / name)) == set(STUDENT)


def scripted() -> bytes:
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS.*git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "is an HTML page"),
        (gzip.compress(pickle.dumps({}), mtime=0), "is compressed by gzip"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        *((pickle.dumps({"a": [1.0]}, protocol), PICKLE) for protocol in range(6)),
        (pickle.dumps(Fraction(1, 2)), PICKLE),
        (pickle.dumps({"a": torch.ones(2, 3)}), PICKLE),
        (pickle.dumps({"a": b"x" * 500})[:-20], "is a plain pickle"),
        (b"no weights at all" * 20, "is no file of weights: neither of safetensors nor of torch.save"),
        (save({"a": torch.ones(2, 3)})[:-8], "is truncated or damaged"),
        (torch_saved({"a": torch.ones(2, 3)}, is_zip=True)[:-50], "is a truncated or damaged archive of torch.save"),
        (torch_saved({"a": torch.ones(2, 3)}, is_zip=False)[:-4], "is truncated"),
    ],
)
def test_why_a_file_holds_no_weights(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=rf"x\.pt: {message}"):
        load_state_dict(tmp_path / "x.pt")
    with pytest.raises(WeightsError, match="is a folder, not a file"):
        load_state_dict(tmp_path)


def test_an_archive_that_holds_weights_is_to_be_unpacked(tmp_path: Path) -> None:
    inside = saved(tmp_path / "x.pt", STUDENT)
    with zipfile.ZipFile(tmp_path / "y.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(inside, "folder/x.pt")
    with pytest.raises(WeightsError, match=r"is a ZIP archive that torch\.save did not write — unpack it"):
        load_state_dict(tmp_path / "y.pt")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_what_is_beside_the_tensors_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.pt", {"weight": torch.ones(2), "rate": Fraction(1, 2)})
    with pytest.raises(WeightsError, match=r"holds an object of fractions\.Fraction beside tensors.*nothing was run"):
        load_state_dict(path)
    path = saved(tmp_path / "y.pt", torch.nn.Linear(2, 2))
    with pytest.raises(WeightsError, match=r"holds an object of torch\.nn\.modules\.linear\.Linear .*state_dict"):
        load_state_dict(path)
    (tmp_path / "z.pt").write_bytes(scripted())
    with pytest.raises(WeightsError, match="is a TorchScript program, not weights"):
        load_state_dict(tmp_path / "z.pt")


def test_a_large_file_is_mapped_and_gives_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"a": torch.randn(40, 30), "b": torch.arange(5)}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "large.pt")
    monkeypatch.setattr("mmbench.training.pretrained._MAPPED", 100)
    loaded = load_state_dict(tmp_path / "large.pt")
    assert all(torch.equal(loaded[name], state[name]) for name in state)
    loaded["a"].zero_()  # changes memory, not the file
    assert torch.equal(load_state_dict(tmp_path / "large.pt")["a"], state["a"])
    (tmp_path / "cut.pt").write_bytes((tmp_path / "large.pt").read_bytes()[:-200])
    with pytest.raises(WeightsError, match=r"is a truncated or damaged archive of torch\.save"):
        load_state_dict(tmp_path / "cut.pt")
