"""Hypothesis strategies for arrays, tensors, and the geometry of convolutions and pools.

They build valid cases instead of rejecting invalid ones, and they draw shapes, not elements: the elements come from a
generator seeded with one drawn number. That is fast, and a failing example shrinks to a small shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from ..dtypes import as_dtype, get_default_dtype
from ..ops.creation import from_numpy
from ..tensor import Tensor

Array = NDArray[Any]
Shape = tuple[int, ...]
Pair = tuple[int, int]

# ---- shapes --------------------------------------------------------------------------------------------------------


@st.composite
def shapes(
    draw: st.DrawFn,
    *,
    min_dims: int = 0,
    max_dims: int = 4,
    min_side: int = 0,
    max_side: int = 6,
    empty: bool = False,
) -> Shape:
    """Shapes with ``min_dims`` to ``max_dims`` dimensions of ``min_side`` to ``max_side`` elements.

    With ``min_side=0``, about one shape in eight has an empty dimension; with ``empty=True``, every one that has any.

    >>> from hypothesis import given
    >>> @given(shapes(max_dims=2, max_side=3))
    ... def test(shape):
    ...     assert len(shape) <= 2 and all(side <= 3 for side in shape)
    >>> test()
    """
    empty = empty and min_side == 0 and max_dims > 0
    side = st.integers(max(min_side, 1), max_side)
    shape = draw(st.lists(side, min_size=max(min_dims, int(empty)), max_size=max_dims))
    if shape and min_side == 0 and (empty or draw(_one_in(8))):
        shape[draw(st.integers(0, len(shape) - 1))] = 0
    return tuple(shape)


@st.composite
def broadcastable(
    draw: st.DrawFn,
    count: int = 2,
    *,
    min_dims: int = 0,
    max_dims: int = 4,
    min_side: int = 0,
    max_side: int = 5,
    empty: bool = False,
) -> tuple[Shape, ...]:
    """``count`` shapes that broadcast together: each lacks some leading dimensions and has 1 for some others.

    >>> import minitorch
    >>> from hypothesis import given
    >>> @given(broadcastable(3))
    ... def test(three):
    ...     np.broadcast_shapes(*three)  # raises where they don't
    >>> test()
    """
    bounds = {"min_dims": min_dims, "max_dims": max_dims, "min_side": min_side, "max_side": max_side}
    result = draw(shapes(**bounds, empty=empty))
    operands = []
    for _ in range(count):
        kept = result[draw(st.integers(0, len(result) - min_dims)) :]
        operands.append(tuple(1 if draw(_one_in(4)) else side for side in kept))
    if empty:
        operands[draw(st.integers(0, count - 1))] = result  # the empty dimension may have been left out of all
    return tuple(operands)


def _one_in(n: int) -> st.SearchStrategy[bool]:
    """True once in ``n`` times; shrinks to False."""
    return st.integers(0, n - 1).map(lambda i: i == n - 1)


# ---- arrays --------------------------------------------------------------------------------------------------------


def _integers(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.integers(-4, 5, shape)


def _normal(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.standard_normal(shape)


def _positive(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(0.5, 2.0, shape)


def _nonzero(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape))


def _inside(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(-0.9, 0.9, shape)


def _distinct(rng: np.random.Generator, shape: Shape) -> Array:
    size = math.prod(shape)
    return (rng.permutation(size).reshape(shape) - size // 2) / 4 + 0.125


def _special(rng: np.random.Generator, shape: Shape) -> Array:
    kinds = ([np.nan, np.inf, -np.inf, 0.0, -0.0], [-np.inf], [np.nan, -np.inf])[rng.integers(3)]
    return np.where(rng.random(shape) < rng.choice([0.3, 0.9]), rng.choice(kinds, shape), rng.integers(-4, 5, shape))


VALUES: dict[str, Callable[[np.random.Generator, Shape], Array]] = {
    "integers": _integers,
    "normal": _normal,
    "positive": _positive,
    "nonzero": _nonzero,
    "inside": _inside,
    "distinct": _distinct,
    "special": _special,
}

# "contiguous" comes first: Hypothesis simplifies a failing example towards it.
LAYOUTS = ("contiguous", "read-only", "transposed", "strided", "reversed", "unaligned", "broadcast")
# Those in which no two elements are one: gradients are checked by moving elements one at a time.
SEPARATE = tuple(layout for layout in LAYOUTS if layout != "broadcast")


@st.composite
def arrays(
    draw: st.DrawFn,
    shape: Shape | st.SearchStrategy[Shape],
    dtype: Any = np.float32,
    *,
    values: str = "normal",
    layouts: tuple[str, ...] = LAYOUTS,
) -> Array:
    """Arrays of a given or drawn shape.

    Args:
        shape: a shape, or a strategy for shapes.
        dtype: anything that ``numpy.dtype`` takes.
        values: what the elements are.
            ``"normal"``: normally distributed numbers.
            ``"integers"``: -4 … 4. Their sums and products are exact in float32, so that every order of summation
            gives the same bits.
            ``"positive"``: between 1/2 and 2. ``"nonzero"``: the same, of either sign.
            ``"inside"``: between -0.9 and 0.9, inside the domain of asin and atanh.
            ``"distinct"``: a permutation of numbers 1/4 apart from each other and 1/8 from every multiple of 1/4: for
            max and ReLU, which have no derivative where elements are equal or 0.
            ``"special"``: some or most NaN, ±inf and ±0, or -inf alone, the others integers.
        layouts: how they may lie in memory: ``"contiguous"``, ``"read-only"``, ``"transposed"`` (Fortran order),
            ``"strided"`` (every other element), ``"reversed"`` (negative strides), ``"unaligned"`` (starts between
            two vectors), ``"broadcast"`` (a dimension of stride 0, hence equal elements and read-only).

    >>> import minitorch
    >>> from hypothesis import given
    >>> @given(arrays(shapes(min_dims=1), np.float64, values="distinct"))
    ... def test(array):
    ...     assert array.dtype == np.float64
    >>> test()
    """
    if not isinstance(shape, tuple):
        shape = draw(shape)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    array = np.asarray(VALUES[values](rng, shape)).astype(dtype)
    return with_layout(array, draw(st.sampled_from(layouts)))


@st.composite
def tensors(
    draw: st.DrawFn,
    shape: Shape | st.SearchStrategy[Shape],
    dtype: Any = None,
    *,
    values: str = "normal",
    layouts: tuple[str, ...] | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Tensors of a given or drawn shape: those of :func:`arrays`.

    Args:
        dtype: the default dtype if None; ``minitorch.float64`` for gradients that are checked.
        layouts: all of ``LAYOUTS`` if None, without ``"broadcast"`` where a gradient is required: elements that are
            one in memory have no gradients of their own.
        requires_grad: whether they are leaves that require a gradient.

    >>> from hypothesis import given
    >>> import minitorch
    >>> from minitorch.testing import assert_close
    >>> @given(tensors((2, 3), minitorch.float64, requires_grad=True))
    ... def test(x):
    ...     (gradient,) = minitorch.autograd.grad((x * x).sum(), x)
    ...     assert_close(gradient, 2 * x)
    >>> test()
    """
    if layouts is None:
        layouts = SEPARATE if requires_grad else LAYOUTS
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    tensor = from_numpy(draw(arrays(shape, kind.numpy, values=values, layouts=layouts)))
    tensor.requires_grad = requires_grad
    return tensor


