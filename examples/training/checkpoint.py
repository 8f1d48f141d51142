"""How far training has come, on disk: enough to continue to the bit."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import minitorch
from minitorch import nn, optim
from minitorch.data import DataLoader
from minitorch.optim.lr_scheduler import LRScheduler


@dataclass
class Progress:
    """How far training has come."""

    epoch: int = 0  # epochs completed
    step: int = 0  # batches done in the epoch that is going on
    loss_sum: float = 0.0  # over the images of these batches
    seconds: float = 0.0  # spent on these batches
    shuffle_state: tuple[int, int] = (0, 0)  # of the generator, when the epoch began
    history: list[dict[str, float]] = field(default_factory=list)  # a row an epoch


@dataclass
class Run:
    """What is trained, on what, how, and how far it has come."""

    options: argparse.Namespace
    model: nn.Module
    optimizer: optim.Optimizer
    train_loader: DataLoader
    held_out: DataLoader  # what is evaluated after each epoch
    columns: tuple[str, ...]  # of metrics.csv
    scheduler: LRScheduler | None = None
    progress: Progress = field(default_factory=Progress)
    saved_at: float = field(default_factory=time.monotonic)


def save(run: Run) -> None:
    """Writes the checkpoint. The file is replaced when the new one is whole: there always is one to continue from."""
    minitorch.save(
        {
            "options": {**vars(run.options), "resume": None},
            "progress": asdict(run.progress),
            "model": run.model.state_dict(),
            "optimizer": run.optimizer.state_dict(),
            "scheduler": None if run.scheduler is None else run.scheduler.state_dict(),
            "rng_state": minitorch.get_rng_state(),
        },
        run.options.save,
    )
    run.saved_at = time.monotonic()


def restore(run: Run, checkpoint: dict[str, Any]) -> None:
    """The inverse of :func:`save`."""
    run.model.load_state_dict(checkpoint["model"])
    run.optimizer.load_state_dict(checkpoint["optimizer"])
    if run.scheduler is not None:
        run.scheduler.load_state_dict(checkpoint["scheduler"])
    minitorch.set_rng_state(checkpoint["rng_state"])
    run.progress = Progress(**checkpoint["progress"])
    print(f"continuing {run.options.resume} after {run.progress.epoch} epochs and {run.progress.step} steps")
