"""Hypothesis profiles, and a count of what was not tested."""

from __future__ import annotations

import os
from collections import Counter

import hypothesis
import pytest

# An example may be slow the first time (imports, page faults): no deadline. Under CI the examples are the same every
# time. HYPOTHESIS_PROFILE=long searches much further, with fresh random examples; quick is for the runs under other
# instruction sets.
hypothesis.settings.register_profile("default", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=20, derandomize=True)
hypothesis.settings.register_profile("long", deadline=None, max_examples=2000, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests were skipped for each reason, so that nothing is left out in silence."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] += 1
    terminalreporter.section("not tested")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count} skipped: {reason}")
    terminalreporter.line(f"{sum(reasons.values())} skipped in all")
