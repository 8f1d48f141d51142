"""Layers that keep one number of each window, and those that put it back. They have no parameters."""

from __future__ import annotations

from typing import Any

from ..ops.geometry import Pair, sizes_of
from ..tensor import Tensor
from . import functional as F
from .module import Module

Single = int | tuple[int]


class _MaxPool(Module):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
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

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The maximum of each window of a signal: (N, C, L) → (N, C, OL), or (C, L) → (C, OL).

    OL = ⌊(L + 2·padding - dilation·(K - 1) - 1) / stride⌋ + 1, rounded up instead with ``ceil_mode``. The options are
    those of :class:`MaxPool2d`, for the one dimension.

    >>> import minitorch
    >>> minitorch.nn.MaxPool1d(3, stride=2)(minitorch.zeros(8, 6, 50)).shape
    minitorch.Size([8, 6, 24])

    Raises:
        RuntimeError: in the call, where the geometry makes no sense or the input doesn't fit it.
    """

    def forward(self, input: Tensor) -> Any:
        window = self.kernel_size, self.stride, self.padding, self.dilation
        return F.max_pool1d(input, *window, self.ceil_mode, self.return_indices)


class MaxPool2d(_MaxPool):
    """The maximum of each window: (N, C, H, W) → (N, C, OH, OW), or (C, H, W) → (C, OH, OW).

    OH = ⌊(H + 2·padding - dilation·(KH - 1) - 1) / stride⌋ + 1, rounded up instead with ``ceil_mode``. ``stride`` is
    ``kernel_size`` unless given; padding is -∞ and at most half the window. With ``return_indices`` the result is a
    pair of maxima and their positions in the H·W plane, as :class:`MaxUnpool2d` takes them.

    >>> import minitorch
    >>> minitorch.nn.MaxPool2d(2)(minitorch.zeros(8, 6, 28, 28)).shape
    minitorch.Size([8, 6, 14, 14])

    Raises:
        RuntimeError: in the call, where the geometry makes no sense or the input doesn't fit it.
    """

    def forward(self, input: Tensor) -> Any:
        window = self.kernel_size, self.stride, self.padding, self.dilation
        return F.max_pool2d(input, *window, self.ceil_mode, self.return_indices)


class _MaxUnpool(Module):
    def __init__(self, dims: int, kernel_size: Any, stride: Any, padding: Any) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size: Any = sizes_of(name, "kernel_size", kernel_size, dims)
        self.stride: Any = self.kernel_size if stride is None else sizes_of(name, "stride", stride, dims)
        self.padding: Any = sizes_of(name, "padding", padding, dims)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """:class:`MaxUnpool2d` of signals: (N, C, L) → (N, C, OL) with OL = (L - 1)·stride + K - 2·padding.

    >>> import minitorch
    >>> from minitorch import nn
    >>> pooled, indices = nn.MaxPool1d(2, return_indices=True)(minitorch.tensor([[1., 5., 2., 8.]]))
    >>> nn.MaxUnpool1d(2)(pooled, indices)
    tensor([[0., 5., 0., 8.]])

    Raises:
        RuntimeError, ValueError: as :class:`MaxUnpool2d`.
    """

    def __init__(self, kernel_size: Single, stride: Single | None = None, padding: Single = 0) -> None:
        super().__init__(1, kernel_size, stride, padding)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_MaxUnpool):
    """What :class:`MaxPool2d` with ``return_indices`` kept, back in its place; all else is 0.

    (N, C, H, W) → (N, C, OH, OW) with OH = (H - 1)·stride + KH - 2·padding; several sizes pool to the same, of which
    ``output_size``, in the call, chooses another.

    >>> import minitorch
    >>> from minitorch import nn
    >>> pooled, indices = nn.MaxPool2d(2, return_indices=True)(minitorch.arange(8.).reshape(1, 2, 4))
    >>> nn.MaxUnpool2d(2)(pooled, indices)
    tensor([[[0., 0., 0., 0.],
             [0., 5., 0., 7.]]])

    Raises:
        RuntimeError: in the call, where ``indices`` doesn't fit the input or the result.
        ValueError: in the call, where ``output_size`` is none that the pool could have had.

    Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014), section 2.1.
    """

    def __init__(self, kernel_size: int | Pair, stride: int | Pair | None = None, padding: int | Pair = 0) -> None:
        super().__init__(2, kernel_size, stride, padding)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class AvgPool1d(Module):
    """The mean of each window of a signal: (N, C, L) → (N, C, OL), or (C, L) → (C, OL).

    OL = ⌊(L + 2·padding - K) / stride⌋ + 1, rounded up instead with ``ceil_mode``. The options are those of
    :class:`AvgPool2d`, for the one dimension.

    >>> import minitorch
    >>> minitorch.nn.AvgPool1d(2)(minitorch.tensor([[1., 5., 2., 8.]]))
    tensor([[3., 5.]])

    Raises:
        RuntimeError: where the geometry makes no sense; in the call, where the input doesn't fit it.
    """

    def __init__(
        self,
        kernel_size: Single,
        stride: Single | None = None,
        padding: Single = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size: Any = sizes_of("AvgPool1d", "kernel_size", kernel_size, 1)
        self.stride: Any = self.kernel_size if stride is None else sizes_of("AvgPool1d", "stride", stride, 1)
        self.padding: Any = sizes_of("AvgPool1d", "padding", padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        window = self.kernel_size, self.stride, self.padding
        return F.avg_pool1d(input, *window, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """The mean of each window: (N, C, H, W) → (N, C, OH, OW), or (C, H, W) → (C, OH, OW).

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
        window = self.kernel_size, self.stride, self.padding
        return F.avg_pool2d(input, *window, self.ceil_mode, self.count_include_pad, self.divisor_override)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _LPPool(Module):
    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """(Σ xᵖ)^(1/p) of each window of a signal, p = ``norm_type``: :class:`LPPool2d` over one dimension.

    >>> import minitorch
    >>> minitorch.nn.LPPool1d(2, 2)(minitorch.tensor([[3., 4., 5., 12.]]))
    tensor([[ 5., 13.]])

    Raises:
        RuntimeError, ZeroDivisionError: as :class:`LPPool2d`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(_LPPool):
    """(Σ xᵖ)^(1/p) of each window, p = ``norm_type``: the sum for 1, the largest |x| for ∞.

    (N, C, H, W) → (N, C, OH, OW) with OH = ⌊(H - KH) / stride⌋ + 1, rounded up instead with ``ceil_mode``; ``stride``
    is ``kernel_size`` unless given.

    >>> import minitorch
    >>> minitorch.nn.LPPool2d(2, 2)(minitorch.tensor([[[3., 0.], [0., 4.]]]))
    tensor([[[5.]]])

    Raises:
        RuntimeError: in the call, where the geometry makes no sense or the input doesn't fit it.
        ZeroDivisionError: in the call, where ``norm_type`` is 0.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class _AdaptivePool(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """The mean of each of ``output_size`` bins of a signal of any length: (N, C, L) → (N, C, output_size).

    >>> import minitorch
    >>> minitorch.nn.AdaptiveAvgPool1d(1)(minitorch.tensor([[1., 2., 3.]]))
    tensor([[2.]])

    Raises:
        RuntimeError: in the call, where a size is negative or the input isn't of 2 or 3 dimensions.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """The mean of each bin of an image of any size: (N, C, H, W) → (N, C, OH, OW) = ``output_size``.

    ``output_size`` is an int for both, or a pair, of which ``None`` keeps the input's size. A size of 1 is global
    average pooling; after it, a linear layer fits images of every size.

    >>> import minitorch
    >>> minitorch.nn.AdaptiveAvgPool2d((2, None))(minitorch.zeros(8, 6, 13, 10)).shape
    minitorch.Size([8, 6, 2, 10])

    Raises:
        RuntimeError, ValueError: in the call, where a size is negative or the input isn't of 3 or 4 dimensions.

    He et al., "Spatial pyramid pooling in deep convolutional networks for visual recognition" (2014), section 2.2;
    global: Lin, Chen and Yan, "Network in network" (2014), section 3.2.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The maximum of each of ``output_size`` bins of a signal of any length: (N, C, L) → (N, C, output_size).

    >>> import minitorch
    >>> minitorch.nn.AdaptiveMaxPool1d(2, return_indices=True)(minitorch.tensor([[1., 5., 2., 8., 3.]]))
    (tensor([[5., 8.]]), tensor([[1, 3]]))

    Raises:
        RuntimeError: as :class:`AdaptiveAvgPool1d`.
    """

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The maximum of each bin of an image of any size: (N, C, H, W) → (N, C, OH, OW) = ``output_size``.

    ``output_size`` is as for :class:`AdaptiveAvgPool2d`. With ``return_indices`` the result is a pair of maxima and
    their positions in the H·W plane.

    >>> import minitorch
    >>> minitorch.nn.AdaptiveMaxPool2d(1)(minitorch.tensor([[[1., 2.], [4., 3.]]]))
    tensor([[[4.]]])

    Raises:
        RuntimeError, ValueError: as :class:`AdaptiveAvgPool2d`.
    """

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)
