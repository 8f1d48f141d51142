"""Trains LeNet-5 (LeCun et al., "Gradient-based learning applied to document recognition", 1998) on handwritten digits.

    python examples/train_lenet.py                                  scikit-learn's 1,797 digits, under a minute
    python examples/train_lenet.py --dataset mnist                  60,000 digits, downloaded if they aren't there
    python examples/train_lenet.py --resume out/digits/checkpoint.safetensors --epochs 50
    python examples/train_lenet.py --device cuda --cuda-graph       on a GPU, a step as one launch
    mpiexec -n 2 python -m mpi4py examples/train_lenet.py --distributed

The same options give the same weights, bit for bit; --cuda-graph only changes the speed. Ctrl-C saves a checkpoint;
--resume continues it as if nothing had happened, with the options it was started with. The loop itself is in
training/loop.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

import minitorch
from minitorch.data import MNIST, Digits, FashionMNIST, ImageDataset, TensorDataset
from minitorch.models import LeNet5
from training import ranks
from training.checkpoint import Run, restore
from training.evaluation import evaluate
from training.loop import make_loader, train
from training.options import FIXED, add_options, complete, make_folders, make_optimizer, parse
from training.report import draw, open_events, print_classes

IMAGE_SIZE = 32  # what LeNet-5 takes
# The columns of metrics.csv, and how they are printed.
COLUMNS = {
    "epoch": "",
    "train_loss": "train loss {:.4f}",
    "test_accuracy": "test accuracy {:.2%}",
    "seconds": "{:.2f} s",
}

# For the digits chosen by cross-validation on the training images; the held-out ones played no part.
RECIPES = {
    "digits": {"epochs": 40, "batch_size": 32, "optimizer": "adam"},
    "mnist": {"epochs": 5, "batch_size": 64, "optimizer": "adam"},
    "fashion-mnist": {"epochs": 10, "batch_size": 64, "optimizer": "adam"},
}


def parse_options() -> tuple[argparse.Namespace, dict[str, Any]]:
    """The options, and the checkpoint to continue from (or {})."""
    description, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    add = parser.add_argument
    add("--dataset", choices=list(RECIPES), default="digits", help="what to learn (default: digits, no download)")
    add("--data-dir", default="data", metavar="DIR", help="where MNIST's files are or go (default: %(default)s)")
    add_options(
        parser,
        {
            "epochs": "40 for digits, mnist 5, fashion-mnist 10",
            "batch_size": "32 for digits, else 64",
            "optimizer": "adam",
            "lr": "0.02 for sgd, else 0.001",
            "out": "out/DATASET",
            "weight_decay": "0.01 for adamw, else 0",
        },
    )
    options, checkpoint = parse(parser, fixed=("dataset", *FIXED))
    complete(parser, options, RECIPES[options.dataset], out=Path("out", options.dataset))
    return options, checkpoint


def load_images(options: argparse.Namespace) -> tuple[TensorDataset, TensorDataset, list[str]]:
    """Training images, test images, and the classes' names."""
    train: ImageDataset
    test: ImageDataset
    if options.dataset == "digits":
        train, test = Digits(train=True, size=IMAGE_SIZE), Digits(train=False, size=IMAGE_SIZE)
    else:
        dataset = MNIST if options.dataset == "mnist" else FashionMNIST
        train = dataset(options.data_dir, train=True, download=True)
        test = dataset(options.data_dir, train=False, download=True)
    images, _ = train.tensors()
    mean, std = images.mean().item(), images.std().item()
    prepared = [TensorDataset(*prepare(part, mean, std, options.device)) for part in (train, test)]
    return prepared[0], prepared[1], train.classes


def prepare(dataset: ImageDataset, mean: float, std: float, device: str) -> tuple[minitorch.Tensor, minitorch.Tensor]:
    """All images, with a margin up to 32×32 and scaled so that the training images have mean 0 and variance 1."""
    images, labels = dataset.tensors()
    margin = (IMAGE_SIZE - images.shape[-1]) // 2
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    padded -= mean
    padded /= std
    return minitorch.from_numpy(padded).to(device), labels.to(device)


def report(run: Run, test_set: TensorDataset, classes: list[str]) -> None:
    """Prints how well each class is recognised, and draws pictures."""
    confusion = print_classes(evaluate(run.model, run.held_out, run.options.device), classes)
    image, label = test_set[0]
    draw(run, f"LeNet-5 on {run.options.dataset}", confusion, classes, image, int(label), picture=image[0])


def main() -> int:
    try:
        options, checkpoint = parse_options()
        device = minitorch.zeros((), device=options.device).device  # before much else: it may not be there
        with ranks.rank_0_first():  # which may download them
            train_set, test_set, classes = load_images(options)
        make_folders(options)
        events = open_events(options)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        print(f"train_lenet.py: {error}", file=sys.stderr)
        return 2
    if options.threads is not None:
        minitorch.set_num_threads(options.threads)
    print(f"{options.dataset}: {len(train_set)} images to learn from, {len(test_set)} held out; on {device}")

    minitorch.manual_seed(options.seed + ranks.rank())  # the weights will be rank 0's
    model = LeNet5(num_classes=len(classes)).to(device)
    run = Run(
        options,
        model,
        make_optimizer(model, options),
        train_loader=make_loader(train_set, options.batch_size, shuffle=True, seed=options.seed),
        held_out=make_loader(test_set, batch_size=512),
        columns=COLUMNS,
        held_out_name="test",
        events=events,
    )
    if checkpoint:
        restore(run, checkpoint)
    if not train(run):
        return 130
    report(run, test_set, classes)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
