"""The tests of what only a GPU can confirm of its instructions, fragments' layout above all; reported by themselves."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .shard import read
from .step import Step, parser
from .suite import ENVIRONMENT

PROJECT = Path(__file__).parents[2]
TESTS = "tests/on_cuda/test_fragments.py"


def main() -> int:
    options = parser(__doc__).parse_args()
    step = Step("fragments", options.out)
    with tempfile.TemporaryDirectory() as folder:
        log = str(Path(folder, "log"))
        command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
        command += ["-p", "tests.gpu.shard", f"--log={log}", TESTS]
        status = subprocess.run(command, cwd=PROJECT, env={**os.environ, **ENVIRONMENT}).returncode
        ended = [line for line in read(log) if line["outcome"] != "begun"]
    for line in ended:
        step.check(line["test"].rpartition("::")[2], line["outcome"] == "passed", line["said"])
    if status or not ended:
        step.check(TESTS, False, f"pytest ended with status {status} after {len(ended)} tests")
    return step.status()


if __name__ == "__main__":
    sys.exit(main())
