"""Several processes: what they compute together, and how they end."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"


def checks_of(program):
    """The names of a program's checks: what its call of ``checks.run`` lists."""
    listed = (PROGRAMS / program).read_text().rpartition("checks.run(")[2]
    return re.findall(r"^ +(\w+),$", listed, re.MULTILINE)


@pytest.fixture(scope="module")
def held(start):
    """A function that gives the names of the checks that held in a program, run with so many ranks, and its errors."""
    results = {}

    def run(program, ranks):
        if (program, ranks) not in results:
            running = start(program, ranks=ranks)
            running.wait()
            results[program, ranks] = re.findall(r"^held: (\w+)$", running.output, re.MULTILINE), running.errors
        return results[program, ranks]

    return run


@pytest.mark.parametrize("ranks", [2, 3])
@pytest.mark.parametrize(
    ("program", "check"), [(p, check) for p in ("collectives.py", "data_parallel.py") for check in checks_of(p)]
)
def test_it_holds(held, program, check, ranks):
    names, errors = held(program, ranks)
    assert check in names, errors


def test_all_checks_are_listed():
    for program in ("collectives.py", "data_parallel.py"):
        text = (PROGRAMS / program).read_text()
        written = re.findall(r"^def (\w+)\(rank, size\):", text, re.MULTILINE)
        assert len(written) > 5
        assert written == checks_of(program)


# ---- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runner", [(), ("-m", "mpi4py")], ids=["plain", "mpi4py"])
def test_a_rank_that_raises_ends_the_others_with_its_error(start, runner):
    program = start("failing.py", "raise", runner=runner)
    assert program.wait() == 1
    assert "rank 1 of 2 failed, and ends the others:\nTraceback" in program.errors
    assert "LookupError: what rank 1 says" in program.errors
    assert "rank 0 of 2" not in program.errors


def test_sys_exit_ends_the_others_under_mpi4py(start):
    program = start("failing.py", "exit")
    assert program.wait() == 7


def test_a_rank_that_is_killed_ends_the_others(start):
    program = start("failing.py", "kill")
    assert program.wait() not in (0, 1)


def test_a_rank_that_does_not_come_is_waited_for_only_so_long(start):
    program = start("failing.py", "late")
    assert program.wait() == 1
    assert "RuntimeError: all_reduce: waited 1 s for the other ranks; every rank must call the same" in program.errors


def test_ctrl_c_ends_all(start):
    program = start("failing.py", "wait")
    assert program.process.stdout.readline() == "all are waiting\n"
    time.sleep(0.3)
    program.process.send_signal(signal.SIGINT)  # what a terminal sends; mpiexec passes it on, once
    assert program.wait() == 130
    assert "KeyboardInterrupt" in program.errors
