"""The table of operations on device "cuda": the backend's own host code and kernels, on a CPU."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ops_table import TABLE

from minitorch.testing.suite import CHECKS

CHECKED = [
    pytest.param(replace(op, device="cuda"), check, id=f"{op.name}-{check.name.replace(' ', '-')}")
    for check in CHECKS
    for op in TABLE
    if check.applies(op)
]


@pytest.mark.parametrize(("op", "check"), CHECKED)
def test_check(op, check):
    check.search(op)
