"""Whether operations are recorded: ``no_grad``, ``enable_grad``, ``set_grad_enabled``."""

from __future__ import annotations

import threading

import pytest

import minitorch
from minitorch import enable_grad, is_grad_enabled, no_grad, set_grad_enabled


@pytest.fixture
def x():
    return minitorch.ones(2, requires_grad=True)


def test_no_grad_records_nothing(x):
    with no_grad():
        assert not is_grad_enabled()
        y = x * 2
        leaf = minitorch.ones(1, requires_grad=True)
    assert is_grad_enabled()
    assert not y.requires_grad
    assert y.grad_fn is None
    assert leaf.requires_grad


def test_enable_grad_records_inside_no_grad(x):
    with no_grad():
        with enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad


def test_modes_nest_and_end_with_exceptions(x):
    with pytest.raises(KeyError), no_grad(), no_grad():
        raise KeyError
    assert is_grad_enabled()
    mode = no_grad()
    with mode, mode:
        assert not is_grad_enabled()
    assert is_grad_enabled()


@pytest.mark.parametrize("decorator", [no_grad, no_grad(), set_grad_enabled(True)])
def test_decorators(decorator):
    @decorator
    def double(x, *, times=2):
        "Doubles."
        return x * times, is_grad_enabled()

    assert double.__name__ == "double"
    assert double.__doc__ == "Doubles."
    assert is_grad_enabled()
    records = isinstance(decorator, set_grad_enabled)
    for _ in range(2):
        y, enabled = double(minitorch.ones(1, requires_grad=True), times=3)
        assert y.requires_grad is enabled is records
        assert y.item() == 3.0
    assert is_grad_enabled()


def test_set_grad_enabled_as_a_decorator_changes_nothing_outside():
    @set_grad_enabled(False)
    def recording():
        return is_grad_enabled()

    assert is_grad_enabled()
    assert recording() is False
    assert is_grad_enabled()
    with no_grad():
        assert recording() is False
        assert not is_grad_enabled()


def test_a_decorated_function_may_call_itself():
    @no_grad()
    def depth(n):
        return n if n == 5 else depth(n + 1)

    assert depth(0) == 5
    assert is_grad_enabled()


def test_a_decorated_method_gets_its_object():
    class Doubler:
        factor = 2

        @no_grad()
        def __call__(self, x):
            return x * self.factor

    assert not Doubler()(minitorch.ones(1, requires_grad=True)).requires_grad


def test_set_grad_enabled_is_a_call_and_a_context():
    set_grad_enabled(False)
    assert not is_grad_enabled()
    set_grad_enabled(True)
    assert is_grad_enabled()
    for mode in (False, True):
        with set_grad_enabled(mode):
            assert is_grad_enabled() is mode
            with set_grad_enabled(not mode):
                assert is_grad_enabled() is not mode
            assert is_grad_enabled() is mode
        assert is_grad_enabled()


def test_the_mode_belongs_to_the_thread():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_grad_enabled()))
        thread.start()
        thread.join()
        assert not is_grad_enabled()

    def leave_it_off():
        set_grad_enabled(False)
        seen.append(is_grad_enabled())

    thread = threading.Thread(target=leave_it_off)
    thread.start()
    thread.join()
    assert seen == [True, False]
    assert is_grad_enabled()


def test_one_decorated_function_in_many_threads():
    barrier, wrong = threading.Barrier(4), []

    @no_grad()
    def work():
        barrier.wait()
        wrong.extend(1 for _ in range(200) if is_grad_enabled())

    def run():
        work()
        if not is_grad_enabled():
            wrong.append(2)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_results_of_views_and_in_place_operations_under_no_grad(x):
    with no_grad():
        view = x[:1]
        x.mul_(3)
    assert not view.requires_grad
    assert view.tolist() == [3.0]
    assert x.requires_grad
    assert x.is_leaf
