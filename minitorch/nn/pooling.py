"""Layers that keep one number of each window."""

from __future__ import annotations

from typing import Any

from ..ops.geometry import Pair
from ..tensor import Tensor
from . import functional as F
from .module import Module


class MaxPool2d(Module):
    """The maximum of each window: (N, C, H, W) → (N, C, OH, OW).

    OH = ⌊(H + 2·padding - dilation·(KH - 1) - 1) / stride⌋ + 1, rounded up instead with ``ceil_mode``. ``stride`` is
    ``kernel_size`` unless given; padding is -∞ and at most half the window. With ``return_indices`` the result is a
    pair of maxima and their positions in the H·W plane.

    >>> import minitorch
    >>> minitorch.nn.MaxPool2d(2)(minitorch.zeros(8, 6, 28, 28)).shape
    minitorch.Size([8, 6, 14, 14])

    Raises:
        RuntimeError: in the call, where the geometry makes no sense or the input doesn't fit it.
    """

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return F.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(Module):
    """The mean of each window: (N, C, H, W) → (N, C, OH, OW).

    OH = ⌊(H + 2·padding - KH) / stride⌋ + 1, rounded up instead with ``ceil_mode``. ``stride`` is ``kernel_size``
    unless given. Padding counts as zeros, or not at all with ``count_include_pad=False``; ``divisor_override`` divides
    by that number instead of the window's size.

    >>> import minitorch
    >>> minitorch.nn.AvgPool2d(2)(minitorch.ones(1, 1, 2, 4))
    tensor([[[[1., 1.]]]])

    Raises:
        RuntimeError: in the call, where the geometry makes no sense or the input doesn't fit it.
    """

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
