"""Windows of images as columns, and back."""

from __future__ import annotations

from ..ops.geometry import Pair
from ..tensor import Tensor
from . import functional as F
from .module import Module


class Unfold(Module):
    """Every window of an image as a column: (N, C, H, W) → (N, C·KH·KW, OH·OW), or without N.

    See :func:`minitorch.nn.functional.unfold`.

    >>> import minitorch
    >>> minitorch.nn.Unfold(3, padding=1)(minitorch.zeros(8, 2, 28, 28)).shape
    minitorch.Size([8, 18, 784])

    Raises:
        RuntimeError: in the call, where the geometry makes no sense or the input doesn't fit it.
    """

    def __init__(
        self,
        kernel_size: int | Pair,
        dilation: int | Pair = 1,
        padding: int | Pair = 0,
        stride: int | Pair = 1,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Sums columns where :class:`Unfold` takes them from: (N, C·KH·KW, OH·OW) → (N, C, H, W), or without N.

    ``output_size`` is (H, W). See :func:`minitorch.nn.functional.fold`.

    >>> import minitorch
    >>> minitorch.nn.Fold((28, 28), 3, padding=1)(minitorch.zeros(8, 18, 784)).shape
    minitorch.Size([8, 2, 28, 28])

    Raises:
        RuntimeError: in the call, where the geometry makes no sense or the input doesn't fit it.
    """

    def __init__(
        self,
        output_size: int | Pair,
        kernel_size: int | Pair,
        dilation: int | Pair = 1,
        padding: int | Pair = 0,
        stride: int | Pair = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
