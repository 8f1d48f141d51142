"""Puts the stand-in for CuPy where ``import cupy`` finds it: device "cuda" is then a CPU that runs the CUDA sources."""

from __future__ import annotations

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
for path in (str(HERE), str(HERE / "standin")):
    if path not in sys.path:
        sys.path.insert(0, path)

import cupy  # noqa: E402

if not hasattr(cupy, "_state"):
    raise RuntimeError(f"the tests in {HERE} need the stand-in for CuPy, but {cupy.__file__} is imported already")


@pytest.fixture(params=["forward", "reversed", "shuffled"])
def thread_order(request, monkeypatch):
    """Runs a test with the threads of every block, and the blocks, in three orders."""
    monkeypatch.setattr(cupy._state, "thread_order", ("forward", "reversed", "shuffled").index(request.param))
