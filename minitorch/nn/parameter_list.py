"""ParameterList: a module that holds parameters in order."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, overload

from ..tensor import Tensor
from .module import Module
from .parameter import Parameter

L = TypeVar("L", bound="ParameterList")


class ParameterList(Module):
    """A list of parameters that the module which holds it knows; their names are their positions.

    Tensors that aren't parameters become some. Anything else may be in the list too, but isn't learnt or saved.

    >>> import minitorch
    >>> from minitorch import nn
    >>> factors = nn.ParameterList([minitorch.ones(2), minitorch.zeros(2, 3)])
    >>> factors.append(minitorch.tensor(1.5))
    ParameterList(
        (0): Parameter containing: [minitorch.float32 of size 2]
        (1): Parameter containing: [minitorch.float32 of size 2x3]
        (2): Parameter containing: [minitorch.float32 of size ]
    )
    >>> [name for name, _ in factors.named_parameters()]
    ['0', '1', '2']

    Raises:
        TypeError: made of what isn't iterable, or of one tensor.
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self: L, index: slice) -> L: ...
    @overload
    def __getitem__(self, index: int) -> Any: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(self[i] for i in range(*index.indices(len(self))))
        return getattr(self, self._name_at(index))

    def __setitem__(self, index: int, value: Any) -> None:
        if isinstance(value, Tensor) and not isinstance(value, Parameter):
            value = Parameter(value)
        setattr(self, self._name_at(index), value)

    def _name_at(self, index: int) -> str:
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return str(index % len(self))

    def __iadd__(self: L, values: Iterable[Any]) -> L:
        return self.extend(values)

    def append(self: L, value: Any) -> L:
        """Adds a value at the end; returns the list."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self: L, values: Iterable[Any]) -> L:
        """Adds values at the end; returns the list."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in tuple(values):
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return "\n".join(f"  ({i}): {_described(value)}" for i, value in enumerate(self))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterList should not be called.")


def _described(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    size = "x".join(map(str, value.shape))
    device = f" ({value.device})" if value.is_cuda else ""
    return f"Parameter containing: [{value.dtype} of size {size}{device}]"
