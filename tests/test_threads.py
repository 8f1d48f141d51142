from __future__ import annotations

import pytest

import minitorch


@pytest.fixture(autouse=True)
def threads_as_before():
    before = minitorch.get_num_threads()
    yield
    minitorch.set_num_threads(before)


def test_the_number_of_threads_can_be_set():
    for n in (3, 1):
        minitorch.set_num_threads(n)
        assert minitorch.get_num_threads() == n


@pytest.mark.parametrize(("num", "error"), [(0, RuntimeError), (-1, RuntimeError), (1.5, TypeError), (True, TypeError)])
def test_numbers_of_threads_that_cannot_be(num, error):
    with pytest.raises(error, match="set_num_threads expects"):
        minitorch.set_num_threads(num)
