"""Runs every kernel once under compute-sanitizer: memcheck (accesses outside arrays) and racecheck (shared memory).

Several processes share the kernels, because instrumented code is slow to load. Left out where the tool isn't installed,
or doesn't support the machine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .step import Step, parser

PROJECT = Path(__file__).parents[2]
TOOLS = ("memcheck", "racecheck")
UNSUPPORTED = ("Device not supported", "Unable to find the injection", "is not supported on this")
ERROR = 86  # the exit status that is asked of compute-sanitizer where it finds something


def find() -> str | None:
    """compute-sanitizer's path: on PATH, or where CUDA's toolkit is installed as usual."""
    return shutil.which("compute-sanitizer") or shutil.which("/usr/local/cuda/bin/compute-sanitizer")


def start(sanitizer: str, tool: str, shard: str, rehearse: bool) -> subprocess.Popen[str]:
    command = [
        sanitizer,
        "--tool",
        tool,
        "--error-exitcode",
        str(ERROR),
        "--launch-timeout",
        "0",
        "--print-limit",
        "20",
    ]
    command += [sys.executable, "-m", "tests.gpu.every_kernel", "--shard", shard, *["--rehearse"] * rehearse]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process: subprocess.Popen[str], end: float) -> tuple[int | None, str]:
    """The exit status, None for a process that isn't ready at the time ``end``, and what was printed."""
    try:
        output, _ = process.communicate(timeout=max(1.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        return None, output
    return process.returncode, output


def judge(step: Step, what: str, status: int | None, output: str) -> None:
    """Adds what one process printed."""
    launches = re.search(r"launches: ok: (\d+) of", output)
    # memcheck counts errors; racecheck hazards, of which some are errors and others, only possible, warnings.
    summary = re.findall(r"ERROR SUMMARY: (\d+) error|RACECHECK SUMMARY: \d+ hazards? displayed \((\d+) error", output)
    found = sum(int(number or 0) for pair in summary for number in pair)
    if any(words in output for words in UNSUPPORTED):
        step.skip(what, f"compute-sanitizer doesn't support this machine: {output[-300:].strip()}")
    elif status is None:
        step.skip(what, f"not ready in time; {output.count('========= ')} lines of findings until then")
    elif status == 0 and launches and summary and not found:
        step.check(what, True, f"{launches[1]} kernels")
    else:
        begun = re.search(r"^=========(?! COMPUTE-SANITIZER).*", output, re.MULTILINE)
        first = output[max(0, begun.start() - 100) :][:2500] if begun else output[-2500:]
        step.check(what, False, f"status {status}, {found} errors: {first}")


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--processes", type=int, default=2, help="for each tool")
    arguments.add_argument("--seconds", type=float, default=150, help="after which what still runs is stopped")
    options = arguments.parse_args()
    step = Step("sanitizer", options.out)
    sanitizer = find()
    if sanitizer is None:
        step.skip("compute-sanitizer", "it is not installed")
        return step.status()
    end = time.monotonic() + options.seconds
    started = {
        f"{tool}, part {number + 1} of {options.processes}": start(
            sanitizer, tool, f"{number}/{options.processes}", options.rehearse
        )
        for tool in TOOLS
        for number in range(options.processes)
    }
    for what, process in started.items():
        judge(step, what, *finish(process, end))
    return step.status()


if __name__ == "__main__":
    sys.exit(main())
