"""Augmentation changes training images only, the same way twice, and leaves what they show recognisable."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mmbench import Encoder, Modality, SpecError, TokenSpec, Training
from mmbench.builtin.fusions.only import Only
from mmbench.data.batches import Inputs, Stream
from mmbench.data.sources import Rows
from mmbench.data.splits.fold import Fold
from mmbench.training.batches import augmentation, fold_batches
from mmbench.training.batches.augmentation import augment
from mmbench.training.loop import fit
from mmbench.training.model import Model

CPU = torch.device("cpu")
SIZE = 16


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 6, instances: int = 1, height: int = SIZE, width: int = SIZE) -> Tensor:
    shape = (n, instances, 3, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator(1))


def only(monkeypatch: pytest.MonkeyPatch, **kept: float) -> None:
    """Switch off every change but those named."""
    for name in ("_TURN", "_SCALE", "_SHIFT", "_BRIGHTNESS", "_CONTRAST"):
        monkeypatch.setattr(augmentation, name, kept.get(name, 0.0))


def test_shape_and_type_stay_and_the_original_is_kept() -> None:
    x = images(3, 2, 12, 20)
    before = x.clone()
    changed = augment(x, generator())
    assert (changed.shape, changed.dtype) == (x.shape, torch.uint8)
    assert torch.equal(x, before)
    assert not torch.equal(changed, x)


def test_one_seed_gives_one_draw_and_samples_differ() -> None:
    x = images(1).expand(4, -1, -1, -1, -1)
    assert torch.equal(augment(x, generator()), augment(x, generator()))
    assert not torch.equal(augment(x, generator()), augment(x, generator(1)))
    changed = augment(x, generator())
    assert len({row.numpy().tobytes() for row in changed}) == 4


def test_the_instances_of_a_bag_share_a_draw() -> None:
    changed = augment(images(4).expand(-1, 3, -1, -1, -1), generator())
    for instance in (1, 2):
        assert torch.equal(changed[:, 0], changed[:, instance])


def test_half_are_mirrored_and_else_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)
    x = images(64, height=10, width=14)
    changed = augment(x, generator())
    mirrored = [torch.equal(new, old.flip(-1)) for new, old in zip(changed, x, strict=True)]
    same = [torch.equal(new, old) for new, old in zip(changed, x, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 20 < sum(mirrored) < 44


@pytest.mark.parametrize(("height", "width"), [(41, 41), (41, 81)])
def test_a_turn_does_not_shear(monkeypatch: pytest.MonkeyPatch, height: int, width: int) -> None:
    only(monkeypatch, _TURN=augmentation._TURN)
    yy, xx = np.mgrid[:height, :width]
    disc = np.hypot(yy - height // 2, xx - width // 2) < 12
    x = torch.tensor(np.where(disc, 255, 0)[None, None, None].repeat(3, 2), dtype=torch.uint8).repeat(8, 1, 1, 1, 1)
    gap = (augment(x, generator()).float() - x.float()).abs() > 128
    assert gap.float().mean() < 0.01, "a disc turned about its centre is the same disc"


def test_a_shift_repeats_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, _SHIFT=0.5)
    x = torch.full((8, 1, 3, SIZE, SIZE), 7, dtype=torch.uint8)
    assert (augment(x, generator()) == 7).all()


def test_light_scales_and_stays_in_range(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, _BRIGHTNESS=1.0)
    means = augment(torch.full((64, 1, 3, 4, 4), 160, dtype=torch.uint8), generator()).float().mean(dim=(1, 2, 3, 4))
    assert means.min() < 20
    assert means.max() == 255
    assert not augment(torch.zeros(8, 1, 3, 4, 4, dtype=torch.uint8), generator()).any(), "black stays black"


def test_contrast_keeps_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, _CONTRAST=0.5)
    x = (images(16) // 4) + 96
    changed = augment(x, generator()).float()
    deviations = changed.std(dim=(1, 2, 3, 4)) / x.float().std(dim=(1, 2, 3, 4))
    assert torch.allclose(changed.mean(dim=(1, 2, 3, 4)), x.float().mean(dim=(1, 2, 3, 4)), atol=0.5)
    assert deviations.min() < 0.75 < 1.25 < deviations.max()


def test_frames_of_a_video_share_one_transformation_and_padding_changes_nothing() -> None:
    still = images(6)[:, :1, None].expand(-1, -1, 4, -1, -1, -1)
    changed = augment(still, generator())
    assert torch.equal(changed, changed[:, :, :1].expand_as(changed)), "a still video stays still"
    lengths = torch.tensor([[1], [2], [3], [4], [4], [2]])
    shown = (torch.arange(4) < lengths[..., None])[..., None, None, None]
    padded = torch.cat([still * shown, torch.zeros_like(still)], dim=2)
    once, further = augment(still * shown, generator(), lengths), augment(padded, generator(), lengths)
    assert not further[:, :, 4:].any()
    assert not (once * ~shown).any()
    assert (once.int() - further[:, :, :4].int()).abs().max() <= 1
    assert (once.int() - (changed * shown).int()).abs().max() <= 1


class Linear(Encoder):
    """Looks at the pixels through one layer and remembers what it saw, and in which mode."""

    name = "linear-image"
    kinds = ("image",)

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.layer = torch.nn.Linear(3 * SIZE * SIZE, 4)
        self.out = TokenSpec(1, 4)
        self.seen: dict[bool, list[Tensor]] = {True: [], False: []}

    def forward(self, x: Tensor) -> Tensor:
        self.seen[self.training].append(x)
        return self.layer(x.flatten(1).float() / 255)[:, None]


class Photos:
    lengths = None

    def read(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        return images(30).numpy()[rows], np.ones((len(rows), 1), dtype=bool)


FOLD = Fold("0", np.arange(16), np.arange(16, 22), np.arange(22, 30))
LABELS = np.where(np.arange(30) < 22, np.arange(30) % 2, -1)


def train(training: Training, seed: int = 0) -> Model:
    torch.manual_seed(0)
    encoder = Linear(Modality("photo", "image", (3, SIZE, SIZE)))
    model = Model({"photo": encoder}, Only({"photo": encoder.out}, 2, dim=4))
    inputs = Inputs({"photo": Stream(Photos(), None, 30)})
    fit(model, inputs, FOLD, LABELS, training, seed=seed, device=CPU)
    return model


def rows(x: list[Tensor]) -> set[bytes]:
    return {row.numpy().tobytes() for batch in x for row in batch}


def test_training_images_are_changed_and_others_never() -> None:
    originals = rows([images(30)[:, 0]])
    seen = train(Training(epochs=3, batch_size=8, augment=True)).encoder("photo").seen  # type: ignore[attr-defined]
    assert not rows(seen[True]) & originals
    assert len(rows(seen[True])) == 3 * 16, "each epoch draws anew"
    assert rows(seen[False]) <= originals


def test_without_it_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_batches, "augment", None)
    seen = train(Training(epochs=2, batch_size=8)).encoder("photo").seen  # type: ignore[attr-defined]
    assert rows(seen[True]) <= rows([images(30)[:, 0]])


def test_one_seed_gives_the_same_weights() -> None:
    training = Training(epochs=3, batch_size=8, augment=True)

    def bits(model: Model) -> list[bytes]:
        return [parameter.detach().numpy().tobytes() for parameter in model.parameters()]

    assert bits(train(training)) == bits(train(training)) != bits(train(training, seed=1))


def drawn_faces(root: Path) -> Path:
    from PIL import Image

    for number in range(6):
        for shade, name in enumerate(("dark", "light")):
            path = root / name / f"p{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((20, 20, 3), 60 + 100 * shade + number, dtype=np.uint8)).save(path)
    return root


@pytest.mark.parametrize("encoder", ["pixels", "timm[model=test_resnet,frozen=true]"])
def test_it_is_refused_where_no_image_encoder_is_trained(tmp_path: Path, encoder: str) -> None:
    import mmbench

    with pytest.raises(SpecError, match="augment"):
        mmbench.run(
            "only",
            "image-folder[size=32]",
            data=drawn_faces(tmp_path / "data"),
            out=tmp_path / "out",
            encoders={"image": encoder},
            training={"augment": True, "epochs": 1},
        )
