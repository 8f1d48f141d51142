"""A pytest plugin that lets several processes share a suite, and go on after what ends one of them.

``--shard I/N`` runs every N-th test, the I-th first, so that neighbours, which take equally long, go to different
processes. ``--log FILE`` appends a line of JSON as each test begins and ends; tests that the file names already aren't
run again. After an error from which a process never recovers its GPU, the process ends, to be started again.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

LOST = 77  # exit status: the GPU doesn't answer this process any more


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--shard", default="0/1", metavar="I/N", help="run every N-th test, the I-th first (from 0)")
    parser.addoption("--log", metavar="FILE", help="append what happens as JSON; leave out tests that are named there")


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    number, _, count = config.getoption("--shard").partition("/")
    done = {line["test"] for line in read(config.getoption("--log"))}
    chosen = [item for item in items[int(number) :: int(count)] if item.nodeid not in done]
    left = set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item not in left])
    items[:] = chosen


def pytest_configure(config: Any) -> None:
    if config.getoption("--log"):
        config.pluginmanager.register(Log(Path(config.getoption("--log"))))


class Log:
    """Writes the lines."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, **line: Any) -> None:
        with open(self.path, "a") as file:
            file.write(json.dumps(line) + "\n")

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.write(test=report.nodeid, outcome="failed", seconds=0, said=reason(report))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.write(test=nodeid, outcome="begun", at=time.time())

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            said = "" if report.outcome == "passed" else reason(report)
            self.write(test=report.nodeid, outcome=report.outcome, seconds=report.duration, said=said)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: Any) -> None:
        if gpu_is_lost():
            pytest.exit(f"the GPU is lost to this process since {item.nodeid}", returncode=LOST)


def reason(report: Any) -> str:
    """Why a test failed or was skipped, in a line."""
    if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr)[-600:]


def gpu_is_lost() -> bool:
    cupy = sys.modules.get("cupy")
    if not hasattr(cupy, "cuda"):
        return False
    try:
        cupy.cuda.runtime.deviceSynchronize()
    except cupy.cuda.runtime.CUDARuntimeError:
        return True
    return False


def read(log: str | None) -> list[dict[str, Any]]:
    """The lines of a log, [] if there is none; one that was cut off by the end of the process is left out."""
    if log is None or not Path(log).exists():
        return []
    return [json.loads(line) for line in Path(log).read_text().splitlines() if line.endswith("}")]
