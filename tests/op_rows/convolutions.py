"""Rows of convolution.

The references go from pixel to pixel: nothing here is slid, unfolded or multiplied as a matrix.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minitorch.testing import Conv2dCase, conv2d_cases

from .row import INTEGERS, Array, Case, Mistake, Op, Shape, Source, functional


def _has_channels(case: Case) -> bool:
    """PyTorch takes no images or weights without channels where this is asked."""
    return all(0 not in tensor.shape[1 if k == 0 else 0 :] for k, tensor in enumerate(case.tensors))


def _called(name: str) -> Callable[..., Any]:
    """``functional(name)`` without PyTorch's warning that ``padding="same"`` is slow for even kernels."""

    def call(lib: Any, *tensors: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using padding='same' with even kernel", UserWarning)
            return functional(name)(lib, *tensors, **kwargs)

    return call


def _conv(dims: int) -> Callable[[Source], Case]:
    """Convolutions over the last ``dims`` dimensions of the cases, a third of them of one image without a batch."""

    def case(s: Source) -> Case:
        case = s.draw(conv2d_cases(max_batch=2, max_channels=4, max_size=6))
        kwargs = _options(case, dims)
        if s.integer(0, 3) == 3:
            kwargs.update(stride=(1,) * dims, padding="same")
        return _operands(s, _without_height(case.input_shape, dims), _without_height(case.weight_shape, dims), kwargs)

    return case


def _conv_transpose(dims: int) -> Callable[[Source], Case]:
    """The transpose of a convolution, from its output's shape to its input's: what remains is output padding.

    Or with any output padding, where dilation allows for more than the stride does.
    """

    def case(s: Source) -> Case:
        case = s.draw(conv2d_cases(max_batch=2, max_channels=4, max_size=6))
        kwargs = _options(case, dims)
        smallest = [
            (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
            for size, stride, padding, dilation, kernel in zip(
                case.output_shape[-dims:],
                kwargs["stride"],
                kwargs["padding"],
                kwargs["dilation"],
                case.weight_shape[-dims:],
                strict=True,
            )
        ]
        kwargs["output_padding"] = tuple(n - m for n, m in zip(case.input_shape[-dims:], smallest, strict=True))
        if min(smallest) > 0 and s.flag():
            limits = map(max, kwargs["stride"], kwargs["dilation"])
            kwargs["output_padding"] = tuple(s.integer(0, limit - 1) for limit in limits)
        shapes = _without_height(case.output_shape, dims), _without_height(case.weight_shape, dims)
        return _operands(s, *shapes, kwargs, out_channels=case.input_shape[1])

    return case


def _without_height(shape: Shape, dims: int) -> Shape:
    return shape if dims == 2 else (*shape[:2], shape[3])


def _options(case: Conv2dCase, dims: int) -> dict[str, Any]:
    names = ("stride", "padding", "dilation")
    return {name: getattr(case, name)[-dims:] for name in names} | {"groups": case.groups}


def _operands(s: Source, input: Shape, weight: Shape, kwargs: Any, out_channels: int | None = None) -> Case:
    """Input, weight and perhaps a bias, for a batch or for one image."""
    shapes = [input[1:] if input[0] and s.integer(0, 2) == 2 else input, weight]
    if s.flag():
        shapes.append((weight[0] if out_channels is None else out_channels,))
    return Case(tuple(s.array(shape) for shape in shapes), kwargs)


def _taps(size: int, window: int, kernel: int, stride: int, padding: int, dilation: int) -> list[tuple[int, int]]:
    """(tap, position) of one window of a kernel, where the position lies inside the input."""
    positions = [(k, window * stride - padding + k * dilation) for k in range(kernel)]
    return [(k, p) for k, p in positions if 0 <= p < size]


def _contributions(
    in_size: Shape, out_size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Iterator[tuple[Shape, Shape, Shape]]:
    """(output pixel, kernel tap, input pixel) of a convolution: y[o] gets w[k]·x[i] for each."""
    axes = [
        [(o, k, p) for o in range(out_size[d]) for k, p in _taps(in_size[d], o, kernel[d], stride[d], padding[d], dil)]
        for d, dil in enumerate(dilation)
    ]
    for contribution in itertools.product(*axes):
        out, tap, pixel = zip(*contribution, strict=True)
        yield out, tap, pixel


def _with_bias(y: Array, bias: Any) -> Array:
    return y if bias is None else y + bias.reshape(-1, *(1,) * (y.ndim - 2))


def _convolved(
    x: Array, w: Array, bias: Any = None, *, stride: Shape, padding: Any, dilation: Shape, groups: int
) -> Array:
    if x.ndim < w.ndim:
        return _convolved(x[None], w, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)[0]
    kernel, size = w.shape[2:], x.shape[2:]
    spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if padding == "same":
        padding, out_size = tuple(span // 2 for span in spans), size
    else:
        ends = zip(size, padding, spans, stride, strict=True)
        out_size = tuple((n + 2 * p - span - 1) // step + 1 for n, p, span, step in ends)
    y = np.zeros((len(x), len(w), *out_size), x.dtype)
    per_group = max(1, len(w) // groups)
    for o in range(len(w)):
        channels = slice(o // per_group * w.shape[1], (o // per_group + 1) * w.shape[1])
        for out, tap, pixel in _contributions(size, out_size, kernel, stride, padding, dilation):
            seen = x[(slice(None), channels, *pixel)] * w[(o, slice(None), *tap)]
            y[(slice(None), o, *out)] += seen.sum(1).astype(x.dtype)
    return _with_bias(y, bias)


def _transpose_convolved(
    y: Array,
    w: Array,
    bias: Any = None,
    *,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    groups: int,
    output_padding: Shape,
) -> Array:
    if y.ndim < w.ndim:
        options = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": output_padding}
        return _transpose_convolved(y[None], w, bias, groups=groups, **options)[0]
    kernel, size = w.shape[2:], y.shape[2:]
    full = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for n, k, s, p, d, extra in zip(size, kernel, stride, padding, dilation, output_padding, strict=True)
    )
    x = np.zeros((len(y), groups * w.shape[1], *full), y.dtype)
    per_group = max(1, len(w) // groups)
    for o in range(len(w)):
        channels = slice(o // per_group * w.shape[1], (o // per_group + 1) * w.shape[1])
        for out, tap, pixel in _contributions(full, size, kernel, stride, padding, dilation):
            x[(slice(None), channels, *pixel)] += y[(slice(None), o, *out, None)] * w[(o, slice(None), *tap)]
    return _with_bias(x, bias)


def _mistake(name: str, message: str, input: Shape, weight: Shape, bias: Any = None, **kwargs: Any) -> Mistake:
    def call(lib: Any) -> Any:
        operands = [lib.ones(*input), lib.ones(*weight), None if bias is None else lib.ones(*bias)]
        return getattr(lib.nn.functional, name)(*operands, **kwargs)

    return Mistake(call, RuntimeError, message)


def _dtypes(name: str, input: Shape, weight: Shape) -> Mistake:
    """An input and a weight of different dtypes."""
    return Mistake(
        lambda lib: getattr(lib.nn.functional, name)(lib.ones(*input), lib.ones(*weight, dtype=lib.float64)),
        RuntimeError,
        "dtype|type",
    )


def _bools(name: str, input: Shape, weight: Shape) -> Mistake:
    return Mistake(
        lambda lib: getattr(lib.nn.functional, name)(
            lib.ones(*input, dtype=lib.bool), lib.ones(*weight, dtype=lib.bool)
        ),
        RuntimeError,
        "bool",
    )


def _in_torch(case: Case) -> bool:
    """With dilation, the only integers that PyTorch takes are int64."""
    plain = set(case.kwargs["dilation"]) == {1} or case.tensors[0].dtype.name in ("int64", "float32", "float64")
    return plain and _has_channels(case)


COMMON = {"fast_mode": True, "atol": 1e-4, "in_torch": _in_torch}
ROWS = [
    Op(
        "conv1d",
        _called("conv1d"),
        _convolved,
        _conv(1),
        integers=INTEGERS,
        mistakes=(
            _mistake("conv1d", r"3 channels but weight expects 1 \(input \(8, 3, 28\)", (8, 3, 28), (6, 1, 5)),
            _mistake("conv1d", "groups=3 does not divide the 2 channels", (2, 2, 4), (2, 2, 2), groups=3),
            _mistake("conv1d", "groups must be positive, got 0", (2, 2, 4), (2, 2, 2), padding="same", groups=0),
            _mistake("conv1d", r"stride must be positive, got \(-1,\)", (1, 1, 4), (1, 1, 2), stride=(-1,)),
            _mistake("conv1d", r"an int or a tuple of one, got \(1, 1\)", (1, 1, 4), (1, 1, 2), stride=(1, 1)),
            _mistake("conv1d", r"padding must be non-negative, got \(-1,\)", (1, 1, 4), (1, 1, 2), padding=-1),
            _mistake("conv1d", r"dilation must be positive, got \(-1,\)", (1, 1, 4), (1, 1, 2), dilation=-1),
            _mistake("conv1d", "padding must be 'valid', 'same', or numbers", (1, 1, 4), (1, 1, 2), padding="full"),
            _mistake("conv1d", "padding='same' is not", (1, 1, 4), (1, 1, 2), padding="same", stride=2),
            _mistake("conv1d", r"kernel \(5,\) .* larger than the padded input \(4,\)", (1, 1, 4), (1, 1, 5)),
            _mistake("conv1d", r"\(N, C, L\) or \(C, L\), got \(1, 1, 4, 4\)", (1, 1, 4, 4), (1, 1, 3)),
            _mistake("conv1d", r"weight of 3 dimensions .*, got \(1, 2\)", (1, 1, 4), (1, 2)),
            _mistake("conv1d", r"bias has shape \(3,\), expected \(2,\)", (1, 1, 4), (2, 1, 3), (3,)),
            _dtypes("conv1d", (1, 1, 4), (1, 1, 3)),
            _bools("conv1d", (1, 1, 4), (1, 1, 3)),
        ),
        **COMMON,
    ),
    Op(
        "conv2d",
        _called("conv2d"),
        _convolved,
        _conv(2),
        integers=INTEGERS,
        mistakes=(
            _mistake("conv2d", "3 channels", (8, 3, 28, 28), (6, 1, 5, 5)),
            _mistake("conv2d", "groups", (1, 3, 8, 8), (4, 1, 3, 3), groups=2),
            _mistake(
                "conv2d", "groups must be positive, got -1", (2, 2, 4, 5), (2, 2, 1, 4), padding="same", groups=-1
            ),
            _mistake("conv2d", "stride", (1, 1, 8, 8), (1, 1, 3, 3), stride=0),
            _mistake("conv2d", "dilation", (1, 1, 8, 8), (1, 1, 3, 3), dilation=0),
            _mistake("conv2d", "padding", (1, 1, 8, 8), (1, 1, 3, 3), padding=-1),
            _mistake("conv2d", "[Kk]ernel", (1, 1, 2, 2), (1, 1, 3, 3)),
            _mistake("conv2d", "2|4", (1, 1), (1, 1, 3, 3)),
            _mistake("conv2d", r"weight of 4 dimensions .*, got \(1, 2, 2\)", (1, 1, 4, 3), (1, 2, 2), padding="same"),
            _mistake("conv2d", "bias", (1, 1, 3, 3), (2, 1, 3, 3), (3,)),
            _dtypes("conv2d", (1, 1, 3, 3), (2, 1, 3, 3)),
            _bools("conv2d", (1, 1, 3, 3), (2, 1, 3, 3)),
        ),
        **COMMON,
    ),
    Op(
        "conv_transpose1d",
        functional("conv_transpose1d"),
        _transpose_convolved,
        _conv_transpose(1),
        integers=(np.int64,),
        mistakes=(
            _mistake("conv_transpose1d", "2 channels but weight expects 3", (1, 2, 3), (3, 1, 2)),
            _mistake("conv_transpose1d", "output.padding", (1, 2, 3), (2, 1, 2), stride=2, output_padding=2),
            _mistake("conv_transpose1d", "groups=2 does not divide", (1, 3, 3), (3, 1, 2), groups=2),
            _mistake("conv_transpose1d", r"output size \(-2,\)", (1, 2, 1), (2, 1, 2), padding=2),
        ),
        **COMMON,
    ),
    Op(
        "conv_transpose2d",
        functional("conv_transpose2d"),
        _transpose_convolved,
        _conv_transpose(2),
        integers=(np.int64,),
        mistakes=(
            _mistake("conv_transpose2d", "channels", (1, 2, 3, 3), (3, 1, 2, 2)),
            _mistake("conv_transpose2d", "output.padding", (1, 2, 3, 3), (2, 1, 2, 2), stride=2, output_padding=2),
            _dtypes("conv_transpose2d", (1, 1, 3, 3), (1, 1, 2, 2)),
        ),
        **COMMON,
    ),
]
