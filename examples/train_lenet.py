"""Trains LeNet-5 (LeCun et al., "Gradient-based learning applied to document recognition", 1998) on handwritten digits.

    python examples/train_lenet.py                                  scikit-learn's 1,797 digits, under a minute
    python examples/train_lenet.py --dataset mnist                  60,000 digits, downloaded if they aren't there
    python examples/train_lenet.py --resume out/digits/checkpoint.safetensors --epochs 50
    python examples/train_lenet.py --device cuda --cuda-graph       on a GPU, a step as one launch

The same options give the same weights, bit for bit; --cuda-graph only changes the speed. Ctrl-C saves a checkpoint;
--resume continues it as if nothing had happened, with the options it was started with.
"""

from __future__ import annotations

import argparse
import csv
import shlex
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import minitorch
from minitorch import metrics, nn, optim, viz
from minitorch.data import MNIST, DataLoader, Digits, FashionMNIST, ImageDataset, TensorDataset
from minitorch.models import LeNet5

IMAGE_SIZE = 32  # what LeNet-5 takes
COLUMNS = ("epoch", "train_loss", "test_accuracy", "seconds")  # of metrics.csv

# For the digits chosen by cross-validation on the training images; the held-out ones played no part.
RECIPES = {
    "digits": {"epochs": 40, "batch_size": 32},
    "mnist": {"epochs": 5, "batch_size": 64},
    "fashion-mnist": {"epochs": 10, "batch_size": 64},
}
OPTIMIZERS = {
    "adam": (optim.Adam, {"lr": 1e-3}),
    "adamw": (optim.AdamW, {"lr": 1e-3}),
    "rmsprop": (optim.RMSprop, {"lr": 1e-3}),
    "sgd": (optim.SGD, {"lr": 0.02, "momentum": 0.9}),
}


# ---- options ---------------------------------------------------------------------------------------------------------


def make_parser() -> argparse.ArgumentParser:
    def positive(text: str) -> int:
        if int(text) < 1:
            raise argparse.ArgumentTypeError(f"expected 1 or more, got {text}")
        return int(text)

    def rate(text: str) -> float:
        if not 0 < float(text) < float("inf"):
            raise argparse.ArgumentTypeError(f"expected a positive number, got {text}")
        return float(text)

    description, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    add = parser.add_argument
    add("--dataset", choices=list(RECIPES), default="digits", help="what to learn (default: digits, no download)")
    add("--data-dir", default="data", metavar="DIR", help="where MNIST's files are or go (default: %(default)s)")
    add("--device", default="cpu", help="cpu, cuda or cuda:N (default: %(default)s)")
    add("--cuda-graph", action="store_true", help="capture a training step once, and replay it for each batch")
    add("--epochs", type=positive, help="passes over the training images, in all (default: 40 for digits, mnist 5, "
        "fashion-mnist 10)")  # fmt: skip
    add("--batch-size", type=positive, help="images a step (default: 32 for digits, else 64)")
    add("--optimizer", choices=list(OPTIMIZERS), default="adam", help="(default: %(default)s)")
    add("--lr", type=rate, help="learning rate (default: 0.02 for sgd, else 0.001)")
    add("--seed", type=int, default=0, help="decides initial weights and order of the images (default: %(default)s)")
    add("--threads", type=positive, help="CPU threads (default: all); they don't change the result")
    add("--log-every", type=positive, metavar="N", help="also print the loss every N steps")
    add("--out", metavar="DIR", help="where results go (default: out/DATASET)")
    add("--save", metavar="FILE", help="the checkpoint (default: checkpoint.safetensors in --out)")
    add("--resume", metavar="FILE", help="continue from this checkpoint up to --epochs, with its options")
    return parser


def parse_options() -> tuple[argparse.Namespace, dict[str, Any]]:
    """The options, and the checkpoint to continue from (or {}). Its options count where the command line gives none."""
    parser = make_parser()
    options = parser.parse_args()
    checkpoint = {}
    if options.resume is not None:
        checkpoint = minitorch.load(options.resume)
        if not isinstance(checkpoint, dict) or not {"options", "progress", "model", "optimizer"} <= checkpoint.keys():
            raise ValueError(f"{options.resume} is no checkpoint of this script")
        saved = checkpoint["options"]
        parser.set_defaults(**saved)
        options = parser.parse_args()
        for name in ("dataset", "batch_size", "optimizer", "lr", "seed"):
            given = getattr(options, name)
            if given != saved[name]:
                option = "--" + name.replace("_", "-")
                parser.error(f"{options.resume} was trained with {option} {saved[name]}; it can't go on with {given}")
        done = checkpoint["progress"]["epoch"]
        if done >= options.epochs:
            parser.error(
                f"{options.resume} has {done} epochs already; --epochs counts them all: give {done + 1} or more"
            )
    for name, value in RECIPES[options.dataset].items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.cuda_graph and not options.device.startswith("cuda"):
        parser.error(f"--cuda-graph needs --device cuda, got {options.device}")
    options.lr = options.lr or OPTIMIZERS[options.optimizer][1]["lr"]
    options.out = options.out or str(Path("out", options.dataset))
    options.save = options.save or str(Path(options.out, "checkpoint.safetensors"))
    return options, checkpoint


