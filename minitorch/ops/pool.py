"""Max-pool and average pool over two dimensions.

Max-pool takes one element of each window and remembers which: its gradient scatters by those indices, and the gradient
of that gathers by them. Average pool is linear: it and its adjoint are each other's gradients.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..dtypes import float16, float32, int64
from ..tensor import Function, Tensor, wrap
from .dispatch import cast, check_floating, in_float32
from .geometry import Pair, PoolGeometry, check_at_least, pair_of
from .shape import reshape

Shape = tuple[int, ...]


class MaxPool2d(Function):
    """y[w] = max of window w, and the offset of the maximum in its window."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, geometry: PoolGeometry, output_size: Pair) -> tuple[Tensor, Tensor]:
        output, offsets = input.backend.max_pool2d(input.data, *geometry, output_size)
        indices = wrap(offsets, input.backend)
        ctx.save_for_backward(indices)
        ctx.set_materialize_grads(False)  # integers have no gradient
        ctx.input_shape, ctx.geometry = input.data.shape, geometry
        return wrap(output, input.backend), indices

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor, _: None) -> Any:
        (indices,) = ctx.saved_tensors
        return MaxPool2dScatter.apply(grad_output, indices, ctx.input_shape, ctx.geometry), None, None


class MaxPool2dScatter(Function):
    """Adds each window's element to the place that its index names: the gradient of ``MaxPool2d``."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, indices: Tensor, input_shape: Shape, geometry: PoolGeometry) -> Tensor:
        ctx.save_for_backward(indices)
        ctx.geometry = geometry
        backend = source.backend
        return wrap(backend.max_pool2d_backward(source.data, indices.data, input_shape, *geometry), backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (indices,) = ctx.saved_tensors
        return MaxPool2dGather.apply(grad_output, indices, ctx.geometry), None, None, None


class MaxPool2dGather(Function):
    """Takes the element that each window's index names: the adjoint of scattering."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, indices: Tensor, geometry: PoolGeometry) -> Tensor:
        ctx.save_for_backward(indices)
        ctx.input_shape, ctx.geometry = input.data.shape, geometry
        return wrap(input.backend.max_pool2d_gather(input.data, indices.data, *geometry), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (indices,) = ctx.saved_tensors
        return MaxPool2dScatter.apply(grad_output, indices, ctx.input_shape, ctx.geometry), None, None


class AvgPool2d(Function):
    """y[w] = (Σ of window w) / divisor[w]."""

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        geometry: PoolGeometry,
        output_size: Pair,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Tensor:
        window = geometry.kernel_size, geometry.stride, geometry.padding
        ctx.input_shape = input.data.shape
        ctx.geometry, ctx.divisor = geometry, (count_include_pad, divisor_override)
        return wrap(input.backend.avg_pool2d(input.data, *window, output_size, *ctx.divisor), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        grad_input = AvgPool2dBackward.apply(grad_output, ctx.input_shape, ctx.geometry, *ctx.divisor)
        return grad_input, None, None, None, None


class AvgPool2dBackward(Function):
    """Gives each element of a window its share: the adjoint of ``AvgPool2d``."""

    @staticmethod
    def forward(
        ctx: Any,
        grad_output: Tensor,
        input_shape: Shape,
        geometry: PoolGeometry,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Tensor:
        window = geometry.kernel_size, geometry.stride, geometry.padding
        ctx.output_size = grad_output.data.shape[2:]
        ctx.geometry, ctx.divisor = geometry, (count_include_pad, divisor_override)
        backend = grad_output.backend
        return wrap(backend.avg_pool2d_backward(grad_output.data, input_shape, *window, *ctx.divisor), backend)

    @staticmethod
    def backward(ctx: Any, grad_input: Tensor) -> Any:
        return AvgPool2d.apply(grad_input, ctx.geometry, ctx.output_size, *ctx.divisor), None, None, None, None


@lru_cache(maxsize=512)
def _pool_geometry(
    name: str, input: Shape, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> tuple[PoolGeometry, Pair]:
    """The checked geometry and the output size."""
    if len(input) not in (3, 4):
        raise RuntimeError(f"{name}: expected input of shape (N, C, H, W) or (C, H, W), got {input}")
    if min(input[-2:]) < 1:
        raise RuntimeError(f"{name}: expected images of at least 1 × 1, got input {input}")
    check_at_least(name, 1, kernel_size=kernel_size, stride=stride, dilation=dilation)
    check_at_least(name, 0, padding=padding)
    if padding[0] > kernel_size[0] // 2 or padding[1] > kernel_size[1] // 2:
        raise RuntimeError(
            f"{name}: padding {padding} is over half of kernel_size {kernel_size}; windows could lie in padding alone"
        )
    geometry = PoolGeometry(kernel_size, stride, padding, dilation)
    output_size = geometry.output_size(input[-2:], ceil_mode)
    if min(output_size) < 1:
        padded = input[-2] + 2 * padding[0], input[-1] + 2 * padding[1]
        raise RuntimeError(
            f"{name}: kernel_size {kernel_size} with dilation {dilation} is larger than the padded input {padded} "
            f"(input {input}, padding={padding}, ceil_mode={ceil_mode})"
        )
    return geometry, output_size


def max_pool2d(
    input: Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window. The first of equal maxima gets the gradient; a NaN counts as the largest number.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        kernel_size, stride, padding, dilation: an int or (height, width); the stride is the kernel size by default.
            Padding is -inf, at most half a kernel, and never chosen.
        ceil_mode: add a window that overhangs the far edge where windows don't cover the input.
        return_indices: return also, as int64, the position ``h·W + w`` of each maximum in its plane (-1 where dilation
            leaves a window without any element).

    Returns:
        (N, C, OH, OW), or (C, OH, OW) for one image, with
        ``OH = (H + 2·padding - dilation·(KH - 1) - 1) // stride + 1``, rounded up with ``ceil_mode``; or
        (output, indices).

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.max_pool2d(minitorch.arange(16.).reshape(1, 4, 4), 2)
    tensor([[[ 5.,  7.],
             [13., 15.]]])

    Raises:
        RuntimeError: the rank doesn't fit; the window is larger than the padded input; kernel size, stride or dilation
            is not positive; padding is negative or over half the kernel; the dtype is no floating one.

    Ranzato et al., "Unsupervised learning of invariant feature hierarchies" (2007).
    """
    check_floating("max_pool2d", input)
    kernel = pair_of("max_pool2d", "kernel_size", kernel_size)
    geometry, output_size = _pool_geometry(
        "max_pool2d",
        input.data.shape,
        kernel,
        kernel if stride is None else pair_of("max_pool2d", "stride", stride),
        pair_of("max_pool2d", "padding", padding),
        pair_of("max_pool2d", "dilation", dilation),
        bool(ceil_mode),
    )
    # A maximum is exact in any dtype: casting there and back changes nothing.
    batch = cast(input, float32) if input.data.dtype.itemsize == 2 else input
    if input.data.ndim == 3:
        batch = reshape(batch, (1, *batch.data.shape))
    output, offsets = MaxPool2d.apply(batch, geometry, output_size)
    if input.data.ndim == 3:
        output = reshape(output, output.data.shape[1:])
    if input.data.dtype.itemsize == 2:
        output = cast(output, float16)
    if not return_indices:
        return output
    positions = _positions(offsets, input.data.shape[-2:], geometry)
    return output, wrap(positions.reshape(output.data.shape), input.backend)


def _positions(offsets: Tensor, input_size: Shape, geometry: PoolGeometry) -> Any:
    """Offsets ``kh·KW + kw`` in windows as positions ``h·W + w`` in planes; -1 outside the plane."""
    xp = offsets.backend.xp
    H, W = input_size
    (_, KW), (sh, sw), (ph, pw), (dh, dw) = geometry
    OH, OW = offsets.data.shape[2:]
    kh, kw = xp.divmod(offsets.data.astype(int64.numpy), KW)
    h = xp.arange(OH)[:, None] * sh - ph + kh * dh
    w = xp.arange(OW) * sw - pw + kw * dw
    inside = (h >= 0) & (h < H) & (w >= 0) & (w < W)
    return xp.where(inside, h * W + w, -1)


def avg_pool2d(
    input: Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        kernel_size, stride, padding: an int or (height, width); the stride is the kernel size by default. Padding is
            0, and at most half a kernel.
        ceil_mode: add a window that overhangs the far edge where windows don't cover the input.
        count_include_pad: whether the zeros of the padding count as elements.
        divisor_override: divide each sum by this number instead of the number of elements.

    Returns:
        (N, C, OH, OW), or (C, OH, OW) for one image, with ``OH = (H + 2·padding - KH) // stride + 1``, rounded up with
        ``ceil_mode``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.avg_pool2d(minitorch.arange(16.).reshape(1, 4, 4), 2)
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])

    Raises:
        RuntimeError: as :func:`max_pool2d`, or ``divisor_override`` is 0.

    LeCun et al., "Gradient-based learning applied to document recognition" (1998), section II.B.
    """
    check_floating("avg_pool2d", input)
    if input.data.dtype.itemsize == 2:
        pool = kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        return in_float32(avg_pool2d, input, *pool)
    if divisor_override == 0:
        raise RuntimeError("avg_pool2d: divisor_override must not be 0")
    kernel = pair_of("avg_pool2d", "kernel_size", kernel_size)
    geometry, output_size = _pool_geometry(
        "avg_pool2d",
        input.data.shape,
        kernel,
        kernel if stride is None else pair_of("avg_pool2d", "stride", stride),
        pair_of("avg_pool2d", "padding", padding),
        (1, 1),
        bool(ceil_mode),
    )
    how = geometry, output_size, bool(count_include_pad), divisor_override
    if input.data.ndim == 4:
        return AvgPool2d.apply(input, *how)
    output = AvgPool2d.apply(reshape(input, (1, *input.data.shape)), *how)
    return reshape(output, output.data.shape[1:])
