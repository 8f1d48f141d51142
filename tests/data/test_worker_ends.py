"""However a program that loads data ends: nothing is left behind, nothing hangs, and the worker's noise stays away.

Each test runs a program of its own, in a session of its own, and looks for what is left of that session.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minitorch

LIMIT = 60  # seconds, on a machine that is busy
KINDS = ["none", "threads", "fork", "spawn", "forkserver"]

PROGRAM = """
import gc, multiprocessing, os, signal, sys, time
import loading
from minitorch.data import DataLoader

KINDS = {
    "none": {},
    "threads": {"num_workers": 2},
    **{name: {"num_workers": 2, "multiprocessing_context": name} for name in ("fork", "spawn", "forkserver")},
}

def say(text):
    print(text, flush=True)

def loader(make=loading.worker, n=1000, **arguments):
    return DataLoader(loading.Made(n, make), 2, **KINDS[sys.argv[1]], **arguments)

def main():
"""


class Program:
    """A program, with ``main`` as its body."""

    def __init__(self, tmp_path: Path, kind: str, main: str) -> None:
        path = tmp_path / "program.py"
        body = "\n".join("    " + line for line in main.strip().splitlines())
        path.write_text(f'{PROGRAM}{body}\n\nif __name__ == "__main__":\n    main()\n')
        # Where loading.py is, and the Minitorch that is tested here.
        folders = [Path(__file__).parents[1], Path(minitorch.__file__).parents[1], os.environ.get("PYTHONPATH", "")]
        paths = map(str, folders)
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore::DeprecationWarning", str(path), kind],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def waits_until_it_says(self, word: str) -> None:
        line = self.process.stdout.readline().strip()
        assert line == word, f"{line!r}, {self.process.stderr.read()}"

    def signal_all(self, number: int) -> None:
        """As the terminal does for Ctrl-C."""
        os.killpg(self.process.pid, number)

    def ends(self) -> tuple[int, str, str]:
        """Exit code, output and errors of the program; after that, none of its processes is left."""
        try:
            out, err = self.process.communicate(timeout=LIMIT)
            self.leaves_nobody()
            return self.process.returncode, out, err
        finally:
            self.__exit__()

    def leaves_nobody(self) -> None:
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return
            assert time.monotonic() < deadline, "a process is left behind"
            time.sleep(0.02)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()


# ---- ends that make no noise -----------------------------------------------------------------------------------------

NO_CHILDREN = """
try:
    os.waitpid(-1, os.WNOHANG)
    say("there is a child")
except ChildProcessError:
    pass
