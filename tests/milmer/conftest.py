"""A reference for the public model class, written from its description, and pictures of faces."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmbench_datasets.shared.face_drawing import Appearance, Pose, draw_face

SIDE, SIZES = 64, {"k": 2, "n_instances": 4}


class PublicReference(nn.Module):
    """Names of weights, order of operations and random numbers of the public class; sizes are those of a small Swin.

    Faces pass the image processor and the Swin instance by instance. As in a model trained on a CPU, the CLS token
    is a parameter.
    """

    def __init__(
        self, method, balancing, *, swin, dim, tokens, times, heads, ff, depth, queries, classes, k, n_instances
    ):
        super().__init__()
        from transformers import ViTImageProcessor

        self.method, self.balancing, self.k, self.n_instances = method, balancing, k, n_instances
        self.processor = ViTImageProcessor(
            size={"height": SIDE, "width": SIDE},
            resample=3,
            image_mean=[0.485, 0.456, 0.406],
            image_std=[0.229, 0.224, 0.225],
        )
        self.swin_model = swin
        self.token_type_embeddings = nn.Embedding(2, dim)
        layer = nn.TransformerEncoderLayer(dim, heads, ff, 0.2, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, depth)
        self.eeg_proj, self.layernorm = nn.Linear(times, dim), nn.LayerNorm(times)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.dropout, self.classifier = nn.Dropout(0.1), nn.Linear(dim, classes)
        if balancing == "cross_attention":
            self.query_tokens = nn.Parameter(0.02 * torch.randn(1, queries, dim))
            self.cross_attention = nn.MultiheadAttention(dim, heads, 0.2, batch_first=True)
        if balancing == "mlp":
            self.mlp_up, self.mlp_down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.instance_weights = nn.Parameter(torch.ones(1, n_instances))
        self.amil_value_proj, self.amil_weight_proj = nn.Linear(dim, dim), nn.Linear(dim, 1)
        flat = dim * tokens
        self.topk_value_proj, self.topk_weight_proj = nn.Linear(flat, flat), nn.Linear(flat, 1)
        self.topk_dimension_recover = nn.Linear(flat, n_instances)

    def forward(self, eeg, frames):
        bags = []
        for place in range(self.n_instances):
            pixels = self.processor(frames[:, place], return_tensors="pt")["pixel_values"]
            bags.append(self.swin_model(pixels).last_hidden_state)
        x = self.selected(torch.stack(bags, dim=1))
        if self.balancing == "cross_attention":
            x, _ = self.cross_attention(self.query_tokens.expand(len(x), -1, -1), x, x)
        elif self.balancing == "mlp":
            x = self.mlp_down(F.gelu(self.mlp_up(x)))
        eeg = F.relu(self.eeg_proj(self.layernorm(eeg)))
        kinds = self.token_type_embeddings.weight
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x + kinds[0], eeg + kinds[1]], dim=1)
        return self.classifier(self.dropout(self.transformer_encoder(x)[:, 0]))

    def selected(self, x):
        if self.method == "none":
            return x[:, 0]
        if self.method == "amil":
            means = x.mean(dim=2)
            weights = self.amil_weight_proj(torch.tanh(self.amil_value_proj(means))).softmax(dim=1)
            return (weights * means).sum(dim=1, keepdim=True)
        if self.method == "softmax":
            scores = self.instance_weights.expand(len(x), -1)
        else:
            flat = x.flatten(2)
            weights = self.topk_weight_proj(torch.tanh(self.topk_value_proj(flat))).softmax(dim=1)
            scores = weights[..., 0]
            if self.method == "attention_topk":
                scores = self.topk_dimension_recover((flat * weights).sum(dim=1))
        chosen = scores.topk(self.k, dim=1).indices
        return torch.stack([bag[places].flatten(0, 1) for bag, places in zip(x, chosen, strict=True)])


@pytest.fixture(scope="session")
def make_public():
    """Makes a `PublicReference` for faces of 64 px with random weights of a size at which images matter."""
    transformers = pytest.importorskip("transformers")

    def make(method="attention_weighted_topk", balancing="cross_attention", *, drop_path=0.1, times=384, **sizes):
        torch.manual_seed(0)
        config = transformers.SwinConfig(
            image_size=SIDE,
            patch_size=4,
            window_size=4,
            embed_dim=24,
            depths=[1, 2, 1],
            num_heads=[1, 2, 4],
            drop_path_rate=drop_path,
        )
        given = {
            "dim": 96,
            "tokens": 16,
            "times": times,
            "heads": 4,
            "ff": 192,
            "depth": 1,
            "queries": 16,
            "classes": 4,
        }
        swin = transformers.SwinModel(config)
        model = PublicReference(method, balancing, swin=swin, **{**given, **SIZES, **sizes})
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape))
        return model.eval()

    return make


def drawn_faces(n):
    """Drawn faces uint8 ``(n, 3, 64, 64)``, RGB, of one person with as many expressions."""
    look = Appearance((120, 130, 90), (130, 160, 210), (40, 40, 60), (90, 40, 40), size=250)
    poses = [Pose(360, 260, smile=place / (n - 1) * 2 - 1, eyes=place / (n - 1)) for place in range(n)]
    faces = [
        cv2.resize(draw_face(look, pose)[60:460, 160:560], (SIDE, SIDE), interpolation=cv2.INTER_AREA) for pose in poses
    ]
    return torch.from_numpy(np.stack(faces)[..., ::-1].copy()).permute(0, 3, 1, 2)


def photographed_faces(shared: Path, n):
    """Photographs uint8 ``(n, 3, 64, 64)``, RGB, of people of the London Set."""
    files = sorted((shared / "faces" / "london").glob("*/*.jpg"))[:: 100 // n][:n]
    faces = [
        cv2.resize(cv2.imread(str(file))[100:500, 100:500], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        for file in files
    ]
    return torch.from_numpy(np.stack(faces)[..., ::-1].copy()).permute(0, 3, 1, 2)


@pytest.fixture(params=["drawn", "photographs"])
def public_batch(request):
    """EEG ``(3, 32, 384)`` in µV, faces uint8 ``(3, 4, 3, 64, 64)`` and labels ``(3,)``."""
    n = 3 * SIZES["n_instances"]
    faces = drawn_faces(n) if request.param == "drawn" else photographed_faces(request.getfixturevalue("shared"), n)
    eeg = 20 * torch.randn(3, 32, 384, generator=torch.Generator().manual_seed(1))
    return eeg, faces.unflatten(0, (3, SIZES["n_instances"])), torch.tensor([0, 2, 3])


@pytest.fixture(scope="session")
def draw_faces():
    """The function `drawn_faces`."""
    return drawn_faces
