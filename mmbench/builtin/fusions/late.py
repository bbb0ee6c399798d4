"""Late fusion: a prediction from each modality alone, then averaged."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from mmbench import Choice, Criterion, Float, Fusion, Int, Tokens, TokenSpec
from mmbench.builtin.fusions.pooling import Head, Pool, any_present, blind_bias, check_sizes


class Late(Fusion):
    """One head per modality; their outputs are averaged with learned weights over the present ones.

    Each head is also trained on its own, on the samples that have its modality, so that a weak modality is trained
    beside a strong one. ``combine`` says whether the logits or the probabilities of classes and labels are averaged:
    with ``probabilities`` the output is the logarithm of the mean probability of each class, or the logit of the mean
    probability of each label. Values are averaged as they are, whatever ``combine`` is. Where every modality is
    missing, the outputs are a learned bias. ``pool`` is as in ``concat``.
    """

    name = "late"
    space: ClassVar = {
        "dim": Int(32, 256, log=True),
        "dropout": Float(0.0, 0.6),
        "pool": Choice("flatten", "mean"),
        "combine": Choice("logits", "probabilities"),
    }

    def __init__(
        self,
        inputs: Mapping[str, TokenSpec],
        n_outputs: int,
        *,
        dim: int = 128,
        dropout: float = 0.3,
        pool: Pool = "flatten",
        combine: Literal["logits", "probabilities"] = "logits",
    ) -> None:
        super().__init__(inputs, n_outputs)
        check_sizes(dim, dropout)
        self.combine = combine
        self.names = sorted(inputs)
        self.heads = nn.ModuleList(
            Head(inputs[name], n_outputs, dim=dim, dropout=dropout, pool=pool) for name in self.names
        )
        # The weight of a single modality is 1, independent of the parameter.
        self.weights = nn.Parameter(torch.zeros(len(self.names)), requires_grad=len(self.names) > 1)
        self.bias = blind_bias(n_outputs)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        return self._average(tokens, self._decide(tokens))

    def training_loss(self, tokens: Mapping[str, Tokens], target: Tensor, criterion: Criterion) -> dict[str, Tensor]:
        """The loss ``fused`` of the average, and the mean loss of the ``heads`` where their modality is present."""
        decisions = self._decide(tokens)
        alone = []
        for name, outputs in zip(self.names, decisions, strict=True):
            present = any_present(tokens[name]).squeeze(1)
            if present.any():
                alone.append(criterion(outputs[present], target[present]))
        fused = criterion(self._average(tokens, decisions), target)
        return {"fused": fused, "heads": torch.stack(alone).mean()} if alone else {"fused": fused}

    def explain(self, tokens: Mapping[str, Tokens]) -> Mapping[str, Tensor]:
        """The weight of each modality, ``(B,)``."""
        weights = self._log_weights(tokens).exp()
        return {f"{name}.weight": weights[:, m] for m, name in enumerate(self.names)}

    def _decide(self, tokens: Mapping[str, Tokens]) -> list[Tensor]:
        return [head(tokens[name]) for name, head in zip(self.names, self.heads, strict=True)]

    def _log_weights(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """``(B, M + 1)``: the modalities and, if all of them are missing, the bias in their place."""
        present = torch.cat([any_present(tokens[name]) for name in self.names], dim=1)
        present = torch.cat([present, ~present.any(dim=1, keepdim=True)], dim=1)
        scores = torch.cat([self.weights, self.weights.new_zeros(1)])
        return scores.expand(len(present), -1).masked_fill(~present, -torch.inf).log_softmax(dim=1)

    def _average(self, tokens: Mapping[str, Tokens], decisions: list[Tensor]) -> Tensor:
        outputs = torch.stack([*decisions, self.bias.expand_as(decisions[0])], dim=1)
        log_weights = self._log_weights(tokens).unsqueeze(2)
        if self.combine == "logits" or self.task.kind == "values":
            return (log_weights.exp() * outputs).sum(dim=1)
        if self.task.kind == "labels":
            return _log_mean(log_weights, outputs) - _log_mean(log_weights, -outputs)
        return torch.logsumexp(log_weights + outputs.log_softmax(dim=2), dim=1)


def _log_mean(log_weights: Tensor, logits: Tensor) -> Tensor:
    """The logarithm of the mean probability of labels over the modalities: ``(B, M, L)`` to ``(B, L)``."""
    return torch.logsumexp(log_weights + nn.functional.logsigmoid(logits), dim=1)