"""

QUIET = {
    "to the end": "for batch in loader(n=20): pass\n" + NO_CHILDREN,
    "left early": "for batch in loader(): break\n" + NO_CHILDREN,
    "dropped": "batches = iter(loader())\nnext(batches)\ndel batches\n" + NO_CHILDREN,
    "dropped before the first batch": "batches = iter(loader())\ndel batches\n" + NO_CHILDREN,
    "an exception in the loop": (
        "try:\n    for batch in loader(): raise LookupError\nexcept LookupError: pass\n" + NO_CHILDREN
    ),
    "in a cycle": (
        "class Cycle: pass\nc = Cycle(); c.c = c; c.batches = iter(loader()); next(c.batches)\ndel c\ngc.collect()\n"
        + NO_CHILDREN
    ),
    "the program ends meanwhile": "global batches\nbatches = iter(loader())\nnext(batches)",
    "sys.exit in the loop": "for batch in loader(): sys.exit(0)",
    "workers that persist": "global it\nit = loader(n=20, persistent_workers=True)\nfor batch in it: pass",
    "two loaders": "for batch, other in zip(loader(n=20), loader(n=12)): pass\n" + NO_CHILDREN,
    "a fork that drops its copy": (
        "global batches\nbatches = iter(loader(n=20))\nnext(batches)\n"
        "child = multiprocessing.get_context('fork').Process(target=lambda: globals().pop('batches') and None)\n"
        "child.start(); child.join()\n"
        "say(child.exitcode)\nsay(len(list(batches)))"
    ),
}


# Processes that are spawned take a second to start, so only two of the ends are tried with them. Other children than
# workers are theirs: a server, and a tracker of resources that nobody uses.
CASES = [(kind, end) for kind in ("threads", "fork") for end in QUIET]
CASES += [(kind, end) for kind in ("spawn", "forkserver") for end in ("left early", "the program ends meanwhile")]


@pytest.mark.parametrize(("kind", "end"), CASES)
def test_a_quiet_end(kind, end, tmp_path):
    main = QUIET[end] if kind in ("threads", "fork") else QUIET[end].replace(NO_CHILDREN, "")
    with Program(tmp_path, kind, main) as program:
        code, out, err = program.ends()
    assert (code, out, err) == (0, "0\n9\n" if end == "a fork that drops its copy" else "", "")


def test_the_end_of_the_program_does_not_wait_for_what_hangs(tmp_path):
    started = time.monotonic()
    with Program(tmp_path, "threads", "global b\nb = iter(loader(lambda i: time.sleep(1000)))") as program:
        code, _, err = program.ends()
    assert (code, err) == (0, "")
    assert time.monotonic() - started < LIMIT


# ---- signals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_in_the_loop(kind, tmp_path):
    main = "for i, batch in enumerate(loader(abs, n=10**6)):\n    if i == 3: say('ready')"
    with Program(tmp_path, kind, main) as program:
        program.waits_until_it_says("ready")
        program.signal_all(signal.SIGINT)
        code, _, err = program.ends()
    assert code == -signal.SIGINT
    assert err.count("Traceback") == 1, err
    assert err.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.parametrize("kind", ["fork", "spawn", "forkserver"])
def test_ctrl_c_while_workers_start(kind, tmp_path):
    main = "say('ready')\nfor batch in loader(n=10**6): pass"
    with Program(tmp_path, kind, main) as program:
        program.waits_until_it_says("ready")
        time.sleep(0.3)
        program.signal_all(signal.SIGINT)
        code, _, err = program.ends()
    assert code == -signal.SIGINT
    assert err.count("Traceback") == 1, err


def test_ctrl_c_that_the_program_handles_leaves_the_workers_alone(tmp_path):
    main = """
pressed = []
signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
for i, batch in enumerate(loader(n=400)):
    if i == 3:
        say("ready")
        while not pressed: time.sleep(0.01)
say(i)
"""
    with Program(tmp_path, "fork", main) as program:
        program.waits_until_it_says("ready")
        program.signal_all(signal.SIGINT)
        assert program.ends() == (0, "199\n", "")


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("fork", signal.SIGKILL),
        ("fork", signal.SIGTERM),
        ("spawn", signal.SIGKILL),
        ("forkserver", signal.SIGKILL),
    ],
)
def test_workers_end_with_a_program_that_is_killed(kind, number, tmp_path):
    main = """
for i, batches in enumerate(zip(loader(n=10**6, persistent_workers=True), loader(loading.odd_arrays, n=10**6))):
    if i == 3: say("ready")
"""
    with Program(tmp_path, kind, main) as program:
        program.waits_until_it_says("ready")
        program.process.send_signal(number)
        assert program.process.wait(LIMIT) == -number
        program.leaves_nobody()


@pytest.mark.parametrize(("kind", "make"), [("fork", "killed"), ("spawn", "leaves"), ("forkserver", "killed")])
def test_a_worker_that_dies_ends_the_program_with_its_pid(kind, make, tmp_path):
    with Program(tmp_path, kind, f"for batch in loader(loading.{make}): pass") as program:
        code, _, err = program.ends()
    assert code == 1
    assert err.count("Traceback") == 1, err
    how = "was killed by signal 9 (Killed)" if make == "killed" else "exited unexpectedly with exit code 3"
    assert "RuntimeError: DataLoader worker (pid " in err.splitlines()[-1]
    assert how in err.splitlines()[-1]


@pytest.mark.parametrize("kind", ["threads", "fork"])
def test_an_exception_in_a_worker_is_printed_once_with_its_traceback(kind, tmp_path):
    with Program(tmp_path, kind, "for batch in loader(loading.not_found): pass") as program:
        code, _, err = program.ends()
    assert code == 1
    assert err.count("in not_found") == 1, err
    assert err.rstrip().endswith("FileNotFoundError: [Errno 2] there is no such picture: '9.jpg'")
