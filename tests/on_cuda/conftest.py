"""Device "cuda" for these tests: a GPU where MINITORCH_TEST_GPU=1 says so, else a CPU that runs the CUDA sources.

For the latter ``import cupy`` finds the stand-in of ``tests/cuda_on_cpu``. Both can't be in one process, and neither
belongs into the process of the other tests: run this folder by itself, ``pytest tests/on_cuda tests/cuda_on_cpu``.
"""

from __future__ import annotations

import os
import pathlib
import sys

import pytest

ON_GPU = os.environ.get("MINITORCH_TEST_GPU", "0") not in ("", "0")
CUDA_ON_CPU = pathlib.Path(__file__).parents[1] / "cuda_on_cpu"

sys.path.insert(0, str(pathlib.Path(__file__).parent))
if not ON_GPU:
    sys.path[:0] = [str(CUDA_ON_CPU / "standin"), str(CUDA_ON_CPU)]

import cupy  # noqa: E402

if hasattr(cupy, "_state") == ON_GPU:
    raise RuntimeError(f"the tests in {pathlib.Path(__file__).parent} found the wrong CuPy: {cupy.__file__}")


@pytest.fixture(params=["as the GPU likes"] if ON_GPU else cupy._state.THREAD_ORDERS)
def thread_order(request, monkeypatch):
    """Runs a test with the threads of every block, and the blocks, in several orders; on a GPU once.

    In one of the orders arrays begin at a page that nobody may touch, otherwise they end there.
    """
    if not ON_GPU:
        monkeypatch.setattr(cupy._state, "thread_order", cupy._state.THREAD_ORDERS.index(request.param))
        monkeypatch.setattr(cupy._state, "guard", "before" if request.param == "reversed" else "behind")


@pytest.fixture(autouse=True)
def memory_is_intact():
    """After each test, nothing has been written beside the stand-in's arrays, nor into those that are gone."""
    yield
    if not ON_GPU:
        cupy._memory.check()
