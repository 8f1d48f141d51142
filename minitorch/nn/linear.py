"""Layers that multiply by a matrix, or by nothing."""

from __future__ import annotations

import math
from typing import Any

from ..ops.creation import empty
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


class Identity(Module):
    """Returns its input; whatever arguments it is made with are ignored. It stands in for a layer that is left out.

    >>> import minitorch
    >>> model = minitorch.nn.Sequential(minitorch.nn.Linear(2, 3), minitorch.nn.ReLU())
    >>> model[1] = minitorch.nn.Identity()
    >>> model
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Identity()
    )
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """y = x·Wᵀ + b: (…, in_features) → (…, out_features).

    ``weight`` is (out_features, in_features), ``bias`` (out_features). Both start uniform in ±1/√in_features.

    >>> import minitorch
    >>> layer = minitorch.nn.Linear(20, 30)
    >>> layer(minitorch.randn(128, 20)).shape
    minitorch.Size([128, 30])

    Raises:
        ValueError: a size is negative.
        RuntimeError: in the call, where the last dimension of the input isn't ``in_features``.
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        if in_features < 0 or out_features < 0:
            raise ValueError(f"Linear: sizes can't be negative, got {in_features=} and {out_features=}")
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty(out_features, in_features, device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_features, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws weight and bias anew."""
        # With a = √5 the gain is √(1/3), which makes the bound 1/√in_features.
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            init.uniform_bias_(self.bias, self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
