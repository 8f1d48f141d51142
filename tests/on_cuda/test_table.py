"""The table of operations on device "cuda": the backend's own host code and kernels, on a CPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ops_table import TABLE

from minitorch.backends.cuda import conv
from minitorch.testing.suite import CHECKS, cases

CHECKED = [
    pytest.param(replace(op, device="cuda"), check, id=f"{op.name}-{check.name.replace(' ', '-')}")
    for check in CHECKS
    for op in TABLE
    if check.applies(op)
]


@pytest.mark.parametrize(("op", "check"), CHECKED)
def test_check(op, check, monkeypatch):
    monkeypatch.setattr(conv, "fp32_precision", "ieee")  # by default it is TensorFloat-32, which has three digits
    check.search(op)


@pytest.mark.parametrize("op", [op for op in TABLE if op.name.startswith("conv")], ids=lambda op: op.name)
@given(data=st.data())
def test_convolutions_in_tensorfloat32(op, data):
    """By default they lose digits, but not more than that: all of a result together has three."""
    case = data.draw(cases(op, np.float32))
    there = replace(op, device="cuda")
    for found, wanted in zip(there.run(case, there.leaves(case)), op.expected(case), strict=True):
        error = np.linalg.norm(found.detach().cpu().numpy() - wanted)
        assert error <= 1e-3 * np.linalg.norm(wanted)
