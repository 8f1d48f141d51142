"""How far training has come, on disk: enough to continue to the bit."""

from __future__ import annotations

import argparse
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import minitorch
from minitorch import nn, optim
from minitorch.data import DataLoader
from minitorch.optim.lr_scheduler import LRScheduler

from . import ranks

BEST = "best.safetensors"  # the weights with the highest accuracy on the validation images, beside the checkpoint


@dataclass
class Progress:
    """How far training has come."""

    epoch: int = 0  # epochs completed
    step: int = 0  # batches done in the epoch that is going on
    loss_sum: float = 0.0  # over the images of these batches
    seconds: float = 0.0  # spent on these batches
    best_epoch: int = 0  # with the highest accuracy on the held-out images so far
    best_accuracy: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)  # a row an epoch


@dataclass
class Run:
    """What is trained, on what, how, and how far it has come."""

    options: argparse.Namespace
    model: nn.Module
    optimizer: optim.Optimizer
    train_loader: DataLoader
    held_out: DataLoader  # what is evaluated after each epoch
    held_out_name: str  # "test", or "validation" where it may choose the best weights
    columns: dict[str, str]  # of metrics.csv, and how each is printed; "" leaves it out
    scheduler: LRScheduler | None = None  # makes a step after each epoch
    best: Path | None = None  # where the weights with the highest accuracy go
    events: Any = None  # TensorBoard's
    progress: Progress = field(default_factory=Progress)
    saved_at: float = field(default_factory=time.monotonic)


def save(run: Run) -> None:
    """Writes the checkpoint. The file is replaced when the new one is whole: there always is one to continue from."""
    if ranks.rank() == 0:
        minitorch.save(
            {
                "options": {**vars(run.options), "resume": None},
                "processes": ranks.size(),
                "progress": asdict(run.progress),
                "model": run.model.state_dict(),
                "optimizer": run.optimizer.state_dict(),
                "scheduler": None if run.scheduler is None else run.scheduler.state_dict(),
                "train_loader": run.train_loader.state_dict(),
                "rng_state": minitorch.get_rng_state(),
            },
            run.options.save,
        )
    ranks.wait()
    run.saved_at = time.monotonic()


def restore(run: Run, checkpoint: dict[str, Any]) -> None:
    """The inverse of :func:`save`, on every rank."""
    loader = checkpoint["train_loader"]
    run.model.load_state_dict(checkpoint["model"])
    run.optimizer.load_state_dict(checkpoint["optimizer"])
    if run.scheduler is not None:
        run.scheduler.load_state_dict(checkpoint["scheduler"])
    run.train_loader.load_state_dict({**loader, **{key: ranks.own(loader[key]) for key in ("began_at", "generator")}})
    minitorch.set_rng_state(ranks.own(checkpoint["rng_state"]))
    run.progress = Progress(**checkpoint["progress"])
    print(f"continuing {run.options.resume} after {run.progress.epoch} epochs and {run.progress.step} steps")
    if ranks.rank() == 0:
        take_over_files(run)
    ranks.wait()


def take_over_files(run: Run) -> None:
    """Copies the best weights to where this run has them, and removes what was being written when a run was killed."""
    best = Path(run.options.resume).with_name(BEST)
    if run.best is not None and best.exists() and not (run.best.exists() and run.best.samefile(best)):
        shutil.copyfile(best, run.best)  # --save names another folder than before
    for unfinished in Path(run.options.save).parent.glob(".minitorch-*.tmp"):
        if time.time() - unfinished.stat().st_mtime > 60:  # a checkpoint that was being written when the run was killed
            unfinished.unlink()
