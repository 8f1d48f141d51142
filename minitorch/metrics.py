"""How good a classifier is: accuracy, the confusion matrix, and precision, recall and F1 of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .dtypes import float64
from .ops.creation import as_tensor, from_numpy
from .tensor import Tensor


def confusion_matrix(target: Any, prediction: Any, num_classes: int) -> Tensor:
    """How often each class was taken for each other: row = true class, column = predicted class, int64.

    >>> confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2], num_classes=3)
    tensor([[1, 1, 0],
            [0, 1, 0],
            [0, 0, 1]])

    Raises:
        ValueError: the shapes differ or aren't (N,), or a class is outside 0 … num_classes - 1.
    """
    arrays = [as_tensor(value).numpy(force=True) for value in (target, prediction)]
    for name, array in zip(("target", "prediction"), arrays, strict=True):
        if array.ndim != 1 or array.shape != arrays[0].shape:
            raise ValueError(
                f"confusion_matrix: expected target and prediction of one shape (N,), got {arrays[0].shape} and "
                f"{arrays[1].shape}"
            )
        if array.size and (array.min() < 0 or array.max() >= num_classes):
            bad = array[(array < 0) | (array >= num_classes)][0]
            raise ValueError(f"confusion_matrix: {name} holds class {bad}, expected 0 … {num_classes - 1}")
    cells = arrays[0].astype(np.int64) * num_classes + arrays[1].astype(np.int64)
    counts = np.bincount(cells, minlength=num_classes * num_classes)
    return from_numpy(counts.reshape(num_classes, num_classes).astype(np.int64))


class ClassScores(NamedTuple):
    """One number a class each, float64.

    >>> import minitorch
    >>> from minitorch.metrics import precision_recall_f1
    >>> precision_recall_f1(minitorch.tensor([[1, 1], [0, 2]])).recall
    tensor([0.5000, 1.0000], dtype=minitorch.float64)
    """

    precision: Tensor
    recall: Tensor
    f1: Tensor


def precision_recall_f1(confusion: Tensor) -> ClassScores:
    """Scores of each class, from a confusion matrix.

    Precision is the share of right ones among what was taken for the class, recall the share of the class that was
    found, F1 their harmonic mean 2·TP / (2·TP + FP + FN). Where a denominator is 0 the score is 0.

    >>> scores = precision_recall_f1(confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], num_classes=2))
    >>> scores.precision.tolist(), scores.recall.tolist()
    ([1.0, 0.6666666666666666], [0.5, 1.0])
    """
    counts = confusion.numpy(force=True).astype(np.float64)
    right, predicted, actual = np.diag(counts), counts.sum(0), counts.sum(1)

    def ratio(numerator: Any, denominator: Any) -> Tensor:
        zeros = np.zeros_like(numerator)
        return from_numpy(np.divide(numerator, denominator, out=zeros, where=denominator != 0))

    return ClassScores(ratio(right, predicted), ratio(right, actual), ratio(2 * right, predicted + actual))


def accuracy(confusion: Tensor) -> float:
    """The share of samples whose class was recognised, from a confusion matrix; NaN where there were none.

    >>> from minitorch.metrics import accuracy, confusion_matrix
    >>> accuracy(confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], num_classes=2))
    0.75
    """
    total = int(confusion.sum())
    return float(np.trace(confusion.numpy(force=True)) / total) if total else float("nan")


def classification_report(confusion: Tensor, classes: Sequence[str]) -> str:
    """A table: a line a class with its precision, recall, F1 and number of samples, then their mean.

    >>> print(classification_report(confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], num_classes=2), ["cat", "dog"]))
           precision  recall      F1  samples
      cat     1.0000  0.5000  0.6667        2
      dog     0.6667  1.0000  0.8000        2
     mean     0.8333  0.7500  0.7333        4
    """
    scores = precision_recall_f1(confusion)
    samples = confusion.sum(1).tolist()
    rows = list(zip(classes, *(s.tolist() for s in scores), samples, strict=True))
    rows.append(("mean", *(s.to(float64).mean().item() for s in scores), sum(samples)))
    width = max(len(name) for name, *_ in rows) + 1
    lines = [f"{'':{width}}  precision  recall      F1  samples"]
    lines += [f"{name:>{width}}  {p:9.4f}  {r:6.4f}  {f1:6.4f}  {n:7d}" for name, p, r, f1, n in rows]
    return "\n".join(lines)


def format_confusion_matrix(confusion: Tensor, classes: Sequence[str]) -> str:
    """The matrix as text: a line a true class, a column a predicted class (which has the classes' numbers).

    >>> print(format_confusion_matrix(confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], num_classes=2), ["cat", "dog"]))
    true \\ predicted  0  1
               0 cat  1  1
               1 dog  .  2
    """
    counts = confusion.tolist()
    names = [name if name == str(i) else f"{i} {name}" for i, name in enumerate(classes)]
    corner = "true \\ predicted"
    width = max(len(corner), *(len(name) for name in names)) if names else len(corner)
    cell = max([len(str(n)) for row in counts for n in row] + [len(str(len(names)))]) + 2
    lines = [f"{corner:{width}}" + "".join(f"{i:{cell}d}" for i in range(len(names)))]
    for name, row in zip(names, counts, strict=True):
        lines.append(f"{name:>{width}}" + "".join(f"{n or '.':>{cell}}" for n in row))
    return "\n".join(lines)
