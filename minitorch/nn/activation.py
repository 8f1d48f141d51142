"""Activation functions as layers."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .module import Module


class ReLU(Module):
    """max(x, 0), elementwise (Nair and Hinton, ICML 2010).

    ``inplace`` writes the result into the input. That works without recording; where a graph is recorded it raises
    RuntimeError, because tensors of a graph aren't changed in place.

    >>> import minitorch
    >>> minitorch.nn.ReLU()(minitorch.tensor([-1., 2.]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Tanh(Module):
    """The hyperbolic tangent, elementwise.

    >>> import minitorch
    >>> minitorch.nn.Tanh()(minitorch.tensor([0., 100.]))
    tensor([0., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ), elementwise.

    >>> import minitorch
    >>> minitorch.nn.Sigmoid()(minitorch.tensor([0., 100.]))
    tensor([0.5000, 1.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)
