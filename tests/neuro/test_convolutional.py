"""The networks of braindecode, without their classifiers, at the rates they were made for."""

import subprocess
import sys
from typing import Any

import pytest
import torch

from mmbench import Modality, SpecError
from mmbench_neuro.braindecode_models import import_models
from mmbench_neuro.convolutional import Conformer, Convolutional, Deep4, EEGNet, Shallow

BARE = {"add_log_softmax": False}
NETWORKS: list[Any] = [EEGNet, Shallow, Deep4, Conformer]


def windows(n_times: int, rate: float | None = 250.0, n_channels: int = 3) -> Modality:
    return Modality("brain", "timeseries", (n_channels, n_times), rate=rate)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("cls", "name", "options"),
    [
        (EEGNet, "EEGNetv4", {}),
        (Shallow, "ShallowFBCSPNet", {"final_conv_length": "auto", **BARE}),
        (Deep4, "Deep4Net", BARE),
        (Conformer, "EEGConformer", {"final_fc_length": 1080, **BARE}),
    ],
)
def test_tokens_are_the_input_of_the_classifier(cls: Any, name: str, options: dict) -> None:
    whole = getattr(import_models(), name)(n_chans=3, n_outputs=2, n_times=500, **options).eval()
    encoder = cls(windows(500), rate=250).eval()
    encoder.network.load_state_dict(whole.state_dict(), strict=False)
    x = torch.randn(4, 3, 500)
    tokens = encoder(x)
    assert tokens.shape == (4, encoder.out.length, encoder.out.dim)
    if name == "EEGConformer":
        logits = whole.final_layer(whole.fc(tokens))
    else:
        features = tokens.transpose(1, 2)
        logits = whole.final_layer(features[:, :, None] if name == "EEGNetv4" else features[..., None])
    torch.testing.assert_close(logits, whole(x))


@pytest.mark.parametrize("cls", NETWORKS)
def test_windows_that_are_too_short_are_refused(cls: type[Convolutional]) -> None:
    assert cls(windows(cls.min_samples, cls.paper_rate)).out.length == 1  # type: ignore[call-arg]
    with pytest.raises(
        SpecError, match=rf"on brain: windows of .* s are too short: the encoder needs .*{cls.min_samples} samples"
    ):
        cls(windows(cls.min_samples - 1, cls.paper_rate))  # type: ignore[call-arg]


@pytest.mark.parametrize("cls", NETWORKS)
def test_windows_are_resampled_to_the_rate_of_the_paper(cls: Any) -> None:
    slow, fast = cls(windows(4 * 128, 128.0)), cls(windows(4 * 500, 500.0))
    assert slow.resample.length(4 * 128) == fast.resample.length(4 * 500) == 4 * cls.paper_rate
    assert slow.out == fast.out
    assert cls(windows(8 * 128, 128.0), rate=64).resample.length(8 * 128) == 8 * 64


def test_first_kernel_of_eegnet_has_half_a_second() -> None:
    encoder = EEGNet(windows(500))
    assert encoder.network.conv_temporal.kernel_size[1] / encoder.paper_rate == 0.5
    assert encoder.out == EEGNet(windows(256, 128.0)).out


@pytest.mark.parametrize(("cls", "params"), [(EEGNet, {}), (Shallow, {}), (Deep4, {}), (Conformer, {"depth": 1})])
def test_two_rhythms_are_classified_after_a_few_epochs(cls: Any, params: dict) -> None:
    time, labels = torch.arange(256) / 128, torch.arange(96) % 2
    x = 0.5 * torch.randn(96, 4, 256)
    hertz = torch.where(labels == 1, 10.0, 20.0)[:, None]
    x[:, 1] += torch.sin(2 * torch.pi * (hertz * time + torch.rand(96, 1)))
    encoder = cls(windows(256, 128.0, n_channels=4), **params)
    model = torch.nn.Sequential(encoder, torch.nn.Flatten(), torch.nn.Linear(encoder.out.length * encoder.out.dim, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(8):
        for rows in torch.randperm(64).split(16):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), labels[rows]).backward()
            optimizer.step()
    assert (model.eval()(x[64:]).argmax(dim=1) == labels[64:]).float().mean() > 0.85


@pytest.mark.parametrize("cls", [EEGNet, Shallow, Deep4])
def test_evaluation_agrees_with_training_after_a_hundred_steps(cls: Any) -> None:
    encoder, x = cls(windows(500), dropout=0.0), 5 * torch.randn(16, 3, 500)
    with torch.no_grad():
        for _ in range(100):
            trained = encoder.train()(x)
        gap = (encoder.eval()(x) - trained).abs().mean()
    assert gap < 0.05 * trained.abs().mean()


@pytest.mark.parametrize("cls", NETWORKS)
def test_modality_without_a_rate_is_refused(cls: Any) -> None:
    with pytest.raises(SpecError, match=f"brain: has no sampling rate — use another encoder than {cls.name}"):
        cls(windows(500, None))


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (EEGNet, {"dropout": 1.0}),
        (EEGNet, {"depth": 0}),
        (Shallow, {"rate": 0}),
        (Deep4, {"filters": 0}),
        (Conformer, {"heads": 7}),
        (Conformer, {"heads": 0}),
    ],
)
def test_impossible_sizes_are_refused(cls: Any, params: dict) -> None:
    with pytest.raises(SpecError, match=rf"^{cls.name}: .*{next(iter(params))}"):
        cls(windows(600), **params)


def test_error_without_braindecode_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "braindecode", None)
    with pytest.raises(SpecError, match=r'deep4: braindecode is not installed — pip install "mmbench-neuro'):
        Deep4(windows(600))


def test_moabb_beside_braindecode_stays_what_it_is() -> None:
    """Whatever its version, and whether it was imported before."""
    moabb = pytest.importorskip("moabb")
    assert hasattr(import_models(), "EEGNetv4")
    assert sys.modules["moabb"] is moabb
    code = "from mmbench_neuro.braindecode_models import import_models; import_models(); import moabb.datasets.fake"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
