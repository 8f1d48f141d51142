"""Runs the tests of device "cuda" on the GPU, and beside them those of the rest that a GPU might disturb.

Processes share the tests (``tests/gpu/shard.py``). One that ends before its tests do, as after an illegal access, is
started again with the tests that are left.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .shard import read
from .step import Step, parser

PROJECT = Path(__file__).parents[2]
ON_CUDA = ["tests/on_cuda"]
BESIDE = ["tests/backends", "tests/autograd", "tests/models", "tests/test_docs.py", "tests/test_architecture.py"]
RESTARTS = 4  # of a process
SHOWN = 20  # failures that are described
PYTESTS = range(6)  # its own statuses: any other is that of a process that was ended from outside
READY = (0, 1, 5)  # pytest's status where all passed, some failed, none was left
LONG = 60.0  # seconds after which a test that is stopped counts as hanging
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "HYPOTHESIS_PROFILE": "quick",
    # CuPy's own reductions by CUB take seconds each to compile, and here hundreds would be; its plain ones do as well.
    "CUPY_ACCELERATORS": "",
    # What plugins of other projects warn of would fail these tests.
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}


@dataclass
class Shard:
    """A process of pytest, with its log."""

    tests: list[str]
    number: int
    count: int
    folder: Path
    environment: dict[str, str]
    starts: int = 0
    process: Any = None
    statuses: list[int] = field(default_factory=list)
    stopped_at: float | None = None

    @property
    def log(self) -> Path:
        return self.folder / f"{Path(self.tests[0]).stem}-{self.number}.jsonl"

    @property
    def output(self) -> Path:
        return self.log.with_suffix(".txt")

    def start(self) -> None:
        self.starts += 1
        command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
        command += [
            "--continue-on-collection-errors",
            "-p",
            "tests.gpu.shard",
            f"--shard={self.number}/{self.count}",
            f"--log={self.log}",
            *self.tests,
        ]
        with open(self.output, "a") as output:
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env={**os.environ, **self.environment}, stdout=output, stderr=subprocess.STDOUT
            )

    def going(self) -> bool:
        """Whether it still runs; starts it again if it ended before its tests did."""
        status = self.process.poll()
        if status is None:
            return True
        self.statuses.append(status)
        if status in PYTESTS or self.starts > RESTARTS:
            return False
        self.start()
        return True


def run(shards: list[Shard], seconds: float) -> None:
    """Runs all at once, and stops what isn't ready in time."""
    end = time.monotonic() + seconds
    for shard in shards:
        shard.start()
    left = list(shards)
    while left and time.monotonic() < end:
        time.sleep(0.2)
        left = [shard for shard in left if shard.going()]
    for shard in left:
        shard.stopped_at = time.time()
        shard.process.kill()
        shard.process.wait()


def ends(shard: Shard) -> dict[str, dict[str, Any]]:
    """How each test of a process ended, by its name: the last line of the log that is about it, or its failure.

    The one that was going on when the process was stopped doesn't count, unless it had for long.
    """
    last: dict[str, dict[str, Any]] = {}
    for line in read(str(shard.log)):
        if last.get(line["test"], {}).get("outcome") != "failed":
            last[line["test"]] = {"said": "it began and didn't end", **line}
    stopped = shard.stopped_at or float("inf")
    return {
        name: line
        for name, line in last.items()
        if line["outcome"] != "begun" or not stopped - LONG < line["at"] < stopped
    }


def judge(step: Step, what: str, shards: list[Shard]) -> None:
    """Adds what the logs of some processes say."""
    lines = list({test: {**line, "process": s.number} for s in shards for test, line in ends(s).items()}.values())
    failed = [line for line in lines if line["outcome"] in ("failed", "begun")]
    for line in failed[:SHOWN]:
        step.check(line["test"], False, f"{line['said']} (process {line['process']})")
    for shard in shards:
        if shard.stopped_at is None and shard.statuses[-1] not in READY:
            step.check(f"{what}, process {shard.number}", False, f"it ended with {shard.statuses}")
        if any(line["process"] == shard.number for line in failed) or shard.statuses[-1:] != [0]:
            print(f"---- process {shard.number}:\n{shard.output.read_text()[-20_000:]}")
    stopped = sum(shard.stopped_at is not None for shard in shards)
    if stopped:
        step.skip(what, f"{stopped} of {len(shards)} processes weren't ready in time")
    outcomes = Counter(line["outcome"] for line in lines)
    step.check(
        what,
        outcomes["passed"] > 0 and not failed,
        f"{outcomes['passed']} passed, {len(failed)} failed, {outcomes['skipped']} skipped",
        skipped=dict(Counter(line["said"] for line in lines if line["outcome"] == "skipped")),
        slowest={line["test"]: line.get("seconds") for line in sorted(lines, key=lambda x: -x.get("seconds", 0))[:10]},
    )


def main() -> int:
    arguments = parser(__doc__)
    cores = os.cpu_count() or 1
    arguments.add_argument("--processes", type=int, default=max(1, cores - 4), help="for the tests on the GPU")
    arguments.add_argument("--beside", type=int, default=min(4, cores), help="processes for the other tests")
    arguments.add_argument("--seconds", type=float, default=240, help="after which what still runs is stopped")
    arguments.add_argument("--tests", nargs="+", default=ON_CUDA, metavar="PATH", help="those on the GPU")
    options = arguments.parse_args()
    step = Step("suite", options.out)
    on_cuda, beside = options.tests, BESIDE
    if options.rehearse:
        on_cuda, beside = ["tests/on_cuda/test_elementwise.py"], ["tests/test_architecture.py"]
    with tempfile.TemporaryDirectory() as folder:

        def shards(tests: list[str], count: int, **environment: str) -> list[Shard]:
            return [
                Shard(tests, number, count, Path(folder), {**ENVIRONMENT, **environment}) for number in range(count)
            ]

        there, others = shards(on_cuda, options.processes), shards(beside, options.beside, MINITORCH_TEST_GPU="0")
        run([*there, *others], options.seconds)
        judge(step, "tests on device cuda", there)
        judge(step, "tests beside them", others)
    return step.status()


if __name__ == "__main__":
    sys.exit(main())
