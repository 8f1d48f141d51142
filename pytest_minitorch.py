"""A plugin for pytest: says how many checks were skipped and why, so that nothing is left out in silence.

pytest loads it by itself where Minitorch is installed; ``-p no:minitorch`` turns it off. It speaks only at the end of
runs that imported Minitorch::

    ================================== not tested ==================================
    214 skipped: PyTorch is not installed
    1 skipped: no GPU
    215 skipped in all

It stands outside the package, as pytest imports plugins at every start, before coverage is measured, and importing a
module of the package would import the package.
"""

from __future__ import annotations

import sys
from collections import Counter

import pytest


class NotTested:
    """Counts the skipped tests of one run by reason."""

    def __init__(self) -> None:
        self.used_by_workers = False

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        # Under pytest-xdist the tests ran in workers. Their reports come to the one process that sums up, what they
        # imported doesn't.
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["minitorch"] = "minitorch" in sys.modules

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        self.used_by_workers |= getattr(node, "workeroutput", {}).get("minitorch", False)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not (self.used_by_workers or "minitorch" in sys.modules):
            return
        reasons: Counter[str] = Counter()
        for report in terminalreporter.stats.get("skipped", []):
            # (file, line, reason) of tests and modules that were skipped
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            reasons[reason.removeprefix("Skipped: ")] += 1
        terminalreporter.section("not tested")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count} skipped: {reason}")
        terminalreporter.line(f"{sum(reasons.values())} skipped in all")


def pytest_configure(config: pytest.Config) -> None:
    # Under one name however often this module is registered, so that everything is printed once.
    if not config.pluginmanager.has_plugin("minitorch-not-tested"):
        config.pluginmanager.register(NotTested(), "minitorch-not-tested")
