"""The kernels of the other instruction sets that this machine has: the same tests, in a process of their own each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minitorch import _C

FILES = (
    "test_cpu_vs_reference",
    "test_threads",
    "test_gemm",
    "test_conv",
    "test_winograd",
    "test_pool",
    "test_elementwise",
    "test_loss",
    "test_norm",
    "test_optim_steps",
)


@pytest.mark.parametrize("isa", [isa for isa in ("avx512", "avx2", "neon", "baseline") if isa != _C.isa])
def test_every_other_instruction_set(isa):
    environment = {**os.environ, "MINITORCH_ISA": isa, "HYPOTHESIS_PROFILE": "quick"}

    def run(*command):
        return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)

    chosen = run("-c", "from minitorch import _C; print(_C.isa)")
    if "is not an instruction set of this machine" in chosen.stderr:
        pytest.skip(f"this machine has no {isa}")
    assert chosen.stdout.strip() == isa, chosen.stderr

    files = [str(Path(__file__).with_name(f"{name}.py")) for name in FILES]
    result = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    assert result.returncode == 0, result.stdout[-8000:]
