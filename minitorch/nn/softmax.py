"""Softmax and its kin: as functions whose ``dim`` may be left out, as in PyTorch's ``nn.functional``, and as layers.

``minitorch.softmax`` and ``Tensor.softmax`` always want a ``dim``.
"""

from __future__ import annotations

import warnings
from typing import Any

from ..dtypes import as_dtype
from ..ops import softmax as ops
from ..ops.dispatch import cast
from ..tensor import Tensor
from .module import Module


def _dim_of(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    """``dim``, or what PyTorch has chosen since 0.2 where it is None: by the number of dimensions, with a warning."""
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if input.data.ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``exp(x) / Σ exp(x)`` along ``dim``: see :func:`minitorch.softmax`.

    Without ``dim`` a warning is given, and it is 0 for a tensor of no, one or three dimensions, else 1.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.softmax(minitorch.tensor([1., 1., 1., 1.]), dim=0)
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    return ops.softmax(input, _dim_of("softmax", input, dim, _stacklevel), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``exp(-x) / Σ exp(-x)`` along ``dim``: the softmax of ``-input``.

    Without ``dim`` a warning is given, and it is 0 for a tensor of no, one or three dimensions, else 1.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.softmin(minitorch.tensor([0., 1000.]), dim=0)
    tensor([1., 0.])
    """
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    return ops.softmax(-input, _dim_of("softmin", input, dim, _stacklevel))


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``x - log Σ exp(x)`` along ``dim``: see :func:`minitorch.log_softmax`.

    Without ``dim`` a warning is given, and it is 0 for a tensor of no, one or three dimensions, else 1.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.log_softmax(minitorch.tensor([0., 1000.]), dim=0)
    tensor([-1000.,     0.])
    """
    return ops.log_softmax(input, _dim_of("log_softmax", input, dim, _stacklevel), dtype)


class _AlongDim(Module):
    """A layer that has a ``dim`` and nothing else."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """``exp(x) / Σ exp(x)`` along ``dim``: positive numbers whose sum is 1.

    >>> import minitorch
    >>> minitorch.nn.Softmax(dim=1)(minitorch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return softmax(input, self.dim, _stacklevel=5)


class Softmin(_AlongDim):
    """``exp(-x) / Σ exp(-x)`` along ``dim``: the smallest number gets the most.

    >>> import minitorch
    >>> minitorch.nn.Softmin(dim=1)(minitorch.tensor([[0., 1000.]]))
    tensor([[1., 0.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return softmin(input, self.dim, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """``x - log Σ exp(x)`` along ``dim``: the logarithm of the softmax, as :class:`NLLLoss` wants it.

    >>> import minitorch
    >>> minitorch.nn.LogSoftmax(dim=1)(minitorch.tensor([[0., 1000.]]))
    tensor([[-1000.,     0.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return log_softmax(input, self.dim, _stacklevel=5)
