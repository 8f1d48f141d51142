"""What the tests of the CPU kernels share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from minitorch import _C


@pytest.fixture
def same_for_any_threads() -> Iterator[Callable[[Callable[[], Any]], None]]:
    """A function that asserts that what it is given returns the same bits with one, two and three threads."""
    before = _C.get_num_threads()

    def check(compute: Callable[[], Any]) -> None:
        bits = []
        for threads in (1, 2, 3):
            _C.set_num_threads(threads)
            bits.append([array.tobytes() for array in compute()])
        assert bits[0] == bits[1] == bits[2]

    yield check
    _C.set_num_threads(before)