# ---- data ------------------------------------------------------------------------------------------------------------


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


# ---- training --------------------------------------------------------------------------------------------------------


@dataclass
class Progress:
    """How far training has come, and what else is needed to continue to the bit."""

    epoch: int = 0  # epochs completed
    step: int = 0  # steps done in the epoch that is going on
    loss_sum: float = 0.0  # over the images of these steps
    seconds: float = 0.0  # spent on these steps
    shuffle_state: tuple[int, int] = (0, 0)  # of the generator, when the epoch began
    history: list[dict[str, float]] = field(default_factory=list)  # a row an epoch


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


class Step:
    """A training step: `step(images, labels)` gives the loss."""

    def __init__(self, model: nn.Module, optimizer: optim.Optimizer) -> None:
        self.model, self.optimizer = model, optimizer
        self.loss_fn = nn.CrossEntropyLoss()

    def __call__(self, images: minitorch.Tensor, labels: minitorch.Tensor) -> minitorch.Tensor:
        self.optimizer.zero_grad()
        loss = self.loss_fn(self.model(images), labels)
        loss.backward()
        self.optimizer.step()
        return loss  # type: ignore[no-any-return]


class GraphedStep(Step):
    """The same step as a CUDA graph, which is captured at the second batch and then replayed.

    The first batch is trained without it, which compiles the kernels. So is a batch of another size, as an epoch's last
    one often is: a graph has fixed shapes.
    """

    def __init__(self, model: nn.Module, optimizer: optim.Optimizer, batch_size: int) -> None:
        super().__init__(model, optimizer)
        self.batch_size = batch_size
        self.inputs: tuple[minitorch.Tensor, minitorch.Tensor] | None = None  # what the graph reads
        self.graph: minitorch.cuda.CUDAGraph | None = None

    def __call__(self, images: minitorch.Tensor, labels: minitorch.Tensor) -> minitorch.Tensor:
        if len(images) != self.batch_size:
            return super().__call__(images, labels)
        if self.inputs is None:
            self.inputs = images.clone(), labels.clone()
            return super().__call__(images, labels)
        self.inputs[0].copy_(images)
        self.inputs[1].copy_(labels)
        if self.graph is None:
            self.graph = minitorch.cuda.CUDAGraph()
            with minitorch.cuda.graph(self.graph, stream=minitorch.cuda.Stream(images.device)):
                self.loss = super().__call__(*self.inputs)
        self.graph.replay()
        return self.loss


def train_epoch(
    model: nn.Module,
    step: Step,
    loader: DataLoader,
    progress: Progress,
    options: argparse.Namespace,
    ctrl_c: CtrlC,
) -> bool:
    """Finishes the epoch that `progress` is in; returns False if Ctrl-C was pressed before its end."""
    images_in_all = len(loader.dataset)
    done = min(progress.step * options.batch_size, images_in_all)
    started = time.perf_counter() - progress.seconds
    model.train()
    loader.generator.set_state(progress.shuffle_state)
    bar = tqdm(
        total=images_in_all,
        initial=done,
        desc=f"epoch {progress.epoch + 1}",
        unit="img",
        leave=False,
        disable=None if sys.stdout.isatty() else True,  # None: unless stderr, where the bar is drawn, is a terminal too
    )
    with bar:
        for images, labels in islice(loader, progress.step, None):
            loss = step(images, labels).item()
            progress.step += 1
            progress.loss_sum += loss * len(labels)
            progress.seconds = time.perf_counter() - started
            bar.update(len(labels))
            bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
            if options.log_every and progress.step % options.log_every == 0:
                tqdm.write(f"epoch {progress.epoch + 1}  step {progress.step}/{len(loader)}  loss {loss:.6f}")
            if ctrl_c.pressed:
                return progress.step == len(loader)
    return True


def predict(model: nn.Module, dataset: TensorDataset) -> np.ndarray[Any, Any]:
    """The class that the model finds most likely, for every image."""
    model.eval()
    with minitorch.no_grad():
        answers = [model(images).argmax(1).numpy(force=True) for images, _ in DataLoader(dataset, batch_size=512)]
    return np.concatenate(answers)


