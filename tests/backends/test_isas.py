"""Runs the tests of the kernels once more for each instruction set of this machine that isn't its best."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minitorch import _C


@pytest.mark.parametrize("name", ["test_pool", "test_elementwise", "test_loss", "test_optim_steps"])
@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512", "neon"])
def test_every_instruction_set(isa, name):
    if isa == _C.isa:
        pytest.skip(f"{isa} is what the other tests ran on")
    environment = {**os.environ, "MINITORCH_ISA": isa}
    probe = [sys.executable, "-c", "from minitorch import _C; print(_C.isa)"]
    if subprocess.run(probe, env=environment, capture_output=True, check=False).returncode != 0:
        pytest.skip(f"this machine has no {isa}")
    path = Path(__file__).with_name(name + ".py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:]
