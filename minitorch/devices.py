"""Where a tensor lives: ``device("cpu")``, ``device("cuda")``, ``device("cuda:1")``.

CUDA computes on the *current* device of a thread. With several GPUs an operation therefore makes the one that its
tensors are on current while it runs: ``autograd.Function`` does so for what is written as a Function, and functions
with array code of their own say :func:`on_its_device` or ``with on(backend):``. With one GPU, or none, all of this is
one test of :data:`several`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# Whether this process sees more than one GPU. The CUDA backend sets it before there is a first array on any.
several = False

_TYPES = ("cpu", "cuda")


class device:
    """A kind of device and, for CUDA, its number.

    >>> import minitorch
    >>> minitorch.device("cuda:1")
    device(type='cuda', index=1)

    Raises:
        RuntimeError: the type is neither ``cpu`` nor ``cuda``, or the index is not a number.
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: str | device, index: int | None = None) -> None:
        # str(device("cuda:1")) is "cuda:1": a device is copied through its name.
        kind, colon, number = str(type).partition(":")
        if kind not in _TYPES:
            raise RuntimeError(f"device: expected one of {', '.join(_TYPES)}, got {type!r}")
        if colon:
            if index is not None:
                raise RuntimeError(f"device: the index is given twice, in {type!r} and as {index}")
            if not number.isdecimal():
                raise RuntimeError(f"device: expected a number after the colon, got {type!r}")
            index = int(number)
        self.type = kind
        self.index = index

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)


def elsewhere(values: Iterable[Any]) -> AbstractContextManager[Any] | None:
    """A context for the GPU that the first of ``values`` is on, or None where that one is current, or none is on a GPU.

    Tensors and backends count, also in a list or tuple; others are passed over.
    """
    for value in values:
        if isinstance(value, (list, tuple)):
            value = next((item for item in value if hasattr(item, "backend")), None)
        backend = getattr(value, "backend", value)
        if getattr(backend, "name", None) == "cuda":
            return backend.elsewhere()  # type: ignore[no-any-return]
    return None


_HERE = nullcontext()


def on(backend: Any) -> AbstractContextManager[Any]:
    """``with on(backend):`` array code of the backend's device may run."""
    return (several and backend.elsewhere()) or _HERE


def on_its_device(function: F) -> F:
    """Lets ``function`` run where the first tensor (or backend) among its arguments is: for array code outside a
    Function."""

    @functools.wraps(function)
    def there(*args: Any, **kwargs: Any) -> Any:
        if several:
            context = elsewhere((*args, *kwargs.values()))
            if context is not None:
                with context:
                    return function(*args, **kwargs)
        return function(*args, **kwargs)

    return there  # type: ignore[return-value]
