"""Trains LeNet-5 on MNIST with ``examples/train_lenet.py``, on the GPU, eagerly and as a captured graph: 98.8% right.

Left out where the data isn't: nothing is downloaded.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from minitorch.data import MNIST

from .step import Step, parser

PROJECT = Path(__file__).parents[2]
SCRIPT = PROJECT / "examples" / "train_lenet.py"
WANTED = 0.988


def learn(data_dir: str, device: str, graph: bool, epochs: int) -> tuple[list[dict[str, float]], str]:
    """The rows of metrics.csv, an epoch each, and what the script said last."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, str(SCRIPT), "--dataset", "mnist", "--data-dir", data_dir, "--device", device]
        command += ["--out", out, "--epochs", str(epochs), *["--cuda-graph"] * graph]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        metrics = Path(out, "metrics.csv")
        rows = list(csv.DictReader(metrics.open())) if metrics.exists() else []
        said = done.stderr.strip() if done.returncode else done.stdout.strip()
        return [{key: float(value) for key, value in row.items()} for row in rows], said[-1500:]


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--data-dir", default=os.environ.get("MINITORCH_MNIST", "data"), help="where MNIST is")
    arguments.add_argument("--device", default="cuda")
    arguments.add_argument("--epochs", type=int, default=6)
    arguments.add_argument("--wanted", type=float, default=WANTED, help="test accuracy after some epoch")
    options = arguments.parse_args()
    if options.rehearse:
        options.epochs, options.wanted = 1, 0.0
    step = Step("MNIST", options.out)
    try:
        MNIST(options.data_dir, train=False)
    except (OSError, RuntimeError, ValueError) as error:
        step.skip("LeNet-5", f"no data in {options.data_dir}: {str(error).splitlines()[0]}")
        return step.status()
    for way, graph in (("eager", False), ("as a CUDA graph", True)):
        rows, said = learn(options.data_dir, options.device, graph, options.epochs)
        best = max((row["test_accuracy"] for row in rows), default=0.0)
        last = f"{best:.2%} after at most {len(rows)} epochs of {rows[-1]['seconds']:.1f} s" if rows else said
        step.check(f"LeNet-5, {way}", bool(rows) and best >= options.wanted, last, epochs=rows)
    return step.status()


if __name__ == "__main__":
    sys.exit(main())
