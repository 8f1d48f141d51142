"""The windows of images as columns of a matrix, and the sum of such columns as images: each other's gradient.

A convolution is a matrix product with the columns of ``unfold`` (im2col); its gradient for the image ends with ``fold``
(col2im).
"""

from __future__ import annotations

from typing import Any

from ..tensor import Function, Tensor, wrap
from .conv_algorithms.taps import padded, taps, unpadded
from .dispatch import ieee
from .geometry import Pair, PoolGeometry, check_at_least, pair_of
from .shape import reshape


class Unfold(Function):
    """(N, C, H, W) → (N, C·KH·KW, OH·OW)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, windows: PoolGeometry) -> Tensor:
        N, C, H, W = input.data.shape
        ctx.size, ctx.windows = (H, W), windows
        (KH, KW), (OH, OW) = windows.kernel_size, windows.output_size((H, W), False)
        xp = input.backend.xp
        columns = xp.empty((N, C, KH, KW, OH, OW), dtype=input.data.dtype)
        image = padded(xp, input.data, windows.padding)
        for kh, kw, seen in taps(image, (KH, KW), (OH, OW), windows.stride, windows.dilation):
            columns[:, :, kh, kw] = seen
        return wrap(columns.reshape(N, C * KH * KW, OH * OW), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Fold.apply(grad_output, ctx.size, ctx.windows), None


class Fold(Function):
    """(N, C·KH·KW, OH·OW) → (N, C, H, W)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, size: Pair, windows: PoolGeometry) -> Tensor:
        ctx.windows = windows
        return wrap(ieee.run(_folded, input.backend.xp, input.data, size, windows), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Unfold.apply(grad_output, ctx.windows), None, None


def _folded(xp: Any, columns: Any, size: Pair, windows: PoolGeometry) -> Any:
    (KH, KW), (OH, OW), padding = windows.kernel_size, windows.output_size(size, False), windows.padding
    N, C = len(columns), columns.shape[1] // (KH * KW)
    image = xp.zeros((N, C, size[0] + 2 * padding[0], size[1] + 2 * padding[1]), dtype=columns.dtype)
    columns = columns.reshape(N, C, KH, KW, OH, OW)
    for kh, kw, seen in taps(image, (KH, KW), (OH, OW), windows.stride, windows.dilation):
        seen += columns[:, :, kh, kw]
    return unpadded(image, padding).copy()


def _windows(name: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> PoolGeometry:
    windows = PoolGeometry(
        pair_of(name, "kernel_size", kernel_size),
        pair_of(name, "stride", stride),
        pair_of(name, "padding", padding),
        pair_of(name, "dilation", dilation),
    )
    check_at_least(name, 1, kernel_size=windows.kernel_size, dilation=windows.dilation, stride=windows.stride)
    check_at_least(name, 0, padding=windows.padding)
    return windows


def unfold(
    input: Tensor,
    kernel_size: int | Pair,
    dilation: int | Pair = 1,
    padding: int | Pair = 0,
    stride: int | Pair = 1,
) -> Tensor:
    """Every window of an image as a column: (N, C, H, W) → (N, C·KH·KW, OH·OW), or without N.

    The windows are those of a convolution: OH = ⌊(H + 2·padding - dilation·(KH - 1) - 1) / stride⌋ + 1. Row
    ``(c·KH + kh)·KW + kw`` holds what element (kh, kw) of a kernel sees of channel c, column ``oh·OW + ow`` the window
    at (oh, ow). All sizes are an int or (height, width).

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.unfold(minitorch.arange(6.).reshape(1, 2, 3), 2)
    tensor([[0., 1.],
            [1., 2.],
            [3., 4.],
            [4., 5.]])
    >>> x, weight = minitorch.randn(1, 3, 8, 8), minitorch.randn(5, 3, 3, 3)
    >>> by_product = weight.reshape(5, -1) @ F.unfold(x, 3)
    >>> minitorch.allclose(by_product.reshape(1, 5, 6, 6), F.conv2d(x, weight), atol=1e-4)
    True

    Raises:
        RuntimeError: the input has another rank; a size is not positive, padding is negative; or no window fits.

    Chellapilla, Puri and Simard, "High performance convolutional neural networks for document processing" (2006).
    """
    shape = tuple(input.data.shape)
    if len(shape) not in (3, 4):
        raise RuntimeError(f"unfold: Expected 3D or 4D (batch mode) tensor, but got: {list(shape)}")
    windows = _windows("unfold", kernel_size, dilation, padding, stride)
    output_size = windows.output_size(shape[-2:], False)
    if min(output_size) < 1:
        raise RuntimeError(
            f"unfold: Given input with spatial size {shape[-2:]}, {_listed(windows)}, calculated shape of the array of "
            f"sliding blocks as {output_size}, but its components must be at least one."
        )
    if len(shape) == 4:
        return Unfold.apply(input, windows)
    columns = Unfold.apply(reshape(input, (1, *shape)), windows)
    return reshape(columns, columns.data.shape[1:])


def fold(
    input: Tensor,
    output_size: int | Pair,
    kernel_size: int | Pair,
    dilation: int | Pair = 1,
    padding: int | Pair = 0,
    stride: int | Pair = 1,
) -> Tensor:
    """Adds columns to the places that :func:`unfold` takes them from: (N, C·KH·KW, OH·OW) → (N, C, H, W), or without N.

    ``output_size`` is (H, W). Where windows overlap, a pixel is a sum; it isn't the inverse of ``unfold`` but its
    adjoint: ``fold(unfold(x))`` is x times the number of windows that each pixel is in.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.fold(F.unfold(minitorch.ones(1, 3, 3), 2), (3, 3), 2)
    tensor([[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]])

    Raises:
        RuntimeError: the input has another rank; the number of its rows isn't a multiple of KH·KW, or that of its
            columns not the number of windows; a size is not positive, or padding is negative.
    """
    shape = tuple(input.data.shape)
    if len(shape) not in (2, 3):
        raise RuntimeError(f"fold: Expected 2D or 3D (batch mode) tensor for input, but got: {list(shape)}")
    windows, size = (
        _windows("fold", kernel_size, dilation, padding, stride),
        pair_of("fold", "output_size", output_size),
    )
    height, width = windows.kernel_size
    if shape[-2] % (height * width):
        raise RuntimeError(
            f"fold: Expected size of input's dimension {len(shape) - 2} to be divisible by the product of kernel_size, "
            f"but got {shape[-2]} and kernel_size={windows.kernel_size}"
        )
    rows, columns = windows.output_size(size, False)
    if min(rows, columns) < 1 or shape[-1] != rows * columns:
        raise RuntimeError(
            f"fold: Given output_size={size}, {_listed(windows)}, expected size of input's dimension {len(shape) - 1} "
            f"to match the calculated number of sliding blocks {rows} * {columns}, but got {shape[-1]}"
        )
    if len(shape) == 3:
        return Fold.apply(input, size, windows)
    image = Fold.apply(reshape(input, (1, *shape)), size, windows)
    return reshape(image, image.data.shape[1:])


def _listed(windows: PoolGeometry) -> str:
    return ", ".join(f"{name}={value}" for name, value in windows._asdict().items())
