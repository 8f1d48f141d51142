"""The same stand-in for CuPy as in ``tests/on_cuda``, whose conftest says how."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from on_cuda.conftest import memory_is_intact, thread_order  # noqa: F401
