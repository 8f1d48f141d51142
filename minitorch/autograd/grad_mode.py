"""What autograd knows of a thread: whether operations are recorded, as in PyTorch, and what waits for a pass's end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, overload

P = ParamSpec("P")
R = TypeVar("R")


class _State(threading.local):
    enabled = True
    at_the_end: list[Callable[[], None]] | None = None  # what the backward pass that is going on calls when it is done


state = _State()


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread.

    >>> import minitorch
    >>> with minitorch.no_grad():
    ...     print(minitorch.is_grad_enabled())
    False
    """
    return state.enabled


class _Mode:
    """A grad mode as a context manager and as a decorator."""

    mode: bool

    def __init__(self) -> None:
        self.previous: list[bool] = []  # a stack: one object may be entered more than once

    def __enter__(self) -> None:
        self.previous.append(state.enabled)
        state.enabled = self.mode

    def __exit__(self, *exc_info: Any) -> None:
        state.enabled = self.previous.pop()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        fresh = self.fresh

        @wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            with fresh():  # calls may overlap in several threads, which must not share one stack
                return function(*args, **kwargs)

        return wrapped

    def fresh(self) -> _Mode:
        """Another object that sets the same mode."""
        return type(self)()


class _Decorating(_Mode):
    # ``@no_grad`` and ``@no_grad()`` both work.
    @overload
    def __new__(cls, function: Callable[P, R]) -> Callable[P, R]: ...  # type: ignore[misc]
    @overload
    def __new__(cls) -> _Decorating: ...
    def __new__(cls, function: Any = None) -> Any:
        self = super().__new__(cls)
        if function is None:
            return self
        self.__init__()  # type: ignore[misc]
        return self(function)


class no_grad(_Decorating):
    """Records nothing inside: results have ``requires_grad=False``.

    >>> import minitorch
    >>> x = minitorch.ones(2, requires_grad=True)
    >>> with minitorch.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    mode = False


class enable_grad(_Decorating):
    """Records again inside a :class:`no_grad`.

    >>> import minitorch
    >>> x = minitorch.ones(2, requires_grad=True)
    >>> with minitorch.no_grad(), minitorch.enable_grad():
    ...     y = x * 2
    >>> y.requires_grad
    True
    """

    mode = True


class set_grad_enabled(_Mode):
    """Sets recording on or off: as a call from here on, as a context manager or a decorator inside.

    >>> import minitorch
    >>> with minitorch.set_grad_enabled(False):
    ...     print(minitorch.is_grad_enabled())
    False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.mode = mode
        self.before = state.enabled
        state.enabled = mode

    def __enter__(self) -> None:
        # The call has already set the mode; leaving restores what was before it.
        self.previous.append(self.before)
        state.enabled = self.mode

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        state.enabled = self.before  # set for the function alone
        return super().__call__(function)

    def fresh(self) -> set_grad_enabled:
        return set_grad_enabled(self.mode)
