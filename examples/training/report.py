"""What is printed and drawn: a line an epoch, a table of the classes, pictures."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import minitorch
from minitorch import metrics, nn, viz

from .checkpoint import Run
from .evaluation import Answers

FORMATS = {
    "train_loss": "train loss {:.4f}",
    "test_accuracy": "test accuracy {:.2%}",
    "seconds": "{:.2f} s",
}


def format_row(row: dict[str, float], epochs: int) -> str:
    """A row of metrics.csv as a line for people."""
    parts = [FORMATS[column].format(value) for column, value in row.items() if column != "epoch"]
    return "  ".join([f"epoch {row['epoch']:2d}/{epochs}", *parts])


def write_metrics(run: Run) -> None:
    """All of metrics.csv, from the history: no epoch stands in it twice, whatever was interrupted."""
    with open(Path(run.options.out, "metrics.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, run.columns)
        writer.writeheader()
        writer.writerows(run.progress.history)


def print_classes(answers: Answers, classes: list[str]) -> minitorch.Tensor:
    """Prints how well each class is recognised, and which were taken for which; gives the confusion matrix."""
    confusion = metrics.confusion_matrix(answers.targets, answers.ranking[:, 0], len(classes))
    print(f"\n{metrics.classification_report(confusion, classes)}")
    print(f"\n{metrics.format_confusion_matrix(confusion, classes)}\n")
    return confusion


def feature_maps(model: nn.Module, image: minitorch.Tensor) -> dict[str, minitorch.Tensor]:
    """What each convolution answers to one image (C, H, W), after ReLU."""
    maps: dict[str, minitorch.Tensor] = {}
    hooks = [
        module.register_forward_hook(lambda module, args, output, name=name: maps.update({name: output[0].relu()}))
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    with minitorch.no_grad():
        model(image.unsqueeze(0))
    for hook in hooks:
        hook.remove()
    return maps


def draw(
    run: Run, name: str, confusion: minitorch.Tensor, classes: list[str], image: minitorch.Tensor, label: int
) -> None:
    """Writes the curves, the confusion matrix, the first filters and the feature maps of one image as pictures."""
    first, weight = next((n, m.weight) for n, m in run.model.named_modules() if isinstance(m, nn.Conv2d))
    columns = [[row[column] for row in run.progress.history] for column in ("epoch", "train_loss", "test_accuracy")]
    total = int(confusion.sum())
    pictures: dict[str, Any] = {
        "curves.png": viz.plot_curves(*columns, name),
        "confusion.png": viz.plot_confusion_matrix(
            confusion, classes, f"{name}: {metrics.accuracy(confusion):.2%} of {total} right"
        ),
        "filters.png": viz.plot_filters(weight, f"{name}: filters of {first}"),
        "features.png": viz.plot_feature_maps(
            image[0], feature_maps(run.model, image), f"{name}: what the layers see in a {classes[label]}"
        ),
    }
    for file, picture in pictures.items():
        picture.savefig(Path(run.options.out, file))
    print(f"In {run.options.out}: metrics.csv, {', '.join(pictures)}. The weights: {run.options.save}")
