"""Does training go the way it goes in PyTorch? LeNet-5 from PyTorch's initial weights, fed the same batches.

    python examples/benchmarks/loss_parity.py --torch-python /path/to/python/with/torch --data-dir data

Runs 200 steps of SGD with momentum on MNIST in both frameworks, each in its own process, in float64 and in float32, and
prints the largest relative differences of their losses. Ends with status 1 if the one in float64 exceeds 1e-4.

Float64 shows whether both compute the same. In float32 a rounding error of 1e-7 grows with every step, and where it
decides which of two pixels is the maximum of a pool, or whether a ReLU passes, it jumps: PyTorch leaves its own float64
losses in the same way, which the last line shows for comparison.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from networks import lenet5, load, step

BATCH_SIZE = 64
LIMIT = 1e-4


def run(framework: str, dtype: str, folder: Path, lr: float, threads: int) -> None:
    """Trains on the batches in `folder`, from the weights there, and writes the losses. PyTorch draws the weights."""
    fw = load(framework, threads)
    fw.manual_seed(0)
    model = lenet5(fw)
    weights = folder / "weights.npz"
    if not weights.exists():
        np.savez(weights, **{name: parameter.detach().numpy() for name, parameter in model.named_parameters()})
    with np.load(weights) as arrays:
        model.load_state_dict({name: fw.tensor(arrays[name]) for name in arrays.files})
    model = model.to(getattr(fw, dtype))
    optimizer = fw.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    loss_fn = fw.nn.CrossEntropyLoss()
    with np.load(folder / "batches.npz") as arrays:
        images, labels = arrays["images"].astype(dtype), arrays["labels"]
    losses = [
        step(model, loss_fn, optimizer, fw.from_numpy(batch), fw.from_numpy(target)).item()
        for batch, target in zip(images, labels, strict=True)
    ]
    np.save(folder / f"{framework}-{dtype}.npy", np.array(losses))


def write_batches(data_dir: str, steps: int, path: Path) -> None:
    """`steps` shuffled batches of MNIST: (steps, 64, 1, 32, 32), standardised, and their labels."""
    from minitorch import Generator
    from minitorch.data import MNIST, DataLoader

    dataset = MNIST(data_dir, download=True)
    loader = DataLoader(dataset, BATCH_SIZE, shuffle=True, drop_last=True, generator=Generator().manual_seed(0))
    images, labels = [], []
    while len(images) < steps:
        for batch, target in loader:
            images.append((np.pad(batch.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2))) - 0.1307) / 0.3081)
            labels.append(target.numpy())
            if len(images) == steps:
                break
    np.savez(path, images=np.stack(images).astype(np.float32), labels=np.stack(labels))


def print_differences(losses: dict[tuple[str, str], np.ndarray]) -> float:
    """Prints how the losses compare; returns the largest relative difference in float64."""
    steps = len(losses["torch", "float64"])
    columns = ("PyTorch float64", "Minitorch float64", "PyTorch float32", "Minitorch float32")
    print(" step" + "".join(f"{column:>19}" for column in columns))
    for i in sorted({0, *range(24, steps, 25), steps - 1}):
        row = [losses[framework, dtype][i] for dtype in ("float64", "float32") for framework in ("torch", "minitorch")]
        print("{:5d} {:18.14f} {:18.14f} {:18.8f} {:18.8f}".format(i + 1, *row))
    print(f"\nlargest relative difference in {steps} steps (and the first step where it exceeds {LIMIT:g}):")
    largest = {}
    for name, a, b in (
        ("Minitorch and PyTorch, float64", ("minitorch", "float64"), ("torch", "float64")),
        ("Minitorch and PyTorch, float32", ("minitorch", "float32"), ("torch", "float32")),
        ("Minitorch, float32 and float64", ("minitorch", "float32"), ("minitorch", "float64")),
        ("PyTorch, float32 and float64", ("torch", "float32"), ("torch", "float64")),
    ):
        difference = np.abs(losses[a] - losses[b]) / np.abs(losses[b])
        largest[name] = float(difference.max())
        beyond = np.flatnonzero(difference > LIMIT)
        print(f"  {name:32} {largest[name]:.1e}   ({beyond[0] + 1 if beyond.size else 'never'})")
    return largest["Minitorch and PyTorch, float64"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--torch-python", default=sys.executable, help="a Python with PyTorch (default: this one)")
    parser.add_argument("--data-dir", default="data", help="where MNIST's files are or go (default: data)")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        framework, dtype, folder = options.worker
        run(framework, dtype, Path(folder), options.lr, options.threads)
        return 0

    losses = {}
    with tempfile.TemporaryDirectory() as folder:
        write_batches(options.data_dir, options.steps, Path(folder, "batches.npz"))
        for framework, python in (("torch", options.torch_python), ("minitorch", sys.executable)):
            for dtype in ("float64", "float32"):
                command = [python, __file__, "--worker", framework, dtype, folder]
                command += ["--lr", str(options.lr), "--threads", str(options.threads)]
                subprocess.run(command, check=True)
                losses[framework, dtype] = np.load(Path(folder, f"{framework}-{dtype}.npy"))
    return int(not print_differences(losses) <= LIMIT)


if __name__ == "__main__":
    sys.exit(main())
