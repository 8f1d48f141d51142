"""The partial inverse of max-pool: maxima go back to where they were, all else is 0."""

from __future__ import annotations

from typing import Any

from ..devices import on_its_device
from ..dtypes import int64
from ..tensor import Function, Tensor, wrap
from .dispatch import check_floating, same_device
from .geometry import Pair, check_at_least, int_of, sizes_of
from .images import from_images, to_images
from .max_pool import elements_of_planes
from .pool import LAYOUTS, Shape


class MaxUnpool(Function):
    """y[index[w]] = x[w], else 0; where an index comes twice, the last element stays.

    The gradient takes from where the indices point, for each element: so PyTorch defines it also for an element that
    another one overwrote.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, indices: Tensor, output_size: Pair) -> Tensor:
        ctx.save_for_backward(indices)
        xp, (N, C, H, W) = images.backend.xp, images.data.shape
        planes = xp.zeros((N * C, output_size[0] * output_size[1]), images.data.dtype)
        where = xp.arange(N * C)[:, None], indices.data.reshape(N * C, H * W)
        images.backend.index_put(planes, where, images.data.reshape(N * C, H * W))
        return wrap(planes.reshape(N, C, *output_size), images.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (indices,) = ctx.saved_tensors
        return elements_of_planes(grad_output, indices), None, None


def _unpooled_size(
    name: str, dims: int, input: Shape, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Shape:
    """The checked size of the result: what max-pool makes the input of, the smallest one unless it is given."""
    kernel = sizes_of(name, "kernel_size", kernel_size, dims)
    steps = kernel if stride is None else sizes_of(name, "stride", stride, dims)
    around = sizes_of(name, "padding", padding, dims)
    check_at_least(name, 1, kernel_size=kernel, stride=steps)
    check_at_least(name, 0, padding=around)
    smallest = tuple((input[d - dims] - 1) * steps[d] + kernel[d] - 2 * around[d] for d in range(dims))
    if output_size is None:
        if min(smallest) < 0:
            raise ValueError(
                f"{name}: padding={around} leaves less than nothing: an output of size {smallest} (input {input}, "
                f"kernel_size={kernel}, stride={steps})"
            )
        return smallest
    sizes = tuple(output_size)
    if len(sizes) not in (dims, dims + 2):
        raise ValueError(
            f"{name}: output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a length "
            f"of {len(sizes)}"
        )
    sizes = tuple([int_of(name, "output_size", n) for n in sizes[-dims:]])
    for d, (size, usual, step) in enumerate(zip(sizes, smallest, steps, strict=True)):
        if not max(usual - step, -1) < size < usual + step:
            raise ValueError(
                f"{name}: invalid output_size {sizes}: size {d} must be between {max(usual - step + 1, 0)} and "
                f"{usual + step - 1} (input {input}, kernel_size={kernel}, stride={steps}, padding={around})"
            )
    return sizes


@on_its_device
def _max_unpool(
    name: str,
    dims: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    check_floating(name, input)
    if not isinstance(indices, Tensor):
        raise TypeError(f"{name}: expected indices to be a Tensor, got {type(indices).__name__}")
    same_device(name, input, indices)
    shape = input.data.shape
    if len(shape) not in (dims + 1, dims + 2):
        raise RuntimeError(f"{name}: expected input of shape {LAYOUTS[dims]}, got {shape}")
    if indices.dtype is not int64:
        raise RuntimeError(f"{name}: elements in indices should be type int64, got {indices.dtype}")
    if indices.data.shape != shape:
        raise RuntimeError(
            f"{name}: Expected shape of indices to be the input's, {shape}, got indices of shape {indices.data.shape}"
        )
    size = _unpooled_size(name, dims, shape, kernel_size, stride, padding, output_size)
    height, width = size if dims == 2 else (1, *size)
    wrong = indices.data[(indices.data < 0) | (indices.data >= height * width)]
    if wrong.size:
        raise RuntimeError(f"{name}: Found an invalid max index: {int(wrong[0])} (output planes are of size {size})")
    output = MaxUnpool.apply(to_images(input, dims), to_images(indices, dims), (height, width))
    return from_images(output, shape, dims)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    output_size: Any = None,
) -> Tensor:
    """Zeros with each element of ``input`` where its index says: what :func:`max_pool2d` kept, back in its place.

    Args:
        input, indices: (N, C, H, W) or (C, H, W): the results of ``max_pool2d(…, return_indices=True)``.
        kernel_size, stride, padding: those of the pool.
        output_size: the size that the pool's input had, where several give the same result: (OH, OW) or the whole
            shape. It may differ from the usual one by less than a stride.

    Returns:
        (N, C, OH, OW) or (C, OH, OW) with ``OH = (H - 1)·stride + KH - 2·padding`` unless ``output_size`` is given.
        Where an index comes twice, the last element stays; the gradient takes from there for both, as in PyTorch.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> pooled, indices = F.max_pool2d(minitorch.arange(16.).reshape(1, 4, 4), 2, return_indices=True)
    >>> F.max_unpool2d(pooled, indices, 2)
    tensor([[[ 0.,  0.,  0.,  0.],
             [ 0.,  5.,  0.,  7.],
             [ 0.,  0.,  0.,  0.],
             [ 0., 13.,  0., 15.]]])

    Raises:
        RuntimeError: the rank doesn't fit; ``indices`` isn't int64, has another shape, or points outside of the result.
        ValueError: ``output_size`` is none that the pool could have had.

    Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014), section 2.1.
    """
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: int | tuple[int],
    stride: int | tuple[int] | None = None,
    padding: int | tuple[int] = 0,
    output_size: Any = None,
) -> Tensor:
    """:func:`max_unpool2d` of signals: (N, C, L) or (C, L), with ``OL = (L - 1)·stride + K - 2·padding``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> pooled, indices = F.max_pool1d(minitorch.tensor([[1., 5., 2., 8., 3.]]), 2, return_indices=True)
    >>> F.max_unpool1d(pooled, indices, 2, output_size=(5,))
    tensor([[0., 5., 0., 8., 0.]])

    Raises:
        RuntimeError, ValueError: as :func:`max_unpool2d`.
    """
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)
