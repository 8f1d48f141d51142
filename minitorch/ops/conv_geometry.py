"""What convolutions check of shapes and numbers before anything is computed.

What can be wrong depends on shapes and numbers alone, and a model meets the same ones at every step: the answers are
remembered. One dimension is two of which the first has size 1, so that the geometry is always of two.
"""

from __future__ import annotations

from functools import lru_cache

from .geometry import ConvGeometry, Pair, check_at_least

Shape = tuple[int, ...]


@lru_cache(maxsize=512)
def conv_geometry(
    name: str,
    input: Shape,
    weight: Shape,
    bias: Shape | None,
    stride: Shape,
    padding: Shape | str,
    dilation: Shape,
    groups: int,
) -> tuple[ConvGeometry, Pair]:
    """The checked geometry, and how many rows and columns to drop at the start of the output.

    The number of zeros that ``padding="same"`` needs may be odd, and one more then goes behind the image. Kernels pad
    both sides alike: one more before it gives one more row of output, to be dropped.
    """
    dims = len(stride)
    _check_shapes(name, dims, input, weight, bias, weight[0] if weight else 0)
    _check_groups(name, input, weight, groups)
    check_at_least(name, 1, stride=stride, dilation=dilation)
    channels = input[-dims - 1]
    if channels != weight[1] * groups:
        shapes = f"(input {input}, weight {weight}, groups={groups})"
        raise RuntimeError(f"{name}: input has {channels} channels but weight expects {weight[1] * groups} {shapes}")
    if isinstance(padding, str):
        before, drop = _named_padding(name, padding, weight[2:], stride, dilation)
    else:
        check_at_least(name, 0, padding=padding)
        before, drop = padding, (0,) * dims
    padded = tuple([n + 2 * p for n, p in zip(input[-dims:], before, strict=True)])
    if any(d * (k - 1) + 1 > n for n, k, d in zip(padded, weight[2:], dilation, strict=True)):
        raise RuntimeError(
            f"{name}: the kernel {weight[2:]} with dilation {dilation} is larger than the padded input {padded} "
            f"(input {input}, weight {weight}, padding={padding})"
        )
    return ConvGeometry(_plane(stride, 1), _plane(before, 0), _plane(dilation, 1), groups), _plane(drop, 0)


@lru_cache(maxsize=512)
def conv_transpose_geometry(
    name: str,
    input: Shape,
    weight: Shape,
    bias: Shape | None,
    stride: Shape,
    padding: Shape,
    output_padding: Shape,
    groups: int,
    dilation: Shape,
) -> tuple[ConvGeometry, Shape, Shape | None]:
    """The checked geometry of the convolution whose adjoint is meant, the adjoint's shape as (N, O, H, W), and how to
    pad that, or None.

    The adjoint drops as many rows of padding at both ends, and ``output_padding`` brings some at the end back. That is
    an input size of the same convolution, as long as it is smaller than the stride. Otherwise the convolution is taken
    without its padding, and what shall be dropped, or added, is left to ``pad``.
    """
    dims = len(stride)
    out_channels = weight[1] * groups if len(weight) == dims + 2 else 0
    _check_shapes(name, dims, input, weight, bias, out_channels)
    _check_groups(name, input, weight, groups)
    check_at_least(name, 1, stride=stride, dilation=dilation)
    check_at_least(name, 0, padding=padding, output_padding=output_padding)
    if input[-dims - 1] != weight[0]:
        raise RuntimeError(
            f"{name}: input has {input[-dims - 1]} channels but weight expects {weight[0]} (input {input}, weight "
            f"{weight})"
        )
    if any(extra >= max(s, d) for extra, s, d in zip(output_padding, stride, dilation, strict=True)):
        raise RuntimeError(
            f"{name}: output_padding must be smaller than stride or dilation, got {output_padding}, stride={stride} "
            f"and dilation={dilation}"
        )
    geometry = ConvGeometry(_plane(stride, 1), _plane(padding, 0), _plane(dilation, 1), groups)
    smallest = geometry.transposed_size(_plane(input[-dims:], 1), _plane(weight[2:], 1))
    (ph, pw), (eh, ew) = geometry.padding, _plane(output_padding, 0)
    size = smallest[0] + eh, smallest[1] + ew
    if min(input[-dims:]) < 1 or min(size) < 1:
        raise RuntimeError(
            f"{name}: the output size {size[-dims:]} of input {input} and weight {weight} is too small "
            f"(stride={stride}, padding={padding}, dilation={dilation})"
        )
    images = input[0] if len(input) == dims + 2 else 1, out_channels
    if eh < geometry.stride[0] and ew < geometry.stride[1]:
        return geometry, (*images, *size), None
    whole = smallest[0] + 2 * ph, smallest[1] + 2 * pw
    return geometry._replace(padding=(0, 0)), (*images, *whole), (-pw, ew - pw, -ph, eh - ph)


def _plane(sizes: Shape, height: int) -> Pair:
    """One or two sizes as (height, width)."""
    return (height, *sizes) if len(sizes) == 1 else (sizes[0], sizes[1])


def _named_padding(name: str, padding: str, kernel: Shape, stride: Shape, dilation: Shape) -> tuple[Shape, Shape]:
    """The numbers that ``padding="same"`` or ``"valid"`` stands for, and what to drop of the output for it."""
    if padding == "valid":
        return (0,) * len(kernel), (0,) * len(kernel)
    if padding != "same":
        raise RuntimeError(f"{name}: padding must be 'valid', 'same', or numbers, got {padding!r}")
    if max(stride) > 1:
        raise RuntimeError(f"{name}: padding='same' is not supported for strided convolutions, got stride {stride}")
    zeros = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple([-(-n // 2) for n in zeros]), tuple([n % 2 for n in zeros])


def _check_shapes(name: str, dims: int, input: Shape, weight: Shape, bias: Shape | None, out_channels: int) -> None:
    if len(input) not in (dims + 1, dims + 2):
        sides = "H, W" if dims == 2 else "L"
        raise RuntimeError(f"{name}: expected input of shape (N, C, {sides}) or (C, {sides}), got {input}")
    if len(weight) != dims + 2 or min(weight[2:]) < 1:
        least = "1 × 1" if dims == 2 else "1"
        raise RuntimeError(
            f"{name}: expected weight of {dims + 2} dimensions and a kernel of at least {least}, got {weight}"
        )
    if bias is not None and bias != (out_channels,):
        raise RuntimeError(f"{name}: bias has shape {bias}, expected ({out_channels},) for weight {weight}")


def _check_groups(name: str, input: Shape, weight: Shape, groups: int) -> None:
    if groups < 1:
        raise RuntimeError(f"{name}: groups must be positive, got {groups}")
    if weight[0] % groups:
        raise RuntimeError(
            f"{name}: groups={groups} does not divide the {weight[0]} channels of weight {weight} (input {input})"
        )