def with_layout(array: Array, layout: str) -> Array:
    """The same elements in one of ``LAYOUTS``; ``"broadcast"`` repeats the first ones along the first long axis."""
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    elif layout == "transposed":
        array = array.copy(order="F")
    elif layout == "strided":
        every_other: tuple[Any, ...] = (..., *(slice(None, None, 2),) * array.ndim)  # a 0-d array stays an array
        larger = np.zeros([2 * side for side in array.shape], array.dtype)
        larger[every_other] = array
        array = larger[every_other]
    elif layout == "reversed":
        backwards: tuple[Any, ...] = (..., *(slice(None, None, -1),) * array.ndim)
        array = array[backwards].copy()[backwards]
    elif layout == "unaligned":
        buffer = np.empty(array.size + 1, array.dtype)
        buffer[1:] = array.ravel()
        array = buffer[1:].reshape(array.shape)
    elif layout == "broadcast":
        axis = next((i for i, side in enumerate(array.shape) if side > 1), None)
        if axis is not None:
            array = np.broadcast_to(array.take([0], axis), array.shape)
    return np.asarray(array)  # indexing an array without dimensions gives a NumPy scalar


# ---- geometry ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Conv2dCase:
    """The shapes and geometry of one valid ``conv2d``.

    >>> import minitorch
    >>> case = Conv2dCase((1, 3, 32, 32), (6, 3, 5, 5), stride=(1, 1), padding=(2, 2), dilation=(1, 1), groups=1)
    >>> case.output_shape
    (1, 6, 32, 32)
    """

    input_shape: tuple[int, int, int, int]  # (N, C, H, W)
    weight_shape: tuple[int, int, int, int]  # (O, C/groups, KH, KW)
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """(N, O, OH, OW)."""
        H, W = self.input_shape[2:]
        KH, KW = self.weight_shape[2:]
        OH = _output_size(H, KH, self.stride[0], self.padding[0], self.dilation[0])
        OW = _output_size(W, KW, self.stride[1], self.padding[1], self.dilation[1])
        return self.input_shape[0], self.weight_shape[0], OH, OW

    @property
    def geometry(self) -> tuple[Pair, Pair, Pair, int]:
        """(stride, padding, dilation, groups)."""
        return self.stride, self.padding, self.dilation, self.groups


