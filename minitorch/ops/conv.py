"""Convolution over one and two dimensions, as in neural networks: cross-correlation, in groups, with stride, dilation.

A convolution is linear in its input and in its weight. So the three operations below, which the protocol of the
backends also names, are one another's gradients, and convolutions can be differentiated as often as one likes.
"""

from __future__ import annotations

from typing import Any

from ..tensor import Function, Tensor, wrap
from .conv_algorithms import ConvKernels, kernels_of
from .conv_geometry import conv_geometry
from .dispatch import check_floating, in_float32
from .geometry import ConvGeometry, Pair, int_of, sizes_of
from .images import from_images, to_images

Shape = tuple[int, ...]


class Conv2d(Function):
    """y[n,o] = b[o] + Σ_c w[o,c] ⋆ x[n,c].

    ``kernels`` computes it: the backend, or one of ``conv_algorithms``. It goes on to the gradients.
    """

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None, geometry: ConvGeometry, kernels: ConvKernels
    ) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.geometry, ctx.kernels = geometry, kernels
        bias_array = None if bias is None else bias.data
        return wrap(kernels.conv2d(input.data, weight.data, bias_array, *geometry), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, weight = ctx.saved_tensors
        how = ctx.geometry, ctx.kernels
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = Conv2dBackwardInput.apply(grad_output, weight, input.data.shape, *how)
        if ctx.needs_input_grad[1]:
            grad_weight = Conv2dBackwardWeight.apply(input, grad_output, weight.data.shape, *how)
        if ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum((0, 2, 3))
        return grad_input, grad_weight, grad_bias, None, None


class Conv2dBackwardInput(Function):
    """x[n,c] = Σ_o w[o,c] ∗ g[n,o]: the adjoint of ``Conv2d`` in its input, known as transposed convolution."""

    @staticmethod
    def forward(
        ctx: Any,
        grad_output: Tensor,
        weight: Tensor,
        input_shape: Shape,
        geometry: ConvGeometry,
        kernels: ConvKernels,
    ) -> Tensor:
        ctx.save_for_backward(grad_output, weight)
        ctx.geometry, ctx.kernels = geometry, kernels
        array = kernels.conv2d_backward_input(grad_output.data, weight.data, input_shape, *geometry)
        return wrap(array, grad_output.backend)

    @staticmethod
    def backward(ctx: Any, grad_input: Tensor) -> Any:
        # `grad_input` has the shape of Conv2d's input, and is the gradient of what forward returned.
        grad_output, weight = ctx.saved_tensors
        how = ctx.geometry, ctx.kernels
        grad_grad_output = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_grad_output = Conv2d.apply(grad_input, weight, None, *how)
        if ctx.needs_input_grad[1]:
            grad_weight = Conv2dBackwardWeight.apply(grad_input, grad_output, weight.data.shape, *how)
        return grad_grad_output, grad_weight, None, None, None


class Conv2dBackwardWeight(Function):
    """w[o,c] = Σ_n g[n,o] ⋆ x[n,c]: the adjoint of ``Conv2d`` in its weight."""

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        grad_output: Tensor,
        weight_shape: Shape,
        geometry: ConvGeometry,
        kernels: ConvKernels,
    ) -> Tensor:
        ctx.save_for_backward(input, grad_output)
        ctx.geometry, ctx.kernels = geometry, kernels
        array = kernels.conv2d_backward_weight(input.data, grad_output.data, weight_shape, *geometry)
        return wrap(array, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_weight: Tensor) -> Any:
        input, grad_output = ctx.saved_tensors
        how = ctx.geometry, ctx.kernels
        grad_input = grad_grad_output = None
        if ctx.needs_input_grad[0]:
            grad_input = Conv2dBackwardInput.apply(grad_output, grad_weight, input.data.shape, *how)
        if ctx.needs_input_grad[1]:
            grad_grad_output = Conv2d.apply(input, grad_weight, None, *how)
        return grad_input, grad_grad_output, None, None, None


def kernels_for(name: str, algorithm: str, *operands: Tensor) -> ConvKernels:
    """What computes a convolution of ``operands`` by ``algorithm``; checks their dtypes and devices too."""
    check_floating(name, *operands, integers=algorithm in ("auto", "direct"))
    if algorithm == "auto" and operands[0].data.dtype.kind != "f":
        algorithm = "direct"  # the backends' kernels are of floating-point numbers
    return kernels_of(algorithm, operands[0].backend)


def _convolve(
    name: str,
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    algorithm: str,
) -> Tensor:
    """Convolution over ``dims`` dimensions, 1 or 2."""
    kernels = kernels_for(name, algorithm, *((input, weight) if bias is None else (input, weight, bias)))
    if input.data.dtype.itemsize == 2:
        return in_float32(_convolve, name, dims, input, weight, bias, stride, padding, dilation, groups, algorithm)
    geometry, drop = conv_geometry(
        name,
        input.data.shape,
        weight.data.shape,
        None if bias is None else bias.data.shape,
        sizes_of(name, "stride", stride, dims),
        padding if isinstance(padding, str) else sizes_of(name, "padding", padding, dims),
        sizes_of(name, "dilation", dilation, dims),
        int_of(name, "groups", groups),
    )
    output = Conv2d.apply(to_images(input, dims), to_images(weight, dims), bias, geometry, kernels)
    if drop != (0, 0):
        output = output[..., drop[0] :, drop[1] :]
    return from_images(output, input.data.shape, dims)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int] = 1,
    padding: int | tuple[int] | str = 0,
    dilation: int | tuple[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Slides a kernel over signals: :func:`conv2d` in one dimension, of images with one row.

    Args:
        input: (N, C, L), or (C, L) for one signal.
        weight: (O, C/groups, K).
        bias: (O,).
        stride, padding, dilation, groups: as in :func:`conv2d`, numbers or tuples of one.

    Returns:
        (N, O, OL), or (O, OL) for one signal, with ``OL = (L + 2·padding - dilation·(K - 1) - 1) // stride + 1``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.conv1d(minitorch.tensor([[1., 2., 4., 8.]]), minitorch.tensor([[[-1., 1.]]]))
    tensor([[1., 2., 4.]])

    Raises:
        RuntimeError: as :func:`conv2d`.
    """
    return _convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups, "auto")


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair | str = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
    *,
    algorithm: str = "auto",
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
        algorithm: how to compute it, and its gradients: ``"auto"``, the backend's kernels (on a CPU by Winograd's
            algorithm where that is faster, unless ``minitorch.backends.winograd.enabled`` is False); ``"direct"``,
            ``"im2col"`` or ``"fft"``, array code that shows how convolutions can be computed, in
            :mod:`minitorch.ops.conv_algorithms`. PyTorch has no such argument, nor has ``nn.functional.conv2d``.

    Returns:
        (N, O, OH, OW), or (O, OH, OW) for one image, with
        ``OH = (H + 2·padding - dilation·(KH - 1) - 1) // stride + 1``. In the operands' one dtype: floating, or of
        integers, for which ``"auto"`` means ``"direct"``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> image = minitorch.arange(16.).reshape(1, 1, 4, 4)
    >>> F.conv2d(image, minitorch.ones(1, 1, 2, 2), stride=2)
    tensor([[[[10., 18.],
              [42., 50.]]]])

    Raises:
        RuntimeError: ranks, channels, groups or the bias don't fit; the kernel is larger than the padded input; stride
            or dilation is not positive, padding negative; dtypes or devices differ, or the algorithm can't take them.
        ValueError: there is no such algorithm.

    LeCun et al., "Gradient-based learning applied to document recognition" (1998), section II.A.
    """
    return _convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups, algorithm)
