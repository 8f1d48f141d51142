"""Does a network learn as much as in PyTorch? The small AlexNet on CIFAR-10, with the same weights and batches.

    python examples/benchmarks/cifar_parity.py --data DIR --torch-python /path/to/python/with/torch

DIR has a folder `train` and a folder `test`, each with a folder of pictures for each class; it may be a zip archive.
The recipe is that of `examples/train_alexnet.py` for these pictures: AdamW, a cosine schedule, random crops and flips.

For each seed Minitorch draws the initial weights and makes an epoch's batches: their order, crops and flips. Then both
frameworks train on them, each in its own process, one after the other. What differs is the order of sums, and which
units dropout leaves out: so single runs differ, and the means over the seeds are compared. Ends with status 1 where
these are farther apart than --within.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from networks import alexnet_small, load, step
from pairs import FRAMEWORKS, Worker, serve, turns

# ---- a framework's process -------------------------------------------------------------------------------------------


class Training:
    """What one framework does with the files in `folder`."""

    def __init__(self, framework: str, folder: Path, options: argparse.Namespace) -> None:
        self.fw = load(framework, options.threads)
        self.folder, self.options = folder, options

    def answer(self, case: tuple[str, int]) -> Any:
        """`["start", seed]`, then `["train", epoch]` for each, then `["test", seed]`."""
        what, number = case
        return getattr(self, what)(number)

    def start(self, seed: int) -> None:
        """A new network with the weights that Minitorch drew."""
        fw, options = self.fw, self.options
        self.model = alexnet_small(fw, options.classes)
        with np.load(self.folder / "weights.npz") as arrays:
            self.model.load_state_dict({name: fw.from_numpy(arrays[name]) for name in arrays.files})
        fw.manual_seed(seed)  # of dropout
        self.optimizer = fw.optim.AdamW(self.model.parameters(), lr=options.lr, weight_decay=options.weight_decay)
        self.scheduler = fw.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=options.epochs)
        self.loss_fn = fw.nn.CrossEntropyLoss()

    def train(self, epoch: int) -> dict[str, float]:
        started = time.perf_counter()
        self.model.train()
        total, count = 0.0, 0
        for images, labels in self.batches("train"):
            loss = step(self.model, self.loss_fn, self.optimizer, images, self.fw.from_numpy(labels))
            total += loss.item() * len(labels)
            count += len(labels)
        self.scheduler.step()
        return {"loss": total / count, "seconds": time.perf_counter() - started}

    def test(self, seed: int) -> float:
        """The accuracy on the test pictures."""
        self.model.eval()
        right = []
        with self.fw.no_grad():
            for images, labels in self.batches("test"):
                right.append(self.model(images).argmax(1).numpy() == labels)
        return float(np.concatenate(right).mean())

    def batches(self, part: str) -> Any:
        """The pictures of a file, standardised as the training pictures are, and their labels."""
        with np.load(self.folder / f"{part}.npz") as arrays:
            pictures, targets, mean, std = (arrays[name] for name in ("images", "labels", "mean", "std"))
        for first in range(0, len(targets), self.options.batch_size):
            batch = slice(first, first + self.options.batch_size)
            yield self.fw.from_numpy((pictures[batch].astype(np.float32) / 255 - mean) / std), targets[batch]


# ---- the process that compares ---------------------------------------------------------------------------------------


def compare(seed: int, pictures: Any, workers: dict[str, Worker], epochs: int) -> dict[str, float]:
    """Trains and tests both from the same seed; returns their accuracies."""
    pictures.seed(seed)
    seconds = dict.fromkeys(workers, 0.0)
    losses = {}
    for worker in workers.values():
        worker.measure(("start", seed))
    for epoch in range(epochs):
        pictures.next_epoch()
        for framework in turns(epoch, FRAMEWORKS):
            done = workers[framework].measure(("train", epoch))
            seconds[framework] += done["seconds"]
            losses[framework] = done["loss"]
    accuracies = {framework: worker.measure(("test", seed)) for framework, worker in workers.items()}
    columns = [f"{accuracies[name]:9.2%} {losses[name]:7.4f} {seconds[name]:7.0f} s" for name in FRAMEWORKS]
    print(f"{seed:4d}  " + "  ".join(columns), flush=True)
    return accuracies


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="a folder or zip archive with train/ and test/")
    add("--torch-python", default=sys.executable, help="a Python with PyTorch (default: this one)")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N", help="(default: 0 1 2)")
    add("--epochs", type=int, default=30, help="(default: %(default)s)")
    add("--batch-size", type=int, default=64, help="(default: %(default)s)")
    add("--lr", type=float, default=1e-3, help="(default: %(default)s)")
    add("--weight-decay", type=float, default=0.05, help="(default: %(default)s)")
    add("--threads", type=int, default=2, help="(default: %(default)s)")
    add("--within", type=float, default=1.5, metavar="POINTS", help="(default: %(default)s)")
    add("--worker", nargs=2, metavar=("FRAMEWORK", "FOLDER"), help=argparse.SUPPRESS)
    add("--classes", type=int, help=argparse.SUPPRESS)
    return parser


def run(options: argparse.Namespace) -> list[dict[str, float]]:
    """Trains from each seed in both frameworks; returns their accuracies, for each seed."""
    from cifar_pictures import Pictures  # with Minitorch, which PyTorch's Python needn't have

    with tempfile.TemporaryDirectory() as folder:
        pictures = Pictures(options.data, Path(folder), options.batch_size)
        workers = {}
        for framework, python in zip(FRAMEWORKS, (sys.executable, options.torch_python), strict=True):
            command = [python, __file__, *sys.argv[1:], "--worker", framework, folder]
            workers[framework] = Worker(framework, [*command, "--classes", str(len(pictures.classes))], {})
        versions = [f"{name} {worker.about['version']}" for name, worker in workers.items()]
        print(f"{len(pictures.dataset)} pictures, {options.epochs} epochs; {', '.join(versions)}")
        print("seed  " + "  ".join(f"{name:>9}    loss      time" for name in FRAMEWORKS), flush=True)
        found = [compare(seed, pictures, workers, options.epochs) for seed in options.seeds]
        for worker in workers.values():
            worker.stop()
    return found


def main() -> int:
    options = make_parser().parse_args()
    if options.worker:
        framework, folder = options.worker
        training = Training(framework, Path(folder), options)
        serve({"version": training.fw.__version__}, training.answer)
        return 0
    found = run(options)
    ours, theirs = (100 * statistics.mean(accuracies[name] for accuracies in found) for name in FRAMEWORKS)
    difference = f"difference {ours - theirs:+.2f} points (goal: within {options.within:g})"
    print(f"mean  {ours:8.2f}%{theirs:28.2f}%   {difference}")
    return int(not abs(ours - theirs) <= options.within)


if __name__ == "__main__":
    sys.exit(main())
