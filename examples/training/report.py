"""What is printed and drawn: a line an epoch, a table of the classes, pictures."""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import Any

import minitorch
from minitorch import metrics, nn, viz

from . import ranks
from .checkpoint import Run
from .evaluation import Answers

FEW_CLASSES = 25  # of which each gets a line


def format_row(row: dict[str, float], run: Run) -> str:
    """A row of metrics.csv as a line for people."""
    parts = [text.format(row[column]) for column, text in run.columns.items() if text]
    return "  ".join([f"epoch {row['epoch']:2d}/{run.options.epochs}", *parts])


def write_metrics(run: Run) -> None:
    """All of metrics.csv, from the history: no epoch stands in it twice, whatever was interrupted."""
    if ranks.rank() > 0:
        return
    with open(Path(run.options.out, "metrics.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, run.columns)
        writer.writeheader()
        writer.writerows(run.progress.history)


def open_events(options: argparse.Namespace) -> Any:
    """The writer of TensorBoard's event files; None without --tensorboard.

    What other runs wrote into the same folder, perhaps this one before it was interrupted, is to be ignored ("purged"):
    nobody knows how far it came. All epochs are written again.
    """
    if not options.tensorboard or ranks.rank() > 0:
        return None
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise RuntimeError("--tensorboard needs tensorboardX: pip install '.[tensorboard]'") from error
    unique = f".{time.time_ns()}"  # a file's own name has seconds only, and would replace another's
    return SummaryWriter(str(Path(options.out, "tensorboard")), purge_step=1, filename_suffix=unique)


def write_events(rows: list[dict[str, float]], run: Run) -> None:
    if run.events is None:
        return
    for row in rows:
        for column, value in row.items():
            if column != "epoch":
                run.events.add_scalar(column, value, row["epoch"])
    run.events.flush()


def print_classes(answers: Answers, classes: list[str]) -> minitorch.Tensor:
    """Prints how well each class is recognised, and which were taken for which; gives the confusion matrix.

    Of more classes than fit on a screen it prints those that are recognised worst.
    """
    confusion = metrics.confusion_matrix(answers.targets, answers.ranking[:, 0], len(classes))
    header, *lines, mean = metrics.classification_report(confusion, classes).splitlines()
    if len(classes) > FEW_CLASSES:
        worst = metrics.precision_recall_f1(confusion).f1.argsort(stable=True)[:10].tolist()
        lines = ["the worst ten", *(lines[i] for i in worst)]
    print("\n".join(["", header, *lines, mean]), end="\n\n")
    if len(classes) <= FEW_CLASSES:
        print(metrics.format_confusion_matrix(confusion, classes), end="\n\n")
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
    run: Run,
    name: str,
    confusion: minitorch.Tensor,
    classes: list[str],
    image: minitorch.Tensor,
    label: int,
    picture: minitorch.Tensor,
) -> None:
    """Writes the curves, the confusion matrix, the first filters and the feature maps of one image.

    `picture` is how people see `image`.
    """
    if ranks.rank() > 0:
        return
    first, weight = next((n, m.weight) for n, m in run.model.named_modules() if isinstance(m, nn.Conv2d))
    epochs, losses, accuracies = (
        [row[column] for row in run.progress.history]
        for column in ("epoch", "train_loss", f"{run.held_out_name}_accuracy")
    )
    maps = feature_maps(run.model, image.to(run.options.device))
    pictures: dict[str, Any] = {
        "curves.png": viz.plot_curves(epochs, losses, accuracies, name, run.held_out_name),
        "filters.png": viz.plot_filters(weight, f"{name}: filters of {first}"),
        "features.png": viz.plot_feature_maps(picture, maps, f"{name}: what the layers see ({classes[label]})"),
    }
    if len(classes) <= FEW_CLASSES:
        title = f"{name}: {metrics.accuracy(confusion):.2%} of {int(confusion.sum())} right"
        pictures["confusion.png"] = viz.plot_confusion_matrix(confusion, classes, title)
    for file, figure in pictures.items():
        figure.savefig(Path(run.options.out, file))
    weights = run.options.save if run.best is None else f"{run.options.save}, the best ones: {run.best}"
    print(f"In {run.options.out}: metrics.csv, {', '.join(sorted(pictures))}. The weights: {weights}")
