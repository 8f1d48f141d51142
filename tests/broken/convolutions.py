"""Mistakes in convolutions and the algorithms that compute them."""

from __future__ import annotations

from .variant import Variant, row

CONV = "minitorch/ops/conv.py"
CONV_GEOMETRY = "minitorch/ops/conv_geometry.py"
DIRECT = "minitorch/ops/conv_algorithms/direct.py"
IM2COL = "minitorch/ops/conv_algorithms/im2col.py"
FFT = "minitorch/ops/conv_algorithms/fft.py"


def gradients(algorithm: str) -> str:
    """The tests that compare the gradients that an algorithm computes with the slopes of its results."""
    return f"tests/ops/test_conv_algorithms.py -k 'gradients and {algorithm}'"


VARIANTS = [
    Variant(
        "conv2d: a term of second order is missing",
        "the gradient of the weight can't be differentiated by the output's",
        CONV,
        "            grad_grad_output = Conv2d.apply(input, grad_weight, None, *how)\n",
        "            grad_grad_output = None\n",
        row("conv2d"),
    ),
    Variant(
        "conv1d: strides of the height",
        "the stride of a signal is taken for that of its single row",
        CONV_GEOMETRY,
        "return (height, *sizes) if len(sizes) == 1",
        "return (*sizes, height) if len(sizes) == 1",
        row("conv1d"),
    ),
    Variant(
        "conv2d: 'same' on the wrong side",
        "the surplus of an even kernel is padded at the beginning, not at the end",
        CONV,
        "output = output[..., drop[0] :, drop[1] :]",
        "output = output[..., : output.data.shape[2] - drop[0], : output.data.shape[3] - drop[1]]",
        row("conv2d"),
    ),
    Variant(
        "conv2d: 'same' without dilation",
        "the padding is that of a kernel that isn't dilated",
        CONV_GEOMETRY,
        "zeros = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]",
        "zeros = [k - 1 for k in kernel]",
        row("conv2d"),
    ),
    Variant(
        "conv_transpose2d: height for width",
        "the additional rows are columns",
        CONV_GEOMETRY,
        "size = smallest[0] + eh, smallest[1] + ew",
        "size = smallest[0] + ew, smallest[1] + eh",
        row("conv_transpose2d"),
    ),
    Variant(
        "conv_transpose2d: output padding at the beginning",
        "where the output is padded after all, its zeros come first",
        CONV_GEOMETRY,
        "(-pw, ew - pw, -ph, eh - ph)",
        "(ew - pw, -pw, eh - ph, -ph)",
        row("conv_transpose2d"),
    ),
    Variant(
        "direct: the last tap wins",
        "where windows overlap, the gradient of the input isn't summed",
        DIRECT,
        "seen += self._product(matrices[..., kh, kw], rows).reshape(seen.shape)",
        "seen[...] = self._product(matrices[..., kh, kw], rows).reshape(seen.shape)",
        gradients("direct"),
    ),
    Variant(
        "im2col: images for channels",
        "the product is read as (N, O), though its rows are channels",
        IM2COL,
        "output.reshape(O, N, *output_size).swapaxes(0, 1)",
        "output.reshape(N, O, *output_size)",
        gradients("im2col"),
    ),
    Variant(
        "fft: a true convolution",
        "the kernel is turned round: its transform isn't conjugated",
        FFT,
        "x, w.conj(), optimize=True",
        "x, w, optimize=True",
        gradients("fft"),
    ),
    Variant(
        "fft: no room for padding",
        "the plane is as large as the image without its padding",
        FFT,
        "return _quick_size(size[0] + 2 * padding[0]), _quick_size(size[1] + 2 * padding[1])",
        "return _quick_size(size[0]), _quick_size(size[1])",
        gradients("fft"),
    ),
    Variant(
        "taps: one dilation for both axes",
        "the columns of a kernel lie as far apart as its rows",
        "minitorch/ops/conv_algorithms/taps.py",
        "kh * dilation[0], kw * dilation[1]",
        "kh * dilation[0], kw * dilation[0]",
        gradients("direct"),
    ),
]