def train(
    model: nn.Module,
    optimizer: optim.Optimizer,
    train_set: TensorDataset,
    test_set: TensorDataset,
    progress: Progress,
    options: argparse.Namespace,
) -> Progress:
    """Trains up to `options.epochs`, or to a Ctrl-C; writes metrics and a checkpoint an epoch."""
    shuffler = minitorch.Generator()
    loader = DataLoader(train_set, options.batch_size, shuffle=True, generator=shuffler)
    targets = test_set.tensors[1].numpy(force=True)
    step = GraphedStep(model, optimizer, options.batch_size) if options.cuda_graph else Step(model, optimizer)
    with CtrlC() as ctrl_c:
        while progress.epoch < options.epochs and not ctrl_c.pressed:
            if train_epoch(model, step, loader, progress, options, ctrl_c):
                row = {
                    "epoch": progress.epoch + 1,
                    "train_loss": progress.loss_sum / len(train_set),
                    "test_accuracy": float((predict(model, test_set) == targets).mean()),
                    "seconds": round(progress.seconds, 3),
                }
                print(
                    f"epoch {row['epoch']:2d}/{options.epochs}  train loss {row['train_loss']:.4f}  "
                    f"test accuracy {row['test_accuracy']:.2%}  {row['seconds']:.2f} s",
                    flush=True,
                )
                progress = Progress(row["epoch"], shuffle_state=shuffler.get_state(), history=[*progress.history, row])
                write_metrics(progress.history, Path(options.out, "metrics.csv"))
            minitorch.save(
                {
                    "options": {**vars(options), "resume": None},
                    "progress": asdict(progress),
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "rng_state": minitorch.get_rng_state(),
                },
                options.save,
            )
    return progress


# ---- results ---------------------------------------------------------------------------------------------------------


def write_metrics(history: list[dict[str, float]], path: Path) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(history)


def feature_maps(model: nn.Module, image: minitorch.Tensor) -> dict[str, minitorch.Tensor]:
    """What each convolution answers to one image (1, H, W), after ReLU."""
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


def report(
    model: nn.Module, test_set: TensorDataset, classes: list[str], progress: Progress, options: argparse.Namespace
) -> None:
    """Prints how well each class is recognised, and draws pictures."""
    images, targets = test_set.tensors
    confusion = metrics.confusion_matrix(targets, predict(model, test_set), len(classes))
    print(f"\n{metrics.classification_report(confusion, classes)}")
    print(f"\n{metrics.format_confusion_matrix(confusion, classes)}\n")

    name = f"LeNet-5 on {options.dataset}"
    epochs, losses, accuracies = ([row[key] for row in progress.history] for key in COLUMNS[:3])
    pictures = {
        "curves.png": viz.plot_curves(epochs, losses, accuracies, name),
        "confusion.png": viz.plot_confusion_matrix(
            confusion, classes, f"{name}: {metrics.accuracy(confusion):.2%} of {len(targets)} right"
        ),
        "filters.png": viz.plot_filters(model.conv1.weight, f"{name}: filters of conv1"),
        "features.png": viz.plot_feature_maps(
            images[0, 0], feature_maps(model, images[0]), f"{name}: what the layers see in a {classes[int(targets[0])]}"
        ),
    }
    for file, picture in pictures.items():
        picture.savefig(Path(options.out, file))
    print(f"In {options.out}: metrics.csv, {', '.join(pictures)}. The weights: {options.save}")


def main() -> int:
    try:
        options, checkpoint = parse_options()
        device = minitorch.zeros((), device=options.device).device  # before much else: it may not be there
        train_set, test_set, classes = load_images(options)
        Path(options.out).mkdir(parents=True, exist_ok=True)
        Path(options.save).parent.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError, ValueError) as error:
        print(f"train_lenet.py: {error}", file=sys.stderr)
        return 2
    if options.threads is not None:
        minitorch.set_num_threads(options.threads)
    print(f"{options.dataset}: {len(train_set)} images to learn from, {len(test_set)} held out; on {device}")

    minitorch.manual_seed(options.seed)
    model = LeNet5(num_classes=len(classes)).to(device)
    make_optimizer, arguments = OPTIMIZERS[options.optimizer]
    optimizer = make_optimizer(model.parameters(), **{**arguments, "lr": options.lr})
    progress = Progress(shuffle_state=minitorch.Generator().manual_seed(options.seed).get_state())
    if checkpoint:
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        minitorch.set_rng_state(checkpoint["rng_state"])
        progress = Progress(**checkpoint["progress"])
        print(f"continuing {options.resume} after {progress.epoch} epochs and {progress.step} steps")

    progress = train(model, optimizer, train_set, test_set, progress, options)
    if progress.epoch < options.epochs:
        print(f"Stopped after {progress.epoch} epochs and {progress.step} steps. To go on:")
        print("    " + shlex.join([sys.executable, sys.argv[0], "--resume", options.save]))
        return 130
    report(model, test_set, classes, progress, options)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