@dataclass(frozen=True)
class Pool2dCase:
    """The shapes and geometry of one valid ``max_pool2d``, and of ``avg_pool2d`` where the dilation is 1.

    >>> import minitorch
    >>> Pool2dCase((1, 6, 28, 28), (2, 2), (2, 2), padding=(0, 0), dilation=(1, 1), ceil_mode=False).output_shape
    (1, 6, 14, 14)
    """

    input_shape: tuple[int, int, int, int]  # (N, C, H, W)
    kernel_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    ceil_mode: bool

    @property
    def output_size(self) -> Pair:
        """(OH, OW)."""
        H, W = self.input_shape[2:]
        KH, KW = self.kernel_size
        OH = _output_size(H, KH, self.stride[0], self.padding[0], self.dilation[0], self.ceil_mode)
        OW = _output_size(W, KW, self.stride[1], self.padding[1], self.dilation[1], self.ceil_mode)
        return OH, OW

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """(N, C, OH, OW)."""
        return *self.input_shape[:2], *self.output_size


def _output_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool = False) -> int:
    room = size + 2 * padding - dilation * (kernel - 1) - 1  # how far the window can move
    if not ceil_mode:
        return room // stride + 1
    output = -(-room // stride) + 1
    # The last window must start inside the input or the padding before it.
    return output - 1 if (output - 1) * stride >= size + padding else output


@st.composite
def conv2d_cases(draw: st.DrawFn, *, max_batch: int = 3, max_channels: int = 12, max_size: int = 40) -> Conv2dCase:
    """Valid convolutions, mostly small.

    Among them: strides that don't divide and are larger than the kernel, padding up to and over the kernel, dilation,
    groups (depthwise too), kernel = input, N = C > 1, sizes of 1, and now and then an empty batch or no channels.
    ``max_channels`` and ``max_size`` bound the one dimension that may be long; the others stay below ten or so.

    >>> import minitorch
    >>> from hypothesis import given
    >>> @given(conv2d_cases(max_size=12))
    ... def test(case):
    ...     x, weight = minitorch.zeros(case.input_shape), minitorch.zeros(case.weight_shape)
    ...     assert minitorch.conv2d(x, weight, None, *case.geometry).shape == case.output_shape
    >>> test()
    """
    kernel, stride, dilation = _pair(draw, 1, 4), _pair(draw, 1, 4), _pair(draw, 1, 3)
    padding = _pair(draw, 0, 5)
    groups = draw(st.sampled_from([1, 1, 1, 2, 3, 4]))
    N, C, O = draw(st.integers(1, max_batch)), groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    H, W = (max(1, dilation[i] * (kernel[i] - 1) + 1 - 2 * padding[i]) + draw(st.integers(0, 6)) for i in (0, 1))
    long = draw(st.sampled_from(["none", "none", "height", "width", "input channels", "output channels"]))
    if long == "height":
        H = draw(st.integers(H, max(H, max_size)))
    elif long == "width":
        W = draw(st.integers(W, max(W, max_size)))
    elif long == "input channels":
        C = groups * draw(st.integers(1, max(1, max_channels // groups)))
    elif long == "output channels":
        O = groups * draw(st.integers(1, max(1, max_channels // groups)))
    if draw(_one_in(8)):
        empty = draw(st.sampled_from(["batch", "input channels", "output channels"]))
        N, C, O = N * (empty != "batch"), C * (empty != "input channels"), O * (empty != "output channels")
    return Conv2dCase((N, C, H, W), (O, C // groups, *kernel), stride, padding, dilation, groups)


@st.composite
def pool2d_cases(
    draw: st.DrawFn, *, max_batch: int = 3, max_channels: int = 4, max_size: int = 40, max_dilation: int = 2
) -> Pool2dCase:
    """Valid pools, mostly small: padding up to half of the kernel, overhanging windows, strides over the kernel.

    ``max_size`` bounds the one side that may be long; ``max_dilation=1`` gives what ``avg_pool2d`` takes.

    >>> import minitorch
    >>> from hypothesis import given
    >>> @given(pool2d_cases(max_size=12))
    ... def test(case):
    ...     x = minitorch.zeros(case.input_shape)
    ...     y = minitorch.max_pool2d(x, case.kernel_size, case.stride, case.padding, case.dilation, case.ceil_mode)
    ...     assert y.shape == case.output_shape
    >>> test()
    """
    kernel, stride, dilation = _pair(draw, 1, 5), _pair(draw, 1, 4), _pair(draw, 1, max_dilation)
    padding = tuple(draw(st.integers(0, kernel[i] // 2)) for i in (0, 1))
    sides = [max(1, dilation[i] * (kernel[i] - 1) + 1 - 2 * padding[i]) + draw(st.integers(0, 6)) for i in (0, 1)]
    long = draw(st.sampled_from([None, None, 0, 1]))
    if long is not None:
        sides[long] = draw(st.integers(sides[long], max(sides[long], max_size)))
    N, C = draw(st.integers(1, max_batch)), draw(st.integers(1, max_channels))
    if draw(_one_in(8)):
        N, C = draw(st.sampled_from([(0, C), (N, 0)]))
    H, W = sides
    return Pool2dCase((N, C, H, W), kernel, stride, (padding[0], padding[1]), dilation, ceil_mode=draw(st.booleans()))


def _pair(draw: st.DrawFn, low: int, high: int) -> Pair:
    return draw(st.integers(low, high)), draw(st.integers(low, high))
