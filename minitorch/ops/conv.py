"""Two-dimensional convolution, as in neural networks: cross-correlation, in groups, with stride and dilation.

A convolution is linear in its input and in its weight. So the three operations below, which the protocol of the
backends also names, are one another's gradients, and convolutions can be differentiated as often as one likes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..tensor import Function, Tensor, wrap
from .dispatch import check_floating, in_float32
from .geometry import ConvGeometry, Pair, check_at_least, int_of, pair_of
from .shape import reshape

Shape = tuple[int, ...]


class Conv2d(Function):
    """y[n,o] = b[o] + Σ_c w[o,c] ⋆ x[n,c]."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None, geometry: ConvGeometry) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.geometry = geometry
        bias_array = None if bias is None else bias.data
        return wrap(input.backend.conv2d(input.data, weight.data, bias_array, *geometry), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, weight = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = Conv2dBackwardInput.apply(grad_output, weight, input.data.shape, ctx.geometry)
        if ctx.needs_input_grad[1]:
            grad_weight = Conv2dBackwardWeight.apply(input, grad_output, weight.data.shape, ctx.geometry)
        if ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum((0, 2, 3))
        return grad_input, grad_weight, grad_bias, None


class Conv2dBackwardInput(Function):
    """x[n,c] = Σ_o w[o,c] ∗ g[n,o]: the adjoint of ``Conv2d`` in its input, known as transposed convolution."""

    @staticmethod
    def forward(ctx: Any, grad_output: Tensor, weight: Tensor, input_shape: Shape, geometry: ConvGeometry) -> Tensor:
        ctx.save_for_backward(grad_output, weight)
        ctx.geometry = geometry
        backend = grad_output.backend
        return wrap(backend.conv2d_backward_input(grad_output.data, weight.data, input_shape, *geometry), backend)

    @staticmethod
    def backward(ctx: Any, grad_input: Tensor) -> Any:
        # `grad_input` has the shape of Conv2d's input, and is the gradient of what forward returned.
        grad_output, weight = ctx.saved_tensors
        grad_grad_output = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_grad_output = Conv2d.apply(grad_input, weight, None, ctx.geometry)
        if ctx.needs_input_grad[1]:
            grad_weight = Conv2dBackwardWeight.apply(grad_input, grad_output, weight.data.shape, ctx.geometry)
        return grad_grad_output, grad_weight, None, None


class Conv2dBackwardWeight(Function):
    """w[o,c] = Σ_n g[n,o] ⋆ x[n,c]: the adjoint of ``Conv2d`` in its weight."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, grad_output: Tensor, weight_shape: Shape, geometry: ConvGeometry) -> Tensor:
        ctx.save_for_backward(input, grad_output)
        ctx.geometry = geometry
        backend = input.backend
        return wrap(backend.conv2d_backward_weight(input.data, grad_output.data, weight_shape, *geometry), backend)

    @staticmethod
    def backward(ctx: Any, grad_weight: Tensor) -> Any:
        input, grad_output = ctx.saved_tensors
        grad_input = grad_grad_output = None
        if ctx.needs_input_grad[0]:
            grad_input = Conv2dBackwardInput.apply(grad_output, grad_weight, input.data.shape, ctx.geometry)
        if ctx.needs_input_grad[1]:
            grad_grad_output = Conv2d.apply(input, grad_weight, None, ctx.geometry)
        return grad_input, grad_grad_output, None, None


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair | str = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Tensor:
    """Slides a kernel over images: ``output[n, o] = bias[o] + Σ_c weight[o, c] ⋆ input[n, c]``.

    ``⋆`` is cross-correlation: ``(w ⋆ x)[i, j] = Σ_{k,l} w[k, l] · x[i·stride - padding + k·dilation, …]``, with zeros
    around the image. With ``groups``, output channels see only the input channels of their own group.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        weight: (O, C/groups, KH, KW).
        bias: (O,).
        stride, padding, dilation: an int or (height, width). ``padding`` may also be ``"valid"`` (none) or ``"same"``
            (the output is as large as the input, for a stride of 1; an odd row or column of zeros goes to the end).
        groups: divides C and O.

    Returns:
        (N, O, OH, OW), or (O, OH, OW) for one image, with
        ``OH = (H + 2·padding - dilation·(KH - 1) - 1) // stride + 1``. In the operands' one dtype, which is floating.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> image = minitorch.arange(16.).reshape(1, 1, 4, 4)
    >>> F.conv2d(image, minitorch.ones(1, 1, 2, 2), stride=2)
    tensor([[[[10., 18.],
              [42., 50.]]]])

    Raises:
        RuntimeError: ranks, channels, groups or the bias don't fit; the kernel is larger than the padded input; stride
            or dilation is not positive, padding negative; dtypes or devices differ, or the dtype is no floating one.

    The algorithm is of LeCun et al., "Gradient-based learning applied to document recognition" (1998), section II.A.
    """
    operands = (input, weight) if bias is None else (input, weight, bias)
    check_floating("conv2d", *operands)
    if input.data.dtype.itemsize == 2:
        return in_float32(conv2d, input, weight, bias, stride, padding, dilation, groups)
    geometry, extra = _conv2d_geometry(
        input.data.shape,
        weight.data.shape,
        None if bias is None else bias.data.shape,
        pair_of("conv2d", "stride", stride),
        padding if isinstance(padding, str) else pair_of("conv2d", "padding", padding),
        pair_of("conv2d", "dilation", dilation),
        int_of("conv2d", "groups", groups),
    )
    if input.data.ndim == 3:
        output = Conv2d.apply(reshape(input, (1, *input.data.shape)), weight, bias, geometry)
        output = reshape(output, output.data.shape[1:])
    else:
        output = Conv2d.apply(input, weight, bias, geometry)
    return output if extra == (0, 0) else output[..., extra[0] :, extra[1] :]


# What can be wrong depends on shapes and numbers alone, and a model meets the same ones at every step.
@lru_cache(maxsize=512)
def _conv2d_geometry(
    input: Shape, weight: Shape, bias: Shape | None, stride: Pair, padding: Pair | str, dilation: Pair, groups: int
) -> tuple[ConvGeometry, Pair]:
    """The checked geometry, and how many rows and columns to drop at the start of the output.

    The number of zeros that ``padding="same"`` needs may be odd, and one more then goes behind the image. Kernels pad
    both sides alike: one more before it gives one more row of output, to be dropped.
    """
    _check_shapes("conv2d", input, weight, bias, weight[0] if weight else 0)
    _check_groups("conv2d", input, weight, groups)
    check_at_least("conv2d", 1, stride=stride, dilation=dilation)
    shapes = f"(input {input}, weight {weight}, groups={groups})"
    if input[-3] != weight[1] * groups:
        raise RuntimeError(f"conv2d: input has {input[-3]} channels but weight expects {weight[1] * groups} {shapes}")
    if isinstance(padding, str):
        geometry, extra = _named_padding(padding, weight, stride, dilation, groups)
    else:
        check_at_least("conv2d", 0, padding=padding)
        geometry, extra = ConvGeometry(stride, padding, dilation, groups), (0, 0)
    output = geometry.output_size(input[-2:], weight[-2:])
    if min(output) < 1:
        padded = tuple([n + 2 * p for n, p in zip(input[-2:], geometry.padding, strict=True)])
        raise RuntimeError(
            f"conv2d: the kernel {weight[-2:]} with dilation {dilation} is larger than the padded input {padded} "
            f"(input {input}, weight {weight}, padding={padding})"
        )
    return geometry, extra


def _named_padding(padding: str, weight: Shape, stride: Pair, dilation: Pair, groups: int) -> tuple[ConvGeometry, Pair]:
    """The geometry of ``padding="same"`` or ``"valid"``, and what to drop of its output."""
    if padding == "valid":
        return ConvGeometry(stride, (0, 0), dilation, groups), (0, 0)
    if padding != "same":
        raise RuntimeError(f"conv2d: padding must be 'valid', 'same', or numbers, got {padding!r}")
    if stride != (1, 1):
        raise RuntimeError(f"conv2d: padding='same' is not supported for strided convolutions, got stride {stride}")
    zeros = dilation[0] * (weight[2] - 1), dilation[1] * (weight[3] - 1)
    behind = -(-zeros[0] // 2), -(-zeros[1] // 2)
    return ConvGeometry(stride, behind, dilation, groups), (zeros[0] % 2, zeros[1] % 2)


def _check_shapes(name: str, input: Shape, weight: Shape, bias: Shape | None, out_channels: int) -> None:
    if len(input) not in (3, 4):
        raise RuntimeError(f"{name}: expected input of shape (N, C, H, W) or (C, H, W), got {input}")
    if len(weight) != 4 or min(weight[2:]) < 1:
        raise RuntimeError(f"{name}: expected weight of 4 dimensions and a kernel of at least 1 × 1, got {weight}")
    if bias is not None and bias != (out_channels,):
        raise RuntimeError(f"{name}: bias has shape {bias}, expected ({out_channels},) for weight {weight}")


def _check_groups(name: str, input: Shape, weight: Shape, groups: int) -> None:
    if groups < 1:
        raise RuntimeError(f"{name}: groups must be positive, got {groups}")
    if weight[0] % groups:
        raise RuntimeError(
            f"{name}: groups={groups} does not divide the {weight[0]} channels of weight {weight} (input {input})"
        )


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
        output_padding: several input sizes of a strided ``conv2d`` give one output size: how much larger than the
            smallest of them the output shall be. Smaller than the stride.
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
    operands = (input, weight) if bias is None else (input, weight, bias)
    check_floating("conv_transpose2d", *operands)
    if input.data.dtype.itemsize == 2:
        return in_float32(conv_transpose2d, input, weight, bias, stride, padding, output_padding, groups, dilation)
    geometry, output_shape = _conv_transpose2d_geometry(
        input.data.shape,
        weight.data.shape,
        None if bias is None else bias.data.shape,
        pair_of("conv_transpose2d", "stride", stride),
        pair_of("conv_transpose2d", "padding", padding),
        pair_of("conv_transpose2d", "output_padding", output_padding),
        int_of("conv_transpose2d", "groups", groups),
        pair_of("conv_transpose2d", "dilation", dilation),
    )
    batch = reshape(input, (1, *input.data.shape)) if input.data.ndim == 3 else input
    output = Conv2dBackwardInput.apply(batch, weight, output_shape, geometry)
    if bias is not None:
        output = output + reshape(bias, (-1, 1, 1))
    return reshape(output, output_shape[1:]) if input.data.ndim == 3 else output


@lru_cache(maxsize=512)
def _conv_transpose2d_geometry(
    input: Shape,
    weight: Shape,
    bias: Shape | None,
    stride: Pair,
    padding: Pair,
    output_padding: Pair,
    groups: int,
    dilation: Pair,
) -> tuple[ConvGeometry, Shape]:
    """The checked geometry of the convolution whose adjoint is meant, and the output's shape with its batch."""
    name = "conv_transpose2d"
    out_channels = weight[1] * groups if len(weight) == 4 else 0
    _check_shapes(name, input, weight, bias, out_channels)
    _check_groups(name, input, weight, groups)
    check_at_least(name, 1, stride=stride, dilation=dilation)
    check_at_least(name, 0, padding=padding, output_padding=output_padding)
    if input[-3] != weight[0]:
        raise RuntimeError(
            f"{name}: input has {input[-3]} channels but weight expects {weight[0]} (input {input}, weight {weight})"
        )
    if output_padding[0] >= stride[0] or output_padding[1] >= stride[1]:
        raise RuntimeError(f"{name}: output_padding must be smaller than stride, got {output_padding} and {stride}")
    geometry = ConvGeometry(stride, padding, dilation, groups)
    smallest = geometry.transposed_size(input[-2:], weight[-2:])
    size = smallest[0] + output_padding[0], smallest[1] + output_padding[1]
    if min(input[-2:]) < 1 or min(size) < 1:
        raise RuntimeError(
            f"{name}: the output size {size} of input {input} and weight {weight} is too small (stride={stride}, "
            f"padding={padding}, dilation={dilation})"
        )
    return geometry, (input[0] if len(input) == 4 else 1, out_channels, *size)
