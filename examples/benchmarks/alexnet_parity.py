"""Does AlexNet train as in PyTorch, in no more memory? Full size, on photographs, from the same initial weights.

    python examples/benchmarks/alexnet_parity.py photos.zip/train --torch-python /path/to/python/with/torch

The photographs (an image folder, see ``minitorch.data.ImageFolder``) are resized to 224×224. Both frameworks, each in
its own process, take 20 steps of SGD with momentum on the same batches in float32, without dropout. Prints the losses,
their largest relative difference, and the peak memory of both processes; also what of that came after the import of the
framework, which alone takes six times as much memory in PyTorch. Ends with status 1 if the difference exceeds 1e-3 or
if Minitorch's process takes more memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from networks import alexnet, load, step

LIMIT = 1e-3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's


def run(framework: str, folder: Path, options: argparse.Namespace) -> None:
    """Trains on the batches in `folder`, from the weights there, and writes losses and memory. PyTorch draws those."""
    fw = load(framework, options.threads)
    imported = peak_memory()
    fw.manual_seed(0)
    model = alexnet(fw, options.width)
    parameters = dict(model.named_parameters())
    if framework == "torch":
        for name, parameter in parameters.items():
            np.save(folder / f"{name}.npy", parameter.detach().numpy())
    with fw.no_grad():
        for name, parameter in parameters.items():  # one by one: all of them twice would count as memory
            parameter.copy_(fw.from_numpy(np.load(folder / f"{name}.npy")))
    model.eval()  # without dropout; nothing else in AlexNet depends on it
    optimizer = fw.optim.SGD(model.parameters(), lr=options.lr, momentum=0.9)
    loss_fn = fw.nn.CrossEntropyLoss()
    losses = []
    for i in range(options.steps):
        with np.load(folder / f"batch{i}.npz") as arrays:
            images = arrays["images"].astype(np.float32)
            labels = fw.from_numpy(arrays["labels"])
        for channel, (mean, std) in enumerate(zip(MEAN, STD, strict=True)):
            images[:, channel] -= 255 * mean
            images[:, channel] /= 255 * std
        losses.append(step(model, loss_fn, optimizer, fw.from_numpy(images), labels).item())
    result = {"losses": losses, "imported": imported, "peak": peak_memory()}
    (folder / f"{framework}.json").write_text(json.dumps(result))


def peak_memory() -> int:
    """The most memory that this process has had resident so far, in bytes."""
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    # Linux lets ru_maxrss begin with that of the parent process; the high-water mark is this program's own.
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def write_batches(options: argparse.Namespace, folder: Path) -> None:
    """A file for each step: shuffled photographs as uint8 (N, 3, size, size), and their classes."""
    from minitorch import Generator
    from minitorch.data import DataLoader, ImageFolder
    from minitorch.data.transforms import Resize

    dataset = ImageFolder(options.images, transform=Resize((options.size, options.size)))
    loader = DataLoader(dataset, options.batch_size, shuffle=True, drop_last=True, generator=Generator().manual_seed(0))
    if not len(loader):
        raise SystemExit(f"{options.images} has {len(dataset)} images, too few for a batch of {options.batch_size}")
    print(f"{options.steps} steps of {options.batch_size} from {dataset}, {options.size}×{options.size}")
    written = 0
    while written < options.steps:
        for images, labels in loader:
            np.savez(folder / f"batch{written}.npz", images=images.numpy(), labels=labels.numpy())
            written += 1
            if written == options.steps:
                break


def compare(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Prints how the two compare; whether everything is as it should be."""
    print(" step     PyTorch   Minitorch  relative difference")
    a, b = np.array(ours["losses"]), np.array(theirs["losses"])
    differences = np.abs(a - b) / np.abs(b)
    for i, difference in enumerate(differences):
        print(f"{i + 1:5d} {b[i]:11.6f} {a[i]:11.6f}  {difference:.1e}")
    print(f"\nlargest relative difference: {differences.max():.1e} (at most {LIMIT:g} is expected)\n")
    print("peak memory, MiB              PyTorch  Minitorch")
    for name, since in (("the process", 0), ("more than after the import", 1)):
        mine, other = ((result["peak"] - since * result["imported"]) / 2**20 for result in (ours, theirs))
        print(f"  {name:26} {other:8.0f} {mine:10.0f}")
    return bool(differences.max() <= LIMIT) and ours["peak"] <= theirs["peak"]  # NaN is no success either


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("images", help="an image folder, or archive.zip/folder")
    parser.add_argument("--torch-python", default=sys.executable, help="a Python with PyTorch (default: this one)")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, default=224, help="of the images (default: 224; at least 63)")
    parser.add_argument("--width", type=int, default=4096, help="of the hidden layers (default: 4096)")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        framework, folder = options.worker
        run(framework, Path(folder), options)
        return 0

    results = {}
    with tempfile.TemporaryDirectory() as folder:
        write_batches(options, Path(folder))
        for framework, python in (("torch", options.torch_python), ("minitorch", sys.executable)):
            command = [python, __file__, *sys.argv[1:], "--worker", framework, folder]
            subprocess.run(command, check=True)
            results[framework] = json.loads(Path(folder, f"{framework}.json").read_text())
    return int(not compare(results["minitorch"], results["torch"]))


if __name__ == "__main__":
    sys.exit(main())
