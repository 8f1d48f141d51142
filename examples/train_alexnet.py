"""Trains AlexNet of "ImageNet classification with deep convolutional neural networks" (Krizhevsky et al., 2012).

    python examples/train_alexnet.py                                drawn shapes, no download: in two minutes
    python examples/train_alexnet.py --data cifar10                 50,000 photographs of 32×32, downloaded
    python examples/train_alexnet.py --data photos --model alexnet  your own: photos/train/CLASS/*.jpg, photos/val/…
    python examples/train_alexnet.py --resume out/shapes/checkpoint.safetensors
    mpiexec -n 2 python -m mpi4py examples/train_alexnet.py --distributed

There are three sets of pictures: training images; validation images, by which learning rate and best weights are
chosen; and test images, on which the best weights are judged at the end. The same options give the same weights, bit
for bit, also when a run is interrupted or killed and goes on from its last checkpoint (--resume). The loop itself is in
training/loop.py.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import minitorch
from minitorch import nn, optim
from minitorch.data import DataLoader
from minitorch.models import alexnet, alexnet_2012, alexnet_small
from minitorch.optim import lr_scheduler
from training import ranks
from training.checkpoint import BEST, Run, restore
from training.evaluation import Answers, evaluate
from training.images import MEAN, SMALL, STD, Images, load_images
from training.loop import make_loader, train
from training.options import (
    FIXED,
    add_options,
    complete,
    count,
    fraction,
    make_folders,
    make_optimizer,
    parse,
    positive,
)
from training.report import draw, open_events, print_classes

MODELS = {"alexnet_small": alexnet_small, "alexnet": alexnet, "alexnet_2012": alexnet_2012}
SIZES = {"alexnet_small": 32, "alexnet": 224, "alexnet_2012": 227}  # of the pictures

# The columns of metrics.csv, and how they are printed.
COLUMNS = {
    "epoch": "",
    "train_loss": "loss {:.4f}",
    "validation_loss": "",
    "validation_accuracy": "validation {:.2%}",
    "validation_top5": "top-5 {:.2%}",
    "learning_rate": "lr {:.4g}",
    "seconds": "{:.2f} s",
}

# What suits drawn shapes, small photographs, and large ones (as in section 5 of the paper).
RECIPES: dict[str, dict[str, Any]] = {
    "shapes": {"optimizer": "adamw", "lr": 1e-3, "weight_decay": 0.05, "batch_size": 32, "epochs": 7, "augment": False},
    "small": {"optimizer": "adamw", "lr": 1e-3, "weight_decay": 0.05, "batch_size": 64, "epochs": 30, "augment": True},
    "large": {"optimizer": "sgd", "lr": 0.01, "weight_decay": 5e-4, "batch_size": 128, "epochs": 90, "augment": True},
}


def make_parser() -> argparse.ArgumentParser:
    description, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    add = parser.add_argument
    add("--data", default="shapes", metavar="WHAT", help="shapes, cifar10, or a folder or zip archive with the folders "
        "train, val and test, in each a folder of images for each class; one of val and test may be missing "
        "(default: %(default)s)")  # fmt: skip
    add("--data-dir", default="data", metavar="DIR", help="where CIFAR-10's files are or go (default: %(default)s)")
    add("--length", type=positive, default=10000, metavar="N", help="how many shapes are drawn to learn from; a fifth "
        "as many for the test (default: %(default)s)")  # fmt: skip
    add("--model", choices=list(MODELS), default="alexnet_small", help="(default: %(default)s)")
    add("--init", metavar="FILE", help="begin with these weights (safetensors) instead of random ones; those of the "
        "last layer are left out where they are for another number of classes")  # fmt: skip
    add("--image-size", type=positive, metavar="N", help="pixels a side (default: 32 for alexnet_small, alexnet 224, "
        "alexnet_2012 227)")  # fmt: skip
    add("--augment", action=argparse.BooleanOptionalAction, help="show another part of a picture every time, or its "
        "mirror image, and, where it is large, in another light (default: for all but shapes)")  # fmt: skip
    add("--validation", type=fraction, default=0.1, metavar="SHARE", help="of the training images, if there is no val: "
        "they are not learnt from; 0 takes the test images for validation (default: %(default)s)")  # fmt: skip
    add("--schedule", choices=["plateau", "step", "cosine", "none"], help="divide the learning rate by 10 where the "
        "validation accuracy stalls, as in the paper; or after each third of the epochs; or let it fall to 0 along a "
        "cosine (default: cosine for small pictures, else plateau)")  # fmt: skip
    add("--patience", type=count, default=3, metavar="N", help="epochs without progress that --schedule plateau bears "
        "(default: %(default)s)")  # fmt: skip
    add("--ten-crop", action="store_true", help="test also with the mean answer to five parts of each picture and "
        "their mirror images, for what has learnt with --augment")  # fmt: skip
    add("--workers", type=count, metavar="N", help="threads that load pictures (default: 0 for small ones, else one a "
        "CPU); they don't change the result")  # fmt: skip
    add("--skip-damaged", action="store_true", help="take another picture for one that can't be read, and count them")
    add_options(
        parser,
        {
            "epochs": "7 for shapes, 30 for small photographs, else 90",
            "batch_size": "32 for shapes, 64 for small photographs, else 128",
            "optimizer": "adamw for small pictures, else sgd",
            "lr": "0.01 for sgd on large pictures, else 0.02 for sgd and 0.001 for the others",
            "out": "out/shapes, out/cifar10 or out/FOLDER",
            "weight_decay": "0.05 for adamw on small pictures, 0.0005 for sgd on large ones, else the optimizer's",
        },
    )
    return parser


def parse_options() -> tuple[argparse.Namespace, dict[str, Any]]:
    """The options, and the checkpoint to continue from (or {})."""
    parser = make_parser()
    fixed = ("length", "model", "init", "image_size", "augment", "validation", "schedule", "patience", *FIXED)
    options, checkpoint = parse(parser, fixed)
    if checkpoint and options.schedule in ("step", "cosine") and options.epochs != checkpoint["options"]["epochs"]:
        parser.error(
            f"{options.resume} was trained with --epochs {checkpoint['options']['epochs']}, for which its --schedule "
            f"{options.schedule} is made; it can't go on to {options.epochs}"
        )
    options.image_size = options.image_size or SIZES[options.model]
    small = options.image_size <= SMALL
    kind = ("shapes" if options.data == "shapes" else "small") if small else "large"
    recipe = {**RECIPES[kind], "schedule": "cosine" if small else "plateau", "workers": 0 if small else os.cpu_count()}
    if options.optimizer not in (None, recipe["optimizer"]):
        del recipe["lr"], recipe["weight_decay"]  # which are for another one
    complete(parser, options, recipe, out=Path("out", Path(options.data).stem))
    return options, checkpoint


def make_model(options: argparse.Namespace, num_classes: int) -> nn.Module:
    model = MODELS[options.model](num_classes=num_classes)
    with minitorch.no_grad():  # tells at once if the model doesn't take pictures of this size
        model.eval()(minitorch.zeros(1, 3, options.image_size, options.image_size))
    if options.init is not None:
        weights, own = minitorch.load(options.init), model.state_dict()
        last = [name for name in list(own)[-2:] if name in weights and weights[name].shape != own[name].shape]
        model.load_state_dict({**weights, **{name: own[name] for name in last}})
        print(f"weights from {options.init}" + (f", except {' and '.join(last)}" if last else ""))
    return model


def make_scheduler(optimizer: optim.Optimizer, options: argparse.Namespace) -> lr_scheduler.LRScheduler | None:
    if options.schedule == "plateau":
        return lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.1, patience=options.patience)
    if options.schedule == "step":
        return lr_scheduler.StepLR(optimizer, step_size=-(-options.epochs // 3), gamma=0.1)
    if options.schedule == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, T_max=options.epochs)
    return None


def test(run: Run, images: Images) -> Answers:
    """Says how good the weights are that were best on the validation images."""
    options, progress = run.options, run.progress
    assert run.best is not None
    run.model.load_state_dict(minitorch.load(run.best))
    print(f"\nTest of {run.best}, the weights after epoch {progress.best_epoch}:")
    answers = evaluate(run.model, evaluation_loader(images.test, options), options.device)
    print(f"    the middle of each picture    {answers.accuracy():.2%}  top-5 {answers.accuracy(best=5):.2%}")
    if options.ten_crop:
        answers = evaluate(run.model, evaluation_loader(images.crops, options, crops=10), options.device)
        print(f"    ten parts of each picture     {answers.accuracy():.2%}  top-5 {answers.accuracy(best=5):.2%}")
    return answers


def evaluation_loader(dataset: Any, options: argparse.Namespace, crops: int = 1) -> DataLoader:
    batch_size = max(1, (512 if options.image_size <= SMALL else options.batch_size) // crops)
    return make_loader(dataset, batch_size, workers=options.workers)


def report(run: Run, images: Images) -> None:
    """Prints how good the best weights are, also for each class, and draws pictures."""
    answers = test(run, images)
    confusion = print_classes(answers, images.classes)
    image, label = images.test[0]
    mean, std = (minitorch.tensor(numbers).reshape(3, 1, 1) for numbers in (MEAN, STD))
    name = f"{run.options.model} on {Path(run.options.data).stem}"
    draw(run, name, confusion, images.classes, image, label, picture=image * std + mean)
    skipped = images.skipped()
    if skipped:
        print(f"{len(skipped)} damaged pictures were skipped, among them:")
        print("\n".join(list(skipped.values())[:5]))


def main() -> int:
    try:
        options, checkpoint = parse_options()
        device = minitorch.zeros((), device=options.device).device  # before much else: it may not be there
        if options.threads is not None:
            minitorch.set_num_threads(options.threads)
        with ranks.rank_0_first():  # which may download them
            images = load_images(options)
        make_folders(options)
        events = open_events(options)
        minitorch.manual_seed(options.seed + ranks.rank())  # the weights will be rank 0's
        model = make_model(options, len(images.classes)).to(device)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        print(f"train_alexnet.py: {error}", file=sys.stderr)
        return 2
    print(
        f"{options.data}: {len(images.classes)} classes\n"
        f"    {len(images.train):,} images to learn from\n"
        f"    {len(images.validation):,} for validation, {images.validation_is}\n"
        f"    {len(images.test):,} for the test\n"
        f"{options.model}: {sum(p.numel() for p in model.parameters()):,} parameters, on {device}"
    )
    optimizer = make_optimizer(model, options)
    run = Run(
        options,
        model,
        optimizer,
        train_loader=make_loader(images.train, options.batch_size, True, options.workers, options.seed),
        held_out=evaluation_loader(images.validation, options),
        held_out_name="validation",
        columns=COLUMNS,
        scheduler=make_scheduler(optimizer, options),
        best=Path(options.save).with_name(BEST),
        events=events,
    )
    try:
        if checkpoint:
            restore(run, checkpoint)
        if not train(run):
            return 130
        report(run, images)
    except (OSError, ValueError) as error:  # a damaged picture, a full disk
        print(f"train_alexnet.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
