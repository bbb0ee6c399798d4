"""Outputs of a table of predictions: probabilities, logits, predicted classes or values, as records hold them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Metric, TaskKind
from mmbench.errors import DataError, SpecError
from mmbench.registry import did_you_mean
from mmbench.results import OutputKind
from mmbench.storage import has_decimal_comma
from mmbench.training import score_outputs
from mmbench.workflows.predictions.table import Table

Wanted = Literal["auto", "probabilities", "logits", "labels", "values"]
PREDICTION = "prediction"
"""The column of predicted classes, or of the values of a single target."""
_SUM = 1e-3  # by which the probabilities of a sample may differ from one, for files with three decimals
_PERCENT, _SHARE = 100, 5e-3  # a share of the sum by which rounded percentages differ from it
_DIVIDE = "divide them by 100"
_LEAST = 1e-12  # a probability of 0 counts as this: its logit must be finite
_KINDS: dict[TaskKind, tuple[OutputKind, ...]] = {
    "class": ("probabilities", "logits", "labels"),
    "labels": ("probabilities", "logits", "labels"),
    "values": ("values",),
}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outputs:
    """Logits of classes or labels, or values ``(n, n_outputs)``; ``kind`` is what the ``columns`` of the table hold.

    For predicted classes, logits are 1 for the class and 0 for the others; for predicted labels, 1 or -1.
    """

    values: Floats
    kind: OutputKind
    columns: tuple[str, ...]


def read_outputs(table: Table, kind: TaskKind, names: Sequence[str], wanted: Wanted = "auto") -> Outputs:
    """The outputs of a table for a task; DataError for the first row that does not hold them.

    ``wanted`` is what the columns hold. By default they hold probabilities if that is true of half of the rows or more,
    then of every row; other numbers are logits. A column ``prediction`` holds predicted classes.
    """
    if wanted not in get_args(Wanted) or (wanted != "auto" and wanted not in _KINDS[kind]):
        raise SpecError(
            f"invalid value {wanted!r}", where="--outputs", remedy=f"use {', '.join(('auto', *_KINDS[kind]))}"
        )
    scored = [name for name in names if name in table.columns]
    if kind != "labels" and PREDICTION in table.columns and PREDICTION not in names and not scored:
        return _read_single(table, kind, names, wanted)
    if wanted == "labels" and kind == "class":
        raise DataError("has no column 'prediction'", where=table.name, remedy="put the predicted class into one")
    if missing := [name for name in names if name not in table.columns]:
        raise DataError(f"has no column {missing[0]!r}", where=table.name, remedy=_remedy(kind, names))
    numbers = np.column_stack([_as_numbers(table, name) for name in names])
    if kind == "values":
        return Outputs(numbers, "values", tuple(names))
    return (_read_classes if kind == "class" else _read_labels)(table, numbers, names, wanted)


def _remedy(kind: TaskKind, names: Sequence[str]) -> str:
    listed = ", ".join(names[:6]) + (" ..." if len(names) > 6 else "")
    single = " or one column 'prediction' with the class" if kind == "class" else ""
    return f"give a column of numbers for each of {listed}{single}"


def _read_single(table: Table, kind: TaskKind, names: Sequence[str], wanted: Wanted) -> Outputs:
    """A column ``prediction``: the value of the only target, or the name of a class."""
    if kind == "values":
        if len(names) > 1:
            raise DataError("has one column for several targets", where=table.name, remedy=_remedy(kind, names))
        return Outputs(_as_numbers(table, PREDICTION)[:, None], "values", (PREDICTION,))
    if wanted not in ("auto", "labels"):
        raise DataError(
            f"has no {wanted}, but predicted classes",
            where=table.name,
            remedy="leave out --outputs, or give a column each",
        )
    index = {name: at for at, name in enumerate(names)}
    predicted = as_texts(table.columns[PREDICTION])
    for at, name in enumerate(predicted):
        if name not in index:
            raise DataError(f"unknown class {name!r}", where=table.where(at), remedy=did_you_mean(name, names))
    return Outputs(np.eye(len(names))[[index[name] for name in predicted]], "labels", (PREDICTION,))


def _read_classes(table: Table, numbers: Floats, names: Sequence[str], wanted: Wanted) -> Outputs:
    inside: NDArray[np.bool_] = np.asarray(((numbers >= 0) & (numbers <= 1)).all(axis=1))
    sums: Floats = numbers.sum(axis=1)
    is_probable = inside & (np.abs(sums - 1) <= _SUM)
    if wanted == "logits":
        return Outputs(numbers, "logits", tuple(names))
    if (numbers >= 0).all() and not inside.all():
        _refuse_shares(table, sums)
    if wanted == "auto" and is_probable.mean() < 0.5 and not inside.all():
        return Outputs(numbers, "logits", tuple(names))
    if not is_probable.all():
        at = int(np.argmin(is_probable))
        why = f"sum to {sums[at]:.4g}, not to 1" if inside[at] else _outside(numbers[at], names)
        raise DataError(
            f"its probabilities {why}",
            where=table.where(at),
            remedy="correct them, or say --outputs logits if they are logits",
        )
    return Outputs(np.log(np.maximum(numbers, _LEAST)), "probabilities", tuple(names))


def _refuse_shares(table: Table, sums: Floats) -> None:
    """Raise DataError where half of the rows or more have the same sum, not 1, as percentages and votes have."""
    total = float(np.median(sums))
    alike = np.abs(sums - total) <= _SHARE * total
    if abs(total - 1) <= _SHARE or alike.mean() < 0.5:
        return
    is_percent = abs(total - _PERCENT) <= _SHARE * _PERCENT
    raise DataError(
        f"its numbers sum to {total:.4g}, as in {alike.mean():.0%} of the rows, and none is negative: "
        f"are these {'percentages' if is_percent else 'shares'}?",
        where=table.where(int(np.argmax(alike))),
        remedy=f"{_DIVIDE if is_percent else 'divide them by their sum'}, or say --outputs logits",
    )


def _read_labels(table: Table, numbers: Floats, names: Sequence[str], wanted: Wanted) -> Outputs:
    inside: NDArray[np.bool_] = np.asarray(((numbers >= 0) & (numbers <= 1)).all(axis=1))
    certain: NDArray[np.bool_] = np.asarray(np.isin(numbers, (0.0, 1.0)).all(axis=1))
    if wanted == "logits":
        return Outputs(numbers, "logits", tuple(names))
    if (numbers >= 0).all() and not inside.all() and numbers.max() <= _PERCENT:
        at = int(np.argmin(inside))
        message = f"has {numbers[at].max():g}, and no number of any row is negative: are these percentages?"
        raise DataError(message, where=table.where(at), remedy=f"{_DIVIDE}, or say --outputs logits")
    if wanted == "auto" and inside.mean() < 0.5:
        return Outputs(numbers, "logits", tuple(names))
    if wanted == "labels" or (wanted == "auto" and certain.all()):
        if not certain.all():
            raise DataError(
                "has labels that are not 0 or 1", where=table.where(int(np.argmin(certain))), remedy="correct them"
            )
        return Outputs(2 * numbers - 1, "labels", tuple(names))
    if not inside.all():
        at = int(np.argmin(inside))
        raise DataError(
            f"its probabilities {_outside(numbers[at], names)}",
            where=table.where(at),
            remedy="correct them, or say --outputs logits if they are logits",
        )
    clipped = np.clip(numbers, _LEAST, 1 - _LEAST)
    return Outputs(np.log(clipped) - np.log1p(-clipped), "probabilities", tuple(names))


def _outside(row: Floats, names: Sequence[str]) -> str:
    at = int(np.argmax((row < 0) | (row > 1)))
    return f"are not from 0 to 1: {row[at]:.4g} for {names[at]}"


def as_texts(column: NDArray[Any]) -> list[str]:
    """The cells of a column as texts; whole numbers without a decimal point."""
    return [_as_text(cell) for cell in column.tolist()]


def _as_text(cell: Any) -> str:
    if isinstance(cell, bytes):
        return cell.decode("utf-8", errors="backslashreplace")
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _as_numbers(table: Table, name: str) -> Floats:
    """A column as finite numbers; DataError for the first cell that is none."""
    column = table.columns[name]
    if column.dtype.kind in "fiu":
        numbers = column.astype(np.float64)
    else:
        numbers = np.array([_as_number(cell) for cell in column.tolist()])
    if not np.isfinite(numbers).all():
        at = int(np.argmin(np.isfinite(numbers)))
        cell = _as_text(column[at])
        has_comma = has_decimal_comma(cell)
        raise DataError(
            f"{cell!r} in column {name} {'has a decimal comma' if has_comma else 'is not a finite number'}",
            where=table.where(at),
            remedy="write a point" if has_comma else "correct it",
        )
    return numbers


def _as_number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")


def needs_scores(metric: Metric, kind: TaskKind, n_outputs: int) -> bool:
    """Whether a metric depends on more than the predicted class or labels, found on random outputs."""
    random = np.random.default_rng(0)
    for _ in range(3):
        outputs = random.normal(size=(64, n_outputs))
        if kind == "class":
            target = np.arange(64) % n_outputs
            certain = np.eye(n_outputs)[outputs.argmax(axis=1)]
        else:
            target = random.integers(0, 2, size=(64, n_outputs))
            certain = np.where(outputs > 0, 1.0, -1.0)
        one, other = (score_outputs({"": metric}, target, each)[""] for each in (outputs, certain))
        if abs(one - other) > 1e-9:
            return True
    return False
