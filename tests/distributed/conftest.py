"""Programs of several processes, started by the ``mpiexec`` beside this Python."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import minitorch
from minitorch import distributed

PROGRAMS = Path(__file__).parent / "programs"
LIMIT = 300  # seconds, after which a program hangs: it takes 5, but machines may be busy


def find_mpiexec():
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def environment():
    """This process's, without what would let the ranks compute in another way, or count as started by a launcher."""
    names = ("OMP_NUM_THREADS", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return {**kept, "PYTHONPATH": str(Path(minitorch.__file__).parents[1]), "PYTHONUNBUFFERED": "1"}


class Program:
    """A program that is running."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.output = self.errors = ""

    def wait(self, limit=LIMIT):
        """Its exit status; fails where it hangs."""
        try:
            self.output, self.errors = self.process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)  # mpiexec ends its processes
            self.output, self.errors = self.process.communicate(timeout=20)
            pytest.fail(f"after {limit} s it hadn't ended; it printed:\n{self.output}{self.errors}")
        return self.process.returncode


@pytest.fixture(scope="session")
def start():
    """Starts ``ranks`` processes of a program of this folder, or with a path of any; gives a :class:`Program`."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    mpiexec = find_mpiexec()
    if mpiexec is None:
        pytest.skip("there is no mpiexec")

    def run(program, *arguments, ranks=2, runner=("-m", "mpi4py")):
        return Program(
            [mpiexec, "-n", str(ranks), sys.executable, *runner, str(PROGRAMS / program), *map(str, arguments)]
        )

    return run


@pytest.fixture
def alone():
    """This process as a group of one."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    distributed.init_process_group()
    yield
    distributed.destroy_process_group()
