"""The options that all training scripts have, and which of them a resumed run may change."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import minitorch
from minitorch import nn, optim

from . import ranks

OPTIMIZERS = {
    "adam": (optim.Adam, {"lr": 1e-3}),
    "adamw": (optim.AdamW, {"lr": 1e-3}),
    "rmsprop": (optim.RMSprop, {"lr": 1e-3}),
    "sgd": (optim.SGD, {"lr": 0.02, "momentum": 0.9}),
}

# What decides which weights are learnt: a checkpoint can't go on with other values.
FIXED = ("batch_size", "accumulate", "clip_grad", "optimizer", "lr", "momentum", "weight_decay", "seed", "distributed")


def positive(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text}")
    return int(text)


def rate(text: str) -> float:
    if not 0 < float(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text}")
    return float(text)


def not_negative(text: str) -> float:
    if not 0 <= float(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"expected 0 or more, got {text}")
    return float(text)


def count(text: str) -> int:
    if int(text) < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, got {text}")
    return int(text)


def fraction(text: str) -> float:
    if not 0 <= float(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to less than 1, got {text}")
    return float(text)


def add_options(parser: argparse.ArgumentParser, defaults: dict[str, str]) -> None:
    """Adds the options that all scripts have; of some, `defaults` says in words what stands for none given."""
    add = parser.add_argument
    add("--device", default="cpu", help="cpu, cuda or cuda:N (default: %(default)s)")
    add("--cuda-graph", action="store_true", help="capture a training step once, and replay it for each batch")
    add("--epochs", type=positive, help=f"passes over the training images, in all (default: {defaults['epochs']})")
    add("--batch-size", type=positive, help=f"images a batch (default: {defaults['batch_size']})")
    add("--distributed", action="store_true", help="share each batch with the other processes that mpiexec started")
    add("--accumulate", type=positive, default=1, metavar="N", help="add up the gradients of N batches for a step, as "
        "if they were one (default: %(default)s)")  # fmt: skip
    add("--clip-grad", type=rate, metavar="X", help="scale gradients whose norm is above X down to it")
    add("--optimizer", choices=list(OPTIMIZERS), help=f"(default: {defaults['optimizer']})")
    add("--lr", type=rate, help=f"learning rate (default: {defaults['lr']})")
    add("--momentum", type=not_negative, help="of sgd and rmsprop (default: 0.9 for sgd, else 0)")
    add("--weight-decay", type=not_negative, help=f"(default: {defaults['weight_decay']})")
    add("--seed", type=int, default=0, help="decides initial weights and order of the images (default: %(default)s)")
    add("--threads", type=positive, help="CPU threads of each process (default: all CPUs together); they don't change "
        "the result")  # fmt: skip
    add("--log-every", type=positive, metavar="N", help="also print the loss every N steps")
    add("--checkpoint-minutes", type=not_negative, default=10, metavar="N", help="save a checkpoint every N minutes, "
        "besides after every epoch (default: %(default)s)")  # fmt: skip
    add("--tensorboard", action="store_true", help="also write event files for TensorBoard into --out")
    add("--out", metavar="DIR", help=f"where results go (default: {defaults['out']})")
    add("--save", metavar="FILE", help="the checkpoint (default: checkpoint.safetensors in --out)")
    add("--resume", metavar="FILE", help="continue from this checkpoint up to --epochs, with its options")


def parse(parser: argparse.ArgumentParser, fixed: Iterable[str]) -> tuple[argparse.Namespace, dict[str, Any]]:
    """The options, and the checkpoint to continue from (or {}). Its options count where the command line gives none.

    Args:
        fixed: the options that decide what is learnt, so that a checkpoint's can't be changed.
    """
    options = parser.parse_args()
    if options.resume is None:
        ranks.join(options)
        return options, {}
    checkpoint = minitorch.load(options.resume)
    if not isinstance(checkpoint, dict) or checkpoint.get("options", {}).keys() != vars(options).keys():
        raise ValueError(f"{options.resume} is no checkpoint of this script")
    saved, epochs = checkpoint["options"], options.epochs
    parser.set_defaults(**saved)
    options = parser.parse_args()
    for name in fixed:
        given = getattr(options, name)
        if given != saved[name]:
            option = "--" + name.replace("_", "-")
            parser.error(f"{options.resume} was trained with {option} {saved[name]}; it can't go on with {given}")
    done = checkpoint["progress"]["epoch"]
    if epochs is not None and done >= epochs:
        parser.error(f"{options.resume} has {done} epochs already; --epochs counts them all: give {done + 1} or more")
    ranks.join(options)
    if checkpoint["processes"] != ranks.size():
        parser.error(
            f"{options.resume} was trained by {checkpoint['processes']} processes; it can't go on with {ranks.size()}. "
            f"Start it with mpiexec -n {checkpoint['processes']} python -m mpi4py"
        )
    return options, checkpoint


def complete(parser: argparse.ArgumentParser, options: argparse.Namespace, recipe: dict[str, Any], out: Path) -> None:
    """Fills in what the command line left open: from the recipe for these data, then from what suits any."""
    for name, value in recipe.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.cuda_graph and not options.device.startswith("cuda"):
        parser.error(f"--cuda-graph needs --device cuda, got {options.device}")
    if options.cuda_graph and options.accumulate > 1:
        parser.error(f"--cuda-graph captures a whole step of one batch, got --accumulate {options.accumulate}")
    if options.cuda_graph and options.distributed:
        parser.error("--cuda-graph can't capture what --distributed sends")
    if options.batch_size % ranks.size():
        parser.error(f"{ranks.size()} processes can't share --batch-size {options.batch_size} evenly")
    if options.momentum is not None and options.optimizer not in ("sgd", "rmsprop"):
        parser.error(f"--momentum is an option of sgd and rmsprop, got --optimizer {options.optimizer}")
    options.lr = options.lr or OPTIMIZERS[options.optimizer][1]["lr"]
    options.out = options.out or str(out)
    options.save = options.save or str(Path(options.out, "checkpoint.safetensors"))


def make_folders(options: argparse.Namespace) -> None:
    Path(options.out).mkdir(parents=True, exist_ok=True)
    Path(options.save).parent.mkdir(parents=True, exist_ok=True)


def make_optimizer(model: nn.Module, options: argparse.Namespace) -> optim.Optimizer:
    make, arguments = OPTIMIZERS[options.optimizer]
    given = {name: getattr(options, name) for name in ("lr", "momentum", "weight_decay")}
    given = {name: value for name, value in given.items() if value is not None}
    return make(model.parameters(), **{**arguments, **given})
