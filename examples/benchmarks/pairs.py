"""What the comparisons with PyTorch share: each framework in a process of its own, measured in turns.

The process of a framework prints one line about itself and then answers each case that it is asked for, usually a name
(:func:`serve`). The process that compares lets both measure alternately, so that whatever else the machine does meets
both. Every line is JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

FRAMEWORKS = ("minitorch", "torch")


def serve(about: dict[str, Any], measure: Callable[[Any], Any]) -> None:
    """Prints what there is, then answers each case that stdin names with what ``measure`` says of it."""
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(json.loads(line))), flush=True)


class WorkerEnded(RuntimeError):
    """The process of a framework ended before it answered."""


class Worker:
    """One framework in its own process, which runs ``command`` and serves.

    ``patience`` are the seconds that an answer may take: then the process is killed.
    """

    def __init__(
        self, framework: str, command: Sequence[str], environment: dict[str, str], patience: float | None = None
    ) -> None:
        self.framework, self.patience = framework, patience
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )
        self.about = self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        alarm = threading.Timer(self.patience or 0, self.process.kill)
        if self.patience:
            alarm.start()
        line = self.process.stdout.readline()
        alarm.cancel()
        if not line:
            raise WorkerEnded(f"the process of {self.framework} ended with {self.process.wait()}")
        return json.loads(line)

    def measure(self, case: Any) -> Any:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended: the answer will be missing
            print(json.dumps(case), file=self.process.stdin, flush=True)
        return self._answer()

    def stop(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def turns(i: int, frameworks: Sequence[str]) -> Sequence[str]:
    """Who measures first alternates from round to round."""
    return frameworks if i % 2 == 0 else frameworks[::-1]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """The median over the rounds of ours / theirs, and the quartiles around it."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return statistics.median(ratios), low, high
