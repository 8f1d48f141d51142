"""How training went: curves, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor
from .figure import new_figure


def plot_curves(
    epochs: Sequence[int],
    train_loss: Sequence[float],
    test_accuracy: Sequence[float],
    title: str = "Training",
    split: str = "test",
) -> Any:
    """Loss (on a logarithmic axis) and accuracy over the epochs, side by side.

    ``split`` says which images the accuracy is of, such as "validation".

    >>> from minitorch.viz import plot_curves
    >>> figure = plot_curves([1, 2, 3], train_loss=[0.9, 0.3, 0.2], test_accuracy=[0.85, 0.93, 0.95])
    >>> [axes.get_title() for axes in figure.axes]
    ['Training loss', 'Test accuracy']

    Raises:
        ImportError: matplotlib isn't installed.
    """
    figure = new_figure(9, 3.6)
    figure.suptitle(title)
    left, right = figure.subplots(1, 2)
    marker = "o" if len(epochs) <= 40 else ""
    left.plot(epochs, train_loss, color="tab:blue", marker=marker, markersize=4)
    left.set(title="Training loss", xlabel="epoch", ylabel="mean cross-entropy", yscale="log")
    right.plot(epochs, [100 * a for a in test_accuracy], color="tab:orange", marker=marker, markersize=4)
    right.set(title=f"{split.capitalize()} accuracy", xlabel="epoch", ylabel="right answers, %")
    if test_accuracy:
        right.annotate(
            f"{100 * test_accuracy[-1]:.2f}%",
            (epochs[-1], 100 * test_accuracy[-1]),
            xytext=(0, -14),
            textcoords="offset points",
            ha="right",
            color="tab:orange",
        )
    # 0.2 rather than 2 × 10⁻¹, and not at every line of the grid.
    left.yaxis.set_major_formatter("{x:g}")
    left.yaxis.set_minor_formatter(lambda y, _: f"{y:g}" if f"{y:e}"[0] in "25" else "")
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3, which="both" if axes is left else "major")
    return figure


def plot_confusion_matrix(confusion: Tensor, classes: Sequence[str], title: str = "Confusion matrix") -> Any:
    """The counts of a confusion matrix, coloured by their share of the true class.

    >>> import minitorch
    >>> from minitorch.viz import plot_confusion_matrix
    >>> figure = plot_confusion_matrix(minitorch.tensor([[9, 1], [0, 8]]), ["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['9', '1', '8']

    Raises:
        ImportError: matplotlib isn't installed.
    """
    counts = confusion.numpy(force=True)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    n = len(classes)
    side = max(4.0, 0.55 * n + 1.6)
    figure = new_figure(side + 0.9, side)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    long_names = max((len(name) for name in classes), default=0) > 3
    axes.set_xticks(range(n), classes, rotation=45 if long_names else 0, ha="right" if long_names else "center")
    axes.set_yticks(range(n), classes)
    axes.set(title=title, xlabel="predicted class", ylabel="true class")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize=9)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    return figure
