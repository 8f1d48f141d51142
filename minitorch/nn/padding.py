"""Layers that pad: (C, W) or (N, C, W) in one dimension, (C, H, W) or (N, C, H, W) in two.

``padding`` is an int for every side, or (left, right), or (left, right, top, bottom); negative numbers crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..tensor import Tensor
from . import functional as F
from .module import Module


class _Pad(Module):
    """What the layers share: the number of dimensions that they pad, and how."""

    dims: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self.dims) if isinstance(padding, int) else tuple(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Pads the last dimension with ``value``.

    >>> import minitorch
    >>> minitorch.nn.ConstantPad1d((2, 1), 7)(minitorch.tensor([[1, 2]]))
    tensor([[7, 7, 1, 2, 7]])
    """

    dims = 1


class ConstantPad2d(_ConstantPad):
    """Pads the last two dimensions with ``value``.

    >>> import minitorch
    >>> minitorch.nn.ConstantPad2d((0, 1, 1, 0), 7)(minitorch.tensor([[[1, 2]]]))
    tensor([[[7, 7, 7],
             [1, 2, 7]]])
    """

    dims = 2


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """Pads the last dimension with zeros.

    >>> import minitorch
    >>> minitorch.nn.ZeroPad1d((2, 1))(minitorch.tensor([[1, 2]]))
    tensor([[0, 0, 1, 2, 0]])
    """

    dims = 1


class ZeroPad2d(_ZeroPad):
    """Pads the last two dimensions with zeros.

    >>> import minitorch
    >>> minitorch.nn.ZeroPad2d((1, 0, 0, 1))(minitorch.ones(1, 1, 2))
    tensor([[[0., 1., 1.],
             [0., 0., 0.]]])
    """

    dims = 2


class ReflectionPad1d(_Pad):
    """Pads the last dimension with its elements, mirrored at the outermost ones: a b c becomes c b a b c b a.

    >>> import minitorch
    >>> minitorch.nn.ReflectionPad1d(2)(minitorch.tensor([[1, 2, 3]]))
    tensor([[3, 2, 1, 2, 3, 2, 1]])

    Raises:
        RuntimeError: in the call, where the padding isn't below the size of the dimension.
    """

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Pads the last two dimensions with their elements, mirrored at the outermost ones.

    >>> import minitorch
    >>> minitorch.nn.ReflectionPad2d(1)(minitorch.tensor([[[1, 2], [3, 4]]]))
    tensor([[[4, 3, 4, 3],
             [2, 1, 2, 1],
             [4, 3, 4, 3],
             [2, 1, 2, 1]]])

    Raises:
        RuntimeError: in the call, where the padding isn't below the size of a dimension.
    """

    dims, mode = 2, "reflect"


class ReplicationPad1d(_Pad):
    """Pads the last dimension by repeating the outermost elements.

    >>> import minitorch
    >>> minitorch.nn.ReplicationPad1d(2)(minitorch.tensor([[1, 2, 3]]))
    tensor([[1, 1, 1, 2, 3, 3, 3]])
    """

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Pads the last two dimensions by repeating the outermost elements.

    >>> import minitorch
    >>> minitorch.nn.ReplicationPad2d(1)(minitorch.tensor([[[1, 2], [3, 4]]]))
    tensor([[[1, 1, 2, 2],
             [1, 1, 2, 2],
             [3, 3, 4, 4],
             [3, 3, 4, 4]]])
    """

    dims, mode = 2, "replicate"


class _CircularPad(_Pad):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() - self.dims not in (1, 2):
            raise ValueError(f"expected {self.dims + 1}D or {self.dims + 2}D input (got {input.dim()}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """Pads the last dimension with the elements of its other end.

    >>> import minitorch
    >>> minitorch.nn.CircularPad1d(2)(minitorch.tensor([[1, 2, 3]]))
    tensor([[2, 3, 1, 2, 3, 1, 2]])

    Raises:
        RuntimeError: in the call, where the padding is over the size of the dimension.
        ValueError: in the call, where the input has another rank.
    """

    dims = 1


class CircularPad2d(_CircularPad):
    """Pads the last two dimensions with the elements of their other ends.

    >>> import minitorch
    >>> minitorch.nn.CircularPad2d((1, 0, 1, 0))(minitorch.tensor([[[1, 2], [3, 4]]]))
    tensor([[[4, 3, 4],
             [2, 1, 2],
             [4, 3, 4]]])

    Raises:
        RuntimeError: in the call, where the padding is over the size of a dimension.
        ValueError: in the call, where the input has another rank.
    """

    dims = 2
