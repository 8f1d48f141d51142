"""Rows of the operations that change the size of images.

The references go from element to element. Those of the interpolating modes sum over the whole input, weighted by a
function of the distance, and compute positions as exact fractions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from .row import INTEGERS_AND_BOOL, Array, Case, Mistake, Op, Shape, Source, functional, named, taken

MODES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
# Those that are no exact binary numbers have reciprocals which float32 rounds up, so that ⌊3·(1/1.5)⌋ is 2.
FACTORS = (0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3)


def _resized(s: Source, dims: int) -> tuple[Array, dict[str, Any]]:
    """An input of small sides, and a new size for it: absolute or relative, one for all sides or one each."""
    sides = tuple(s.integer(2, 5 if dims < 3 else 3) for _ in range(dims))
    x = s.array((s.integer(1, 2), s.integer(1, 2), *sides))
    numbers = FACTORS if s.flag() else range(1, 9 if dims < 3 else 5)
    value = s.one_of(*numbers) if s.flag() else tuple(s.one_of(*numbers) for _ in range(dims))
    if numbers is not FACTORS:
        return x, {"size": value}
    return x, {"scale_factor": value, "recompute_scale_factor": s.one_of(None, False, True)}


def _nearest(s: Source) -> Case:
    x, kwargs = _resized(s, s.one_of(2, 1, 3))
    return Case((x,), {**kwargs, "mode": s.one_of("nearest", "nearest-exact")})


def _between(s: Source) -> Case:
    mode = s.one_of(*MODES)
    x, kwargs = _resized(s, MODES[mode])
    return Case((x,), {**kwargs, "mode": mode, "align_corners": s.one_of(None, False, True)})


def _area(s: Source) -> Case:
    x, kwargs = _resized(s, s.one_of(2, 1, 3))
    return Case((x,), {**kwargs, "mode": "area"})


def _sides(sides: Shape, size: Any, scale_factor: Any, recompute: Any) -> list[tuple[int, int, Fraction]]:
    """(old side, new side, step from one new element to the next in the old side) of each dimension."""
    sizes, factors = (v if isinstance(v, tuple) else (v,) * len(sides) for v in (size, scale_factor))
    out = []
    for n, new, factor in zip(sides, sizes, factors, strict=True):
        new = math.floor(n * factor) if new is None else new
        out.append((n, new, Fraction(n, new) if factor is None or recompute else 1 / Fraction(factor)))
    return out


def _taken_nearest(
    x: Array, *, mode: str, size: Any = None, scale_factor: Any = None, recompute_scale_factor: Any = None
) -> Array:
    positions = []
    for n, new, step in _sides(x.shape[2:], size, scale_factor, recompute_scale_factor):
        if mode == "nearest-exact":
            exact = [math.floor((i + Fraction(1, 2)) * step) for i in range(new)]
        else:
            exact = [math.floor(i * (Fraction(n, new) if new in (n, 2 * n) else step)) for i in range(new)]
        positions.append([min(p, n - 1) for p in exact])
    shape = (*x.shape[:2], *map(len, positions))
    return taken(x, shape, lambda i: (*i[:2], *(p[k] for p, k in zip(positions, i[2:], strict=True))))


def _hat(distance: Fraction) -> Fraction:
    return max(Fraction(0), 1 - abs(distance))


def _keys(distance: Fraction) -> Fraction:
    """The cubic polynomial of Keys (1981), equation 4, for a = -3/4."""
    s, a = abs(distance), Fraction(-3, 4)
    if s < 1:
        return (a + 2) * s**3 - (a + 3) * s**2 + 1
    return a * s**3 - 5 * a * s**2 + 8 * a * s - 4 * a if s < 2 else Fraction(0)


def _matrix(n: int, weight_of: Callable[[int], dict[int, Fraction]], new: int) -> Array:
    """(new side, old side): how much each old element counts for each new one."""
    matrix = np.zeros((new, n))
    for i in range(new):
        for j, weight in weight_of(i).items():
            matrix[i, min(max(j, 0), n - 1)] += float(weight)
    return matrix


def _along_all(x: Array, matrices: list[Array]) -> Array:
    out = np.zeros((*x.shape[:2], *(len(m) for m in matrices)))
    for new in itertools.product(*(range(len(m)) for m in matrices)):
        for old in itertools.product(*(range(m.shape[1]) for m in matrices)):
            weight = math.prod(m[i, j] for m, i, j in zip(matrices, new, old, strict=True))
            out[(..., *new)] += weight * x[(..., *old)]
    return out


def _interpolated(
    x: Array,
    *,
    mode: str,
    align_corners: Any,
    size: Any = None,
    scale_factor: Any = None,
    recompute_scale_factor: Any = None,
) -> Array:
    kernel = _keys if mode == "bicubic" else _hat
    matrices = []
    for n, new, step in _sides(x.shape[2:], size, scale_factor, recompute_scale_factor):

        def weights(i: int, n: int = n, new: int = new, step: Fraction = step) -> dict[int, Fraction]:
            half = Fraction(1, 2)
            position = Fraction(i * (n - 1), max(new - 1, 1)) if align_corners else (i + half) * step - half
            if new == n and mode != "bicubic":
                position = Fraction(i)  # whatever the scale factor
            near = math.floor(position)
            return {j: kernel(position - j) for j in range(near - 2, near + 4)}

        matrices.append(_matrix(n, weights, new))
    return _along_all(x, matrices)


def _means(
    x: Array, *, mode: str, size: Any = None, scale_factor: Any = None, recompute_scale_factor: Any = None
) -> Array:
    matrices = []
    for n, new, _ in _sides(x.shape[2:], size, scale_factor, None):

        def weights(i: int, n: int = n, new: int = new) -> dict[int, Fraction]:
            chosen = [j for j in range(n) if (j + 1) * new > i * n and j * new < (i + 1) * n]
            return {j: Fraction(1, len(chosen)) for j in chosen}

        matrices.append(_matrix(n, weights, new))
    return _along_all(x, matrices)


def _one_rule(case: Case) -> bool:
    """PyTorch has two rules for signals and volumes: a result's own and its gradient's. For images they agree."""
    return case.tensors[0].ndim == 4 or "size" in case.kwargs


def _mistake(error: type[Exception], message: str, *shape: int, dtype: str = "float32", **kwargs: Any) -> Mistake:
    def call(lib: Any) -> Any:
        return lib.nn.functional.interpolate(lib.ones(*shape, dtype=getattr(lib, dtype)), **kwargs)

    return Mistake(call, error, message)


INTERPOLATE = [
    Op(
        "interpolate",
        functional("interpolate"),
        _taken_nearest,
        _nearest,
        linear=True,
        special=True,
        integers=(np.uint8,),
        in_torch=_one_rule,
        mistakes=(
            _mistake(ValueError, "either size or scale_factor should be defined", 1, 1, 4, 4),
            _mistake(ValueError, "only one of size or scale_factor .* got 3, 2", 1, 1, 4, 4, size=3, scale_factor=2),
            _mistake(ValueError, r"spatial dimensions of \[4, 4\] and size=\(1, 2, 3\)", 1, 1, 4, 4, size=(1, 2, 3)),
            _mistake(ValueError, "same number of spatial dimensions", 1, 1, 4, 4, scale_factor=(1, 2, 3)),
            _mistake(ValueError, "align_corners option can only be set", 1, 1, 4, 4, size=3, align_corners=True),
            _mistake(ValueError, "is not meaningful", 1, 1, 4, 4, size=3, recompute_scale_factor=True),
            _mistake(TypeError, "size must be an int, got 1.5", 1, 1, 4, 4, size=(1.5, 2)),
            _mistake(TypeError, "scale_factor must be a number .* got '2'", 1, 1, 4, 4, scale_factor="2"),
            _mistake(RuntimeError, "must be finite, got nan", 1, 1, 4, 4, scale_factor=math.nan),
            _mistake(RuntimeError, r"greater than 0, .*output size \(0, 0\)", 1, 1, 4, 4, size=0),
            _mistake(RuntimeError, r"greater than 0, .*output size \(0, 0\)", 1, 1, 4, 4, scale_factor=0.1),
            _mistake(RuntimeError, r"greater than 0, .*input \(1, 0, 4, 4\)", 1, 0, 4, 4, size=3),
            _mistake(RuntimeError, r"greater than 0, .*input \(1, 1, 0, 4\)", 1, 1, 0, 4, size=3),
            _mistake(NotImplementedError, r"Only 3D, 4D and 5D input Tensors supported \(got 2D\)", 4, 4, size=3),
            _mistake(NotImplementedError, r"\(got lanczos5\)", 1, 1, 4, 4, size=3, mode="lanczos5"),
            _mistake(NotImplementedError, "'nearest' is not implemented for .*int64", 1, 1, 4, dtype="int64", size=3),
        ),
    ),
    Op(
        "interpolate(between)",
        functional("interpolate"),
        _interpolated,
        _between,
        linear=True,
        mistakes=(
            _mistake(NotImplementedError, "Got 4D input, but linear mode needs 3D", 1, 1, 4, 4, size=3, mode="linear"),
            _mistake(NotImplementedError, "Got 3D input, but bilinear mode needs 4D", 1, 4, 4, size=3, mode="bilinear"),
            _mistake(NotImplementedError, "not implemented for .*int64", 1, 1, 4, dtype="int64", size=3, mode="linear"),
            Mistake(
                lambda lib: lib.nn.functional.interpolate(lib.ones(1, 1, 4, 4), 2, mode="bilinear", antialias=True),
                NotImplementedError,
                "antialias must be False",
                as_pytorch=False,
            ),
        ),
    ),
    Op(
        "interpolate(area)",
        functional("interpolate"),
        _means,
        _area,
        linear=True,
        mistakes=(_mistake(RuntimeError, "greater than 0", 1, 1, 4, 4, size=-1, mode="area"),),
    ),
]

# ---- pixel shuffle ---------------------------------------------------------------------------------------------------


def _pixel_shuffle(s: Source) -> Case:
    r = s.integer(1, 3)
    return Case((s.array((*s.shape(max_dims=2), s.integer(0, 2) * r * r, *s.shape(2, 2))),), {"upscale_factor": r})


def _shuffled(x: Array, upscale_factor: int) -> Array:
    r, (*batch, C, H, W) = upscale_factor, x.shape
    shape = (*batch, C // r**2, H * r, W * r)
    return taken(x, shape, lambda i: (*i[:-3], i[-3] * r * r + i[-2] % r * r + i[-1] % r, i[-2] // r, i[-1] // r))


def _pixel_unshuffle(s: Source) -> Case:
    r = s.integer(1, 3)
    H, W = s.shape(2, 2)
    return Case((s.array((*s.shape(max_dims=2), s.integer(0, 2), H * r, W * r)),), {"downscale_factor": r})


def _unshuffled(x: Array, downscale_factor: int) -> Array:
    r, (*batch, C, H, W) = downscale_factor, x.shape
    shape = (*batch, C * r**2, H // r, W // r)
    return taken(x, shape, lambda i: (*i[:-3], i[-3] // r**2, i[-2] * r + i[-3] % r**2 // r, i[-1] * r + i[-3] % r))


def _shuffle_mistakes(name: str, misfit: str, fitting: Shape) -> tuple[Mistake, ...]:
    def mistake(error: type[Exception], message: str, shape: Shape, factor: Any) -> Mistake:
        return Mistake(lambda lib: getattr(lib, name)(lib.ones(*shape), factor), error, f"{name}.*{message}")

    return (
        mistake(RuntimeError, misfit, (1, 3, 3, 3), 2),
        mistake(RuntimeError, r"at least 3 dimensions, but got input with 2", (4, 4), 2),
        mistake(RuntimeError, "a positive (up|down)scale_factor, but got 0", fitting, 0),
        mistake(RuntimeError, "a positive (up|down)scale_factor, but got -1", fitting, -1),
        mistake(TypeError, "scale_factor.* must be (an )?int", fitting, 1.5),
    )


MOVING = {
    "linear": True,
    "special": True,
    "integers": INTEGERS_AND_BOOL,
    "in_torch": lambda case: case.tensors[0].size > 0,  # its gradients of nothing have another shape than their input
}
SHUFFLES = [
    Op(
        "pixel_shuffle",
        named("pixel_shuffle"),
        _shuffled,
        _pixel_shuffle,
        mistakes=_shuffle_mistakes("pixel_shuffle", r"size\(-3\)=3 is not divisible by 4", (1, 4, 3, 3)),
        **MOVING,
    ),
    Op(
        "pixel_unshuffle",
        named("pixel_unshuffle"),
        _unshuffled,
        _pixel_unshuffle,
        mistakes=_shuffle_mistakes("pixel_unshuffle", r"height .*size\(-2\)=3 is not divisible by 2", (1, 1, 4, 4)),
        **MOVING,
    ),
]

ROWS = INTERPOLATE + SHUFFLES
