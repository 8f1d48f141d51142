"""Max-pool over one and two dimensions, of floating-point numbers and of integers.

Max-pool takes one element of each window and remembers which: its gradient scatters by those indices, and the gradient
of that gathers by them.
"""

from __future__ import annotations

from typing import Any

from ..devices import on_its_device
from ..dtypes import float16, float32, int64
from ..tensor import Function, Tensor, wrap
from .dispatch import cast, check_floating
from .gather import Gather
from .geometry import Pair, PoolGeometry
from .images import from_images, to_images
from .pool import Shape, pool_geometry
from .shape import flatten, reshape


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


def _max_pool(
    name: str,
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    if not isinstance(input, Tensor) or input.data.dtype.kind == "b":
        check_floating(name, input)  # raises
    shape = input.data.shape
    geometry, output_size = pool_geometry(name, dims, shape, kernel_size, stride, padding, dilation, ceil_mode)
    images = to_images(input, dims)
    if input.data.dtype.kind != "f":
        maxima, positions = _max_pool_of_integers(images, geometry, output_size)
    else:
        # A maximum is exact in any dtype: casting there and back changes nothing.
        half = input.data.dtype.itemsize == 2
        maxima, offsets = MaxPool2d.apply(cast(images, float32) if half else images, geometry, output_size)
        maxima = cast(maxima, float16) if half else maxima
        positions = _positions(offsets, images.data.shape[-2:], geometry) if return_indices else offsets
    output = from_images(maxima, shape, dims)
    return (output, from_images(positions, shape, dims)) if return_indices else output


@on_its_device
def _positions(offsets: Tensor, input_size: Shape, geometry: PoolGeometry) -> Tensor:
    """Offsets ``kh·KW + kw`` in windows as positions ``h·W + w`` in planes; -1 outside the plane."""
    xp = offsets.backend.xp
    H, W = input_size
    (_, KW), (sh, sw), (ph, pw), (dh, dw) = geometry
    OH, OW = offsets.data.shape[2:]
    kh, kw = xp.divmod(offsets.data.astype(int64.numpy), KW)
    h = xp.arange(OH)[:, None] * sh - ph + kh * dh
    w = xp.arange(OW) * sw - pw + kw * dw
    inside = (h >= 0) & (h < H) & (w >= 0) & (w < W)
    return wrap(xp.where(inside, h * W + w, -1), offsets.backend)


@on_its_device
def positions_of_maxima(images: Tensor, rows: Any, columns: Any) -> Any:
    """Where the maximum of each window is, ``h·W + w``, as plain array code: (N, C, OH, OW).

    Window (oh, ow) is made of ``rows[oh]`` and ``columns[ow]``, (OH, KH) and (OW, KW); -1 stands for none. The first
    of equal maxima wins, the first NaN over any number; a window without elements gives -1.
    """
    xp, (N, C, H, W) = images.backend.xp, images.data.shape
    (OH, KH), (OW, KW) = rows.shape, columns.shape
    rows, columns = rows[:, None, :, None], columns[:, None, :]
    taps = xp.where((rows >= 0) & (columns >= 0), rows * W + columns, -1).reshape(OH, OW, KH * KW)
    # To see the first element of a window twice, instead of nothing, changes no maximum.
    first = xp.take_along_axis(taps, xp.argmax(taps >= 0, axis=-1)[..., None], -1)
    taps = xp.where(taps < 0, first, taps)
    best = xp.argmax(images.data.reshape(N, C, H * W)[:, :, taps], axis=-1)
    return taps[xp.arange(OH)[:, None], xp.arange(OW), best]


@on_its_device
def _max_pool_of_integers(images: Tensor, geometry: PoolGeometry, output_size: Pair) -> tuple[Tensor, Tensor]:
    """Maxima and positions: the kernels are for floating-point numbers, which can't hold every int64."""
    xp, backend = images.backend.xp, images.backend
    seen = []
    for i in (0, 1):
        kernel_size, stride, padding, dilation = (sizes[i] for sizes in geometry)
        at = xp.arange(output_size[i])[:, None] * stride - padding + xp.arange(kernel_size) * dilation
        seen.append(xp.where(at < images.data.shape[2 + i], xp.maximum(at, -1), -1))
    positions = positions_of_maxima(images, *seen)
    lowest = xp.iinfo(images.data.dtype).min  # the maximum of nothing
    maxima = xp.where(positions < 0, lowest, elements_of_planes(images, wrap(xp.maximum(positions, 0), backend)).data)
    return wrap(maxima.astype(images.data.dtype), backend), wrap(positions, backend)


def elements_of_planes(images: Tensor, positions: Tensor) -> Tensor:
    """The elements ``h·W + w`` of each plane: (N, C, H, W) and (N, C, OH, OW) → (N, C, OH, OW)."""
    return reshape(Gather.apply(flatten(images, 2), 2, flatten(positions, 2)), positions.data.shape)


def max_pool2d(
    input: Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window. The first of equal maxima gets the gradient.

    A NaN counts as larger than every number. Where a window has several, the index is that of the first (PyTorch's is
    that of the last).

    Args:
        input: (N, C, H, W), or (C, H, W) for one image; floating-point numbers or integers.
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
            is not positive; padding is negative or over half the kernel; the dtype is bool.

    Ranzato et al., "Unsupervised learning of invariant feature hierarchies" (2007).
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool2d` and the positions ``h·W + w`` of the maxima, whatever ``return_indices`` says.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.max_pool2d_with_indices(minitorch.tensor([[[1., 5., 2., 8.], [7., 3., 4., 0.]]]), 2)
    (tensor([[[7., 8.]]]), tensor([[[4, 3]]]))
    """
    name = "max_pool2d_with_indices"
    output, indices = _max_pool(name, 2, input, kernel_size, stride, padding, dilation, ceil_mode, True)
    return output, indices


def max_pool1d(
    input: Tensor,
    kernel_size: int | tuple[int],
    stride: int | tuple[int] | None = None,
    padding: int | tuple[int] = 0,
    dilation: int | tuple[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window of a signal: :func:`max_pool2d` of an image that is 1 high.

    Args:
        input: (N, C, L), or (C, L) for one signal; floating-point numbers or integers.
        kernel_size, stride, padding, dilation, ceil_mode, return_indices: as :func:`max_pool2d`, with one number for
            the one dimension.

    Returns:
        (N, C, OL) or (C, OL) with ``OL = (L + 2·padding - dilation·(K - 1) - 1) // stride + 1``, rounded up with
        ``ceil_mode``; or (output, indices).

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.max_pool1d(minitorch.tensor([[1., 5., 2., 8., 3., 4.]]), kernel_size=3, return_indices=True)
    (tensor([[5., 8.]]), tensor([[1, 3]]))

    Raises:
        RuntimeError: as :func:`max_pool2d`.
    """
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: int | tuple[int],
    stride: int | tuple[int] | None = None,
    padding: int | tuple[int] = 0,
    dilation: int | tuple[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """:func:`max_pool1d` and the positions of the maxima, whatever ``return_indices`` says.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.max_pool1d_with_indices(minitorch.tensor([[1., 5., 2., 8.]]), 2)
    (tensor([[5., 8.]]), tensor([[1, 3]]))
    """
    name = "max_pool1d_with_indices"
    output, indices = _max_pool(name, 1, input, kernel_size, stride, padding, dilation, ceil_mode, True)
    return output, indices
