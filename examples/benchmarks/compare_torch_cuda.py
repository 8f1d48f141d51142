"""How fast is Minitorch beside PyTorch on a GPU? Training steps of LeNet-5 and AlexNet, and kernels one by one.

    python examples/benchmarks/compare_torch_cuda.py --torch-python /path/to/python/with/torch

Each framework runs in a process of its own; they measure in turns, and a line shows the medians over the rounds, and
the median of the rounds' ratios: Minitorch's time / PyTorch's, below 1 where Minitorch is faster. A training step is
timed by the clock, over as many steps as 0.1 s has room for; a kernel, between two events on the device. A kernel's
rate, in TFLOP/s or GB/s, counts only what can't be avoided (cuda_cases.py), and is shown as a share of the fastest
matrix product of PyTorch in that precision, or of a copy. Without PyTorch, Minitorch is measured alone.

The results go to results/<date>-<device>.json and .md beside this file, or to --out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cuda_cases import work
from cuda_report import as_text
from pairs import FRAMEWORKS, Worker, WorkerEnded, turns

PATIENCE = 90.0  # seconds that one measurement may take, with everything that is compiled for it
RESTARTS = 5  # of a framework's process, after errors that it can't survive


class Framework:
    """The process of one framework, started again where an error ended it."""

    def __init__(self, name: str, python: str, device: str, tiny: bool) -> None:
        command = [python, __file__, "--worker", name, "--device", device, *["--tiny"] * tiny]
        self.start = lambda: Worker(name, command, {}, PATIENCE)
        self.worker: Worker | None = None
        self.left = RESTARTS
        self.missing: str | None = None
        self.about: dict[str, Any] = {}
        self.restart()

    def described(self) -> dict[str, Any]:
        about = {key: value for key, value in self.about.items() if key != "cases"}
        return {**about, "missing": self.missing} if self.missing else about

    def restart(self) -> None:
        self.stop()
        try:
            self.worker = self.start()
            self.about = self.about or self.worker.about
            self.missing = self.worker.about.get("missing")
        except WorkerEnded as error:
            self.missing = str(error)

    def measure(self, case: str) -> dict[str, Any]:
        if self.worker is None or self.missing:
            return {"error": self.missing}
        try:
            answer: dict[str, Any] = self.worker.measure(case)
        except WorkerEnded as error:
            answer = {"error": str(error), "lost": True}
        if answer.pop("lost", False):
            self.left -= 1
            if self.left:
                self.restart()
            else:
                self.missing = f"{RESTARTS} errors ended its process, the last one with {answer['error']}"
        return answer

    def stop(self) -> None:
        if self.worker is not None:
            self.worker.stop()
        self.worker = None


def compare(frameworks: dict[str, Framework], case: str, rounds: int) -> dict[str, Any]:
    """For each framework that could measure it, the seconds of a case, a number a round; or what went wrong."""
    found: dict[str, Any] = {name: {"device": [], "clock": []} for name in frameworks}
    for i in range(rounds):
        for name in turns(i, tuple(frameworks)):
            if "error" not in found[name]:
                answer = frameworks[name].measure(case)
                if "error" in answer:
                    found[name] = answer
                else:
                    for key, seconds in answer.items():
                        found[name][key].append(seconds)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--torch-python", default=sys.executable, help="a Python with PyTorch (default: this one)")
    add("--rounds", type=int, default=5)
    add("--only", default="", metavar="REGEX", help="measure the cases in whose name this is found")
    add("--seconds", type=float, default=float("inf"), help="begin no case after so many seconds")
    add("--out", default=str(Path(__file__).with_name("results")), metavar="DIR", help="where the results go")
    add("--tiny", action="store_true", help="sizes at which the numbers mean nothing: to try whether everything runs")
    add("--torch-device", choices=("cuda", "cpu"), default="cuda", help=argparse.SUPPRESS)
    add("--device", choices=("cuda", "cpu"), default="cuda", help=argparse.SUPPRESS)
    add("--worker", choices=FRAMEWORKS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.device, options.tiny)
        return 0
    started = time.monotonic()
    frameworks = {
        "minitorch": Framework("minitorch", sys.executable, options.device, options.tiny),
        "torch": Framework("torch", options.torch_python, options.torch_device, options.tiny),
    }
    ours = frameworks["minitorch"]
    if ours.missing:
        print(f"compare_torch_cuda.py: Minitorch can't be measured: {ours.missing}", file=sys.stderr)
        return 2
    results = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "device": ours.about["device"],
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "rounds": options.rounds,
        "tiny": options.tiny,
        "frameworks": {name: framework.described() for name, framework in frameworks.items()},
        "cases": {},
        "left out": [],
    }
    stem = f"{results['date'][:10]}-{re.sub(r'[^a-z0-9]+', '-', results['device'].lower()).strip('-')}"
    path = Path(options.out, stem)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        for case, known in ours.about["cases"].items():
            if not re.search(options.only, case):
                continue
            if time.monotonic() - started > options.seconds:
                results["left out"].append(case)
                continue
            results["cases"][case] = {**known, **compare(frameworks, case, options.rounds)}
            # What there is so far, so that a run that is stopped leaves it.
            path.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    finally:
        for framework in frameworks.values():
            framework.stop()
    text = as_text(results)
    path.with_suffix(".md").write_text(text)
    print(text)
    print(f"In {path}.json and .md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
