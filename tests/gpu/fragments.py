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
        if line["outcome"] == "failed":
            step.check(line["test"].rpartition("::")[2], False, line["said"])
    passed = [line for line in ended if line["outcome"] == "passed"]
    said = f"{len(passed)} of {len(ended)} passed, pytest's status is {status}"
    if status == 0 and ended and not passed:
        step.skip(TESTS, ended[0]["said"])  # tensor cores of another kind
    else:
        step.check(TESTS, status == 0 and len(passed) == len(ended) > 0, said)
    return step.status()


if __name__ == "__main__":
    sys.exit(main())
