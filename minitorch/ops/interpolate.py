"""Images (and signals, and volumes) in another size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..devices import on_its_device
from ..tensor import Tensor
from .adaptive_pool import adaptive_avg_pool1d, adaptive_avg_pool2d
from .dispatch import in_float32
from .geometry import int_of
from .resample import TAPS, Resample
from .shape import reshape

# Over how many dimensions each mode resamples.
DIMS = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
    "area": (1, 2, 3),
}
WITHOUT_CORNERS = ("nearest", "nearest-exact", "area")


@on_its_device
def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """``input`` in another size: as many elements as wanted, made of those that lie nearest.

    Args:
        input: (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: the new L, H and W, or D, H and W; one number for all, or one each.
        scale_factor: or by what they are multiplied (and rounded down).
        mode: how the elements of the output are made:

            - ``"nearest"``: one element, at position ``⌊i·L/OL⌋`` for element i of OL; ``"nearest-exact"``: the one in
              whose middle it lies, at ``⌊(i + ½)·L/OL⌋``.
            - ``"linear"`` (3-D input), ``"bilinear"`` (4-D), ``"trilinear"`` (5-D): the weighted mean of both
              neighbours in each dimension.
            - ``"bicubic"`` (4-D): four neighbours in each dimension, by Keys' cubic polynomial with a = -3/4; the
              result may overshoot.
            - ``"area"``: the mean of an interval in each dimension, that of :func:`adaptive_avg_pool2d`.
        align_corners: for the linear and cubic modes: whether the middles of the outermost elements lie on each other,
            or (False, the default) their outer edges.
        recompute_scale_factor: take for the positions the ratio of the sizes, not ``scale_factor``, from which it
            differs by rounding.
        antialias: can only be False.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> image = minitorch.tensor([[[[0., 4.]]]])
    >>> F.interpolate(image, scale_factor=(1, 2))
    tensor([[[[0., 0., 4., 4.]]]])
    >>> F.interpolate(image, size=(1, 4), mode="bilinear")
    tensor([[[[0., 1., 3., 4.]]]])

    Differentiable in all modes: each is linear in ``input``. Positions are computed as PyTorch does, for ``"nearest"``
    as it does for images: for signals and volumes its own result and its gradient take different elements where a
    position falls on a boundary, and ours are those of its gradient.

    Raises:
        ValueError: not one of ``size`` and ``scale_factor`` is given, or not one for each dimension; ``align_corners``
            is given for a mode without positions in between; ``recompute_scale_factor`` with ``size``.
        TypeError: a size is no int, or a scale factor no number.
        RuntimeError: the input (except for N) or the output would have no elements.
        NotImplementedError: there is no such mode, or not for this rank or dtype; ``antialias`` is True.

    Keys, "Cubic convolution interpolation for digital image processing" (1981).
    """
    _check_options(mode, align_corners, antialias)
    out_size, factors = _sizes(tuple(input.data.shape[2:]), size, scale_factor, bool(recompute_scale_factor))
    _check(input, mode, out_size)
    if mode == "area":
        return _area(input, out_size)
    arguments = (input, out_size, factors, mode, bool(align_corners))
    return in_float32(_resampled, *arguments) if input.data.dtype.itemsize == 2 else _resampled(*arguments)


def _resampled(
    input: Tensor, out_size: tuple[int, ...], factors: list[float | None], mode: str, align_corners: bool
) -> Tensor:
    """Weighted means of neighbours, one dimension after the other."""
    xp, dtype = input.backend.xp, input.data.dtype
    output = input
    for k in reversed(range(len(out_size))):
        taps = TAPS[mode](xp, input.data.shape[2 + k], out_size[k], factors[k], align_corners, dtype)
        output = Resample.apply(output, 2 + k, taps)
    return output


def _area(input: Tensor, out_size: tuple[int, ...]) -> Tensor:
    """Means over intervals. Those of a volume are means over its planes first, then over its depth."""
    if len(out_size) == 1:
        return adaptive_avg_pool1d(input, out_size[0])
    if len(out_size) == 2:
        return adaptive_avg_pool2d(input, (out_size[0], out_size[1]))
    N, C, D, H, W = input.data.shape
    OD, OH, OW = out_size
    planes = adaptive_avg_pool2d(reshape(input, (N, C * D, H, W)), (OH, OW))
    output = adaptive_avg_pool2d(reshape(planes, (N, C, D, OH * OW)), (OD, None))
    return reshape(output, (N, C, OD, OH, OW))


def _sizes(
    spatial: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool
) -> tuple[tuple[int, ...], list[float | None]]:
    """The output's size, and the scale factors by which positions are computed: None means the ratio of the sizes."""
    ratios: list[float | None] = [None] * len(spatial)
    if size is not None and scale_factor is not None:
        raise ValueError(f"interpolate: only one of size or scale_factor should be defined, got {size}, {scale_factor}")
    if size is not None:
        sizes = tuple([int_of("interpolate", "size", n) for n in _each("size", size, spatial)])
        if recompute:
            raise ValueError(f"interpolate: recompute_scale_factor is not meaningful with an explicit size, got {size}")
        return sizes, ratios
    if scale_factor is None:
        raise ValueError("interpolate: either size or scale_factor should be defined")
    factors = _each("scale_factor", scale_factor, spatial)
    for factor in factors:
        if not isinstance(factor, (int, float)):
            raise TypeError(f"interpolate: scale_factor must be a number or a tuple of numbers, got {scale_factor!r}")
        if not math.isfinite(factor):
            raise RuntimeError(f"interpolate: scale_factor must be finite, got {scale_factor}")
    sizes = tuple([int(n * factor) for n, factor in zip(spatial, factors, strict=True)])
    return sizes, ratios if recompute else factors


def _each(name: str, value: Any, spatial: tuple[int, ...]) -> list[Any]:
    """A number for each of the dimensions, of one for all or one each."""
    if not isinstance(value, (tuple, list)):
        return [value] * len(spatial)
    if len(value) != len(spatial):
        raise ValueError(
            f"interpolate: Input and {name} must have the same number of spatial dimensions, but got input with "
            f"spatial dimensions of {list(spatial)} and {name}={value}; input is (N, C, L), (N, C, H, W) or "
            f"(N, C, D, H, W)"
        )
    return list(value)


def _check_options(mode: str, align_corners: bool | None, antialias: bool) -> None:
    if mode in WITHOUT_CORNERS and align_corners is not None:
        raise ValueError(
            "interpolate: align_corners option can only be set with the interpolating modes: linear | bilinear | "
            f"bicubic | trilinear, got mode={mode!r} and align_corners={align_corners}"
        )
    if antialias:
        raise NotImplementedError("interpolate: there is no antialiasing; antialias must be False")


def _check(input: Tensor, mode: str, out_size: tuple[int, ...]) -> None:
    """Whether there is such a mode for the input's rank and dtype, and whether something is there to resample."""
    shape, dtype = tuple(input.data.shape), input.data.dtype
    if not 3 <= len(shape) <= 5 or mode not in DIMS:
        raise NotImplementedError(
            f"interpolate: Only 3D, 4D and 5D input Tensors supported (got {len(shape)}D) for the modes: "
            f"{' | '.join(DIMS)} (got {mode})"
        )
    if len(shape) - 2 not in DIMS[mode]:
        needed = " or ".join(f"{dims + 2}D" for dims in DIMS[mode])
        raise NotImplementedError(f"interpolate: Got {len(shape)}D input, but {mode} mode needs {needed} input")
    if dtype.kind != "f" and not (dtype == "uint8" and mode in ("nearest", "nearest-exact")):
        raise NotImplementedError(
            f"interpolate: mode {mode!r} is not implemented for {input.dtype}; convert it with .to(minitorch.float32)"
        )
    if 0 in shape[1:] or min(out_size) < 1:
        raise RuntimeError(
            f"interpolate: Input and output sizes should be greater than 0, but got input {shape} and output size "
            f"{out_size}"
        )
