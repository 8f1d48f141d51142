"""Transposed convolution over one and two dimensions: the gradient of convolution in its input, as an operation."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from .conv import Conv2dBackwardInput, kernels_for
from .conv_geometry import conv_transpose_geometry
from .dispatch import in_float32
from .geometry import Pair, int_of, sizes_of
from .images import from_images, to_images
from .pad import pad
from .shape import reshape


def _transposed(
    name: str,
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    """Transposed convolution over ``dims`` dimensions, 1 or 2."""
    kernels = kernels_for(name, "auto", *((input, weight) if bias is None else (input, weight, bias)))
    if input.data.dtype.itemsize == 2:
        return in_float32(
            _transposed, name, dims, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    geometry, shape, edges = conv_transpose_geometry(
        name,
        input.data.shape,
        weight.data.shape,
        None if bias is None else bias.data.shape,
        sizes_of(name, "stride", stride, dims),
        sizes_of(name, "padding", padding, dims),
        sizes_of(name, "output_padding", output_padding, dims),
        int_of(name, "groups", groups),
        sizes_of(name, "dilation", dilation, dims),
    )
    output = Conv2dBackwardInput.apply(to_images(input, dims), to_images(weight, dims), shape, geometry, kernels)
    if edges is not None:
        output = pad(output, edges)
    if bias is not None:
        output = output + reshape(bias, (-1, 1, 1))
    return from_images(output, input.data.shape, dims)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int] = 1,
    padding: int | tuple[int] = 0,
    output_padding: int | tuple[int] = 0,
    groups: int = 1,
    dilation: int | tuple[int] = 1,
) -> Tensor:
    """The adjoint of :func:`conv1d` in its input: :func:`conv_transpose2d` in one dimension.

    Args:
        input: (N, C, L), or (C, L) for one signal.
        weight: (C, O/groups, K).
        bias: (O,).
        stride, padding, output_padding, groups, dilation: as in :func:`conv_transpose2d`, numbers or tuples of one.

    Returns:
        (N, O, OL), or (O, OL) for one signal, with
        ``OL = (L - 1)·stride - 2·padding + dilation·(K - 1) + output_padding + 1``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.conv_transpose1d(minitorch.tensor([[1., 2.]]), minitorch.tensor([[[1., 10., 100.]]]), stride=2)
    tensor([[  1.,  10., 102.,  20., 200.]])

    Raises:
        RuntimeError: as :func:`conv_transpose2d`.
    """
    options = stride, padding, output_padding, groups, dilation
    return _transposed("conv_transpose1d", 1, input, weight, bias, *options)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    groups: int = 1,
    dilation: int | Pair = 1,
) -> Tensor:
    """The adjoint of :func:`conv2d` in its input, which enlarges images: ⟨conv2d(x), y⟩ = ⟨x, conv_transpose2d(y)⟩.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        weight: (C, O/groups, KH, KW): the weight of the ``conv2d`` from O to C channels.
        bias: (O,).
        stride, padding, dilation: those of the ``conv2d``; an int or (height, width).
        output_padding: rows and columns more at the end of the output. Several input sizes of a strided ``conv2d``
            give one output size, and this tells them apart. Smaller than the stride or the dilation.
        groups: divides C and O.

    Returns:
        (N, O, OH, OW), or (O, OH, OW) for one image, with
        ``OH = (H - 1)·stride - 2·padding + dilation·(KH - 1) + output_padding + 1``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.conv_transpose2d(minitorch.tensor([[[1., 2.]]]), minitorch.ones(1, 1, 1, 2), stride=2)
    tensor([[[1., 1., 2., 2.]]])

    Raises:
        RuntimeError: as :func:`conv2d`; or nothing is left of the output; or ``output_padding`` is too large.

    Zeiler et al., "Deconvolutional networks" (2010); Dumoulin and Visin, "A guide to convolution arithmetic for deep
    learning" (2016), section 4.
    """
    options = stride, padding, output_padding, groups, dilation
    return _transposed("conv_transpose2d", 2, input, weight, bias, *options)
