"""The training loop."""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

from tqdm import tqdm

import minitorch
from minitorch import distributed
from minitorch.data import DataLoader, DistributedSampler
from minitorch.optim.lr_scheduler import ReduceLROnPlateau

from . import ranks
from .checkpoint import Progress, Run, save
from .evaluation import evaluate
from .report import format_row, write_events, write_metrics
from .step import GraphedStep, Step


class CtrlC:
    """Inside a `with` block, the first Ctrl-C is only noted, so that training stops between two steps."""

    pressed = False

    def __enter__(self) -> CtrlC:
        self.before = signal.signal(signal.SIGINT, self.note)
        return self

    def note(self, number: int, frame: Any) -> None:
        self.pressed = True
        signal.signal(signal.SIGINT, self.before)  # a second one stops at once

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, self.before)


def make_loader(dataset: Any, batch_size: int, shuffle: bool = False, workers: int = 0, seed: int = 0) -> DataLoader:
    """Batches of a dataset; `seed` decides their order, and what is random in transforms.

    Of several ranks, each has its share of a batch that is shuffled; and of others, every size-th image.
    """
    generator = minitorch.Generator().manual_seed(seed + ranks.rank())
    if not distributed.is_initialized():
        return DataLoader(dataset, batch_size, shuffle=shuffle, num_workers=workers, generator=generator)
    if shuffle:
        sampler: Any = DistributedSampler(dataset, seed=seed)
        batch_size //= ranks.size()
    else:
        sampler = range(ranks.rank(), len(dataset), ranks.size())
    return DataLoader(dataset, batch_size, sampler=sampler, num_workers=workers, generator=generator)


def train(run: Run) -> bool:
    """Trains up to `--epochs`, and returns True; or to a Ctrl-C, says how to go on, and returns False.

    After each epoch the held-out images are evaluated; metrics and a checkpoint are written.
    """
    options = run.options
    step = make_step(run)
    write_metrics(run)  # the file may hold an epoch more than the checkpoint, if the run was killed between the two
    write_events(run.progress.history, run)
    with CtrlC() as ctrl_c:
        while run.progress.epoch < options.epochs and not any(ranks.total(ctrl_c.pressed)):
            if train_epoch(run, step, ctrl_c):
                finish_epoch(run)
            save(run)
    if run.progress.epoch == options.epochs:
        return True
    print(f"Stopped after {run.progress.epoch} epochs and {run.progress.step} steps. To go on:")
    print("    " + ranks.command("--resume", options.save), flush=True)
    ranks.wait()  # the first one that ends with an error ends all
    return False


def make_step(run: Run) -> Step:
    options = run.options
    if options.cuda_graph:
        return GraphedStep(run.model, run.optimizer, options.batch_size, options.clip_grad)
    return Step(ranks.parallel(run.model), run.optimizer, options.clip_grad)


def train_epoch(run: Run, step: Step, ctrl_c: CtrlC) -> bool:
    """Finishes the epoch that the run is in; returns False if Ctrl-C was pressed before its end."""
    options, progress, loader = run.options, run.progress, run.train_loader
    images_in_all = len(loader.sampler)  # of this rank; all have as many
    done = min(progress.step * loader.batch_size, images_in_all)
    started = time.perf_counter() - progress.seconds
    run.model.train()
    if isinstance(loader.sampler, DistributedSampler):
        loader.sampler.set_epoch(progress.epoch)
    bar = tqdm(
        total=images_in_all * ranks.size(),
        initial=done * ranks.size(),
        desc=f"epoch {progress.epoch + 1}",
        unit="img",
        leave=False,
        disable=None if sys.stdout.isatty() else True,  # None: unless stderr, where the bar is drawn, is a terminal too
    )
    with bar:
        for images, labels in loader:
            if not step.seen:  # the images of the next step of the optimiser: the epoch's last one has what is left
                of = min(options.accumulate * loader.batch_size, images_in_all - done)
            loss = step(images.to(options.device), labels.to(options.device), of).item()
            done += len(labels)
            is_due = ranks.rank() == 0 and time.monotonic() - run.saved_at >= 60 * options.checkpoint_minutes
            loss, pressed, due = ranks.total(loss / ranks.size(), ctrl_c.pressed, is_due)
            progress.step += 1
            progress.loss_sum += loss * len(labels) * ranks.size()
            progress.seconds = time.perf_counter() - started
            bar.update(len(labels) * ranks.size())
            bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
            if options.log_every and progress.step % options.log_every == 0:
                tqdm.write(f"epoch {progress.epoch + 1}  step {progress.step}/{len(loader)}  loss {loss:.6f}")
            if step.seen:
                continue  # gradients that wait for more are in no checkpoint
            if pressed and progress.step < len(loader):
                return False
            if due:
                save(run)
    return True


def finish_epoch(run: Run) -> None:
    """Evaluates the model on the held-out images, prints a line, and goes on to the next epoch."""
    progress, name = run.progress, run.held_out_name
    answers = evaluate(run.model, run.held_out, run.options.device)
    accuracy = answers.accuracy()
    values = {
        "epoch": progress.epoch + 1,
        "train_loss": progress.loss_sum / (len(run.train_loader.sampler) * ranks.size()),
        f"{name}_loss": answers.loss,
        f"{name}_accuracy": accuracy,
        f"{name}_top5": answers.accuracy(best=5),
        "learning_rate": run.optimizer.param_groups[0]["lr"],
        "seconds": round(progress.seconds, 3),
    }
    row = {column: values[column] for column in run.columns}
    print(format_row(row, run), flush=True)
    write_events([row], run)
    best = progress.best_epoch, progress.best_accuracy
    if run.best is not None and accuracy > progress.best_accuracy:
        if ranks.rank() == 0:
            minitorch.save(run.model.state_dict(), run.best)
        best = progress.epoch + 1, accuracy
    if isinstance(run.scheduler, ReduceLROnPlateau):
        run.scheduler.step(accuracy)
    elif run.scheduler is not None:
        run.scheduler.step()
    run.progress = Progress(
        epoch=progress.epoch + 1,
        best_epoch=best[0],
        best_accuracy=best[1],
        history=[*progress.history, row],
    )
    write_metrics(run)
