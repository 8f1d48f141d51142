"""Average pool over one and two dimensions. It is linear: it and its adjoint are each other's gradients."""

from __future__ import annotations

from typing import Any

from ..devices import on_its_device
from ..dtypes import int64
from ..tensor import Function, Tensor, wrap
from .dispatch import check_floating, in_float32
from .geometry import Pair, PoolGeometry, int_of
from .images import from_images, to_images
from .pool import Shape, interval_sums, pool_geometry, table


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


def _avg_pool(
    name: str,
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    if not isinstance(input, Tensor) or input.dtype is not int64:
        check_floating(name, input)
    if input.data.dtype.itemsize == 2:
        pool = kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        return in_float32(_avg_pool, name, dims, input, *pool)
    if divisor_override is not None and int_of(name, "divisor_override", divisor_override) == 0:
        raise RuntimeError(f"{name}: divisor_override must not be 0")
    shape = input.data.shape
    geometry, output_size = pool_geometry(name, dims, shape, kernel_size, stride, padding, 1, ceil_mode)
    how = geometry, output_size, bool(count_include_pad), divisor_override
    images = to_images(input, dims)
    output = AvgPool2d.apply(images, *how) if input.data.dtype.kind == "f" else _avg_pool_of_integers(images, *how)
    return from_images(output, shape, dims)


@on_its_device
def _avg_pool_of_integers(
    images: Tensor, geometry: PoolGeometry, output_size: Pair, count_include_pad: bool, divisor_override: int | None
) -> Tensor:
    """As the kernels, for int64, which they don't take; quotients are rounded towards 0, as C++ does in PyTorch."""
    backend: Any = images.backend
    sums, lengths = images.data, []
    for i, size in enumerate(images.data.shape[2:]):
        kernel_size, stride, padding, _ = (sizes[i] for sizes in geometry)
        starts = [o * stride - padding for o in range(output_size[i])]
        padded = [(start, min(start + kernel_size, size + padding)) for start in starts]
        inside = [(max(start, 0), min(end, size)) for start, end in padded]
        sums = interval_sums(backend, sums, 2 + i, inside)
        counted = tuple([end - start for start, end in (padded if count_include_pad else inside)])
        lengths.append(table(backend, counted, int64.numpy))
    divisor = divisor_override or lengths[0][:, None] * lengths[1]
    rounded_up = (sums % divisor != 0) & ((sums < 0) != (divisor < 0))
    return wrap(sums // divisor + rounded_up, images.backend)


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
        input: (N, C, H, W), or (C, H, W) for one image; floating-point numbers, or int64, whose means are rounded
            towards 0.
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
        RuntimeError: the rank doesn't fit; the window is larger than the padded input; kernel size or stride is not
            positive; padding is negative or over half the kernel; ``divisor_override`` is 0; the dtype is another.

    LeCun et al., "Gradient-based learning applied to document recognition" (1998), section II.B.
    """
    how = padding, ceil_mode, count_include_pad, divisor_override
    return _avg_pool("avg_pool2d", 2, input, kernel_size, stride, *how)


def avg_pool1d(
    input: Tensor,
    kernel_size: int | tuple[int],
    stride: int | tuple[int] | None = None,
    padding: int | tuple[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of a signal: :func:`avg_pool2d` of an image that is 1 high.

    Args:
        input: (N, C, L), or (C, L) for one signal.
        kernel_size, stride, padding, ceil_mode, count_include_pad: as :func:`avg_pool2d`, with one number for the one
            dimension.

    Returns:
        (N, C, OL) or (C, OL) with ``OL = (L + 2·padding - K) // stride + 1``, rounded up with ``ceil_mode``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.avg_pool1d(minitorch.tensor([[1., 5., 2., 8., 3., 4.]]), kernel_size=3, stride=1)
    tensor([[2.6667, 5.0000, 4.3333, 5.0000]])

    Raises:
        RuntimeError: as :func:`avg_pool2d`.
    """
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)
