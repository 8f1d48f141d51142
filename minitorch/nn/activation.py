"""Rectifiers and other activations of straight pieces, as layers."""

from __future__ import annotations

import warnings
from typing import Any

from ..ops.creation import empty
from ..tensor import Tensor
from . import functional as F
from . import init as _init
from .module import Module
from .parameter import Parameter


class InPlace(Module):
    """An activation that may write into its input.

    ``inplace`` works without recording; where a graph is recorded the call raises RuntimeError, because tensors of a
    graph aren't changed in place.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""

    def _and_in_place(self, shown: str) -> str:
        """``shown``, followed by what this class shows."""
        return f"{shown}, inplace=True" if self.inplace else shown


class ReLU(InPlace):
    """max(x, 0), elementwise (Nair and Hinton, ICML 2010).

    ``inplace`` writes the result into the input. That works without recording; where a graph is recorded it raises
    RuntimeError, because tensors of a graph aren't changed in place.

    >>> import minitorch
    >>> minitorch.nn.ReLU()(minitorch.tensor([-1., 2.]))
    tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)


class LeakyReLU(InPlace):
    """x where it is positive, else ``negative_slope``·x (Maas, Hannun and Ng, 2013).

    >>> import minitorch
    >>> minitorch.nn.LeakyReLU(0.5)(minitorch.tensor([-1., 2.]))
    tensor([-0.5000,  2.0000])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return self._and_in_place(f"negative_slope={self.negative_slope}")


class PReLU(Module):
    """x where it is positive, else a·x with learnt a (He, Zhang, Ren and Sun, 2015).

    ``weight`` holds ``num_parameters`` numbers a, which begin as ``init``: one, or one for each channel. Don't let
    weight decay pull them to 0.

    >>> import minitorch
    >>> minitorch.nn.PReLU()(minitorch.tensor([-1., 2.]))
    tensor([-0.2500,  2.0000], grad_fn=<PReLUBackward>)
    """

    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets every slope to what it began as."""
        _init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Threshold(InPlace):
    """x where it is larger than ``threshold``, else ``value``.

    >>> import minitorch
    >>> minitorch.nn.Threshold(1, -5)(minitorch.tensor([0., 2.]))
    tensor([-5.,  2.])
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return self._and_in_place(f"threshold={self.threshold}, value={self.value}")


class Hardtanh(InPlace):
    """x moved into [``min_val``, ``max_val``] (Collobert, 2004).

    ``min_value`` and ``max_value`` are old names of the bounds.

    >>> import minitorch
    >>> minitorch.nn.Hardtanh(-2, 2)(minitorch.tensor([-3., 1.]))
    tensor([-2.,  1.])

    Raises:
        AssertionError: ``max_val`` isn't larger than ``min_val``.
    """

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__(inplace)
        for old, new in (("min_value", "min_val"), ("max_value", "max_val")):
            if {"min_value": min_value, "max_value": max_value}[old] is not None:
                warnings.warn(
                    f"keyword argument `{old}` is deprecated and renamed to `{new}`", FutureWarning, stacklevel=2
                )
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        if self.max_val <= self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})")

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return self._and_in_place(f"min_val={self.min_val}, max_val={self.max_val}")


class ReLU6(Hardtanh):
    """min(max(x, 0), 6) (Krizhevsky, 2010).

    >>> import minitorch
    >>> minitorch.nn.ReLU6()(minitorch.tensor([-1., 2., 7.]))
    tensor([0., 2., 6.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def forward(self, input: Tensor) -> Tensor:
        return F.relu6(input, self.inplace)

    def extra_repr(self) -> str:
        return InPlace.extra_repr(self)


class Hardsigmoid(InPlace):
    """min(max(x + 3, 0), 6)/6 (Howard et al., 2019).

    >>> import minitorch
    >>> minitorch.nn.Hardsigmoid()(minitorch.tensor([-4., 0., 4.]))
    tensor([0.0000, 0.5000, 1.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        return ""


class Hardswish(InPlace):
    """x·min(max(x + 3, 0), 6)/6 (Howard et al., 2019).

    >>> import minitorch
    >>> minitorch.nn.Hardswish()(minitorch.tensor([-1., 4.]))
    tensor([-0.3333,  4.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        return ""
