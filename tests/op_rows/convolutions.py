"""Rows of convolution and pooling.

The references go from pixel to pixel: nothing here is slid, unfolded or multiplied as a matrix.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitorch.testing import conv2d_cases, pool2d_cases

from .row import Array, Case, Mistake, Op, Source, functional

Pair = tuple[int, int]


def _has_channels(case: Case) -> bool:
    """PyTorch takes no images or weights without channels where this is asked."""
    return all(0 not in tensor.shape[1 if k == 0 else 0 :] for k, tensor in enumerate(case.tensors))


# ---- convolution -----------------------------------------------------------------------------------------------------


def _conv2d(s: Source) -> Case:
    case = s.draw(conv2d_cases(max_batch=2, max_channels=4, max_size=6))
    stride, padding, dilation, groups = case.geometry
    kwargs = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    tensors = [s.array(case.input_shape), s.array(case.weight_shape)]
    return Case((*tensors, s.array((case.weight_shape[0],))) if s.flag() else tuple(tensors), kwargs)


def _conv_transpose2d(s: Source) -> Case:
    """The transpose of a convolution, from its output's shape to its input's: what remains is output padding."""
    case = s.draw(conv2d_cases(max_batch=2, max_channels=4, max_size=6))
    stride, padding, dilation, groups = case.geometry
    smallest = [
        (case.output_shape[2 + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (case.weight_shape[2 + i] - 1) + 1
        for i in (0, 1)
    ]
    kwargs = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    kwargs["output_padding"] = tuple(case.input_shape[2 + i] - smallest[i] for i in (0, 1))
    tensors = [s.array(case.output_shape), s.array(case.weight_shape)]
    return Case((*tensors, s.array((case.input_shape[1],))) if s.flag() else tuple(tensors), kwargs)


def _taps(size: int, window: int, kernel: int, stride: int, padding: int, dilation: int) -> list[tuple[int, int]]:
    """(tap, position) of one window of a kernel, where the position lies inside the input."""
    positions = [(k, window * stride - padding + k * dilation) for k in range(kernel)]
    return [(k, p) for k, p in positions if 0 <= p < size]


def _contributions(
    in_size: Pair, out_size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> list[tuple[Pair, Pair, Pair]]:
    """(output pixel, kernel tap, input pixel) of a convolution: y[o] gets w[k]·x[i] for each."""
    rows, columns = (
        [
            (o, k, p)
            for o in range(out_size[d])
            for k, p in _taps(in_size[d], o, kernel[d], stride[d], padding[d], dilation[d])
        ]
        for d in (0, 1)
    )
    return [((oh, ow), (kh, kw), (h, w)) for oh, kh, h in rows for ow, kw, w in columns]


def _convolved(
    x: Array, w: Array, bias: Any = None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    kernel = w.shape[2:]
    size = tuple((x.shape[2 + d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) // stride[d] + 1 for d in (0, 1))
    y = np.zeros((len(x), len(w), *size))
    per_group = max(1, len(w) // groups)
    for o in range(len(w)):
        channels = slice(o // per_group * w.shape[1], (o // per_group + 1) * w.shape[1])
        for out, tap, pixel in _contributions(x.shape[2:], size, kernel, stride, padding, dilation):
            y[:, o, out[0], out[1]] += (x[:, channels, pixel[0], pixel[1]] * w[o, :, tap[0], tap[1]]).sum(1)
    return y if bias is None else y + bias[:, None, None]


def _transpose_convolved(
    y: Array,
    w: Array,
    bias: Any = None,
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    output_padding: Pair,
) -> Array:
    kernel = w.shape[2:]
    size = tuple(
        (y.shape[2 + d] - 1) * stride[d] - 2 * padding[d] + dilation[d] * (kernel[d] - 1) + output_padding[d] + 1
        for d in (0, 1)
    )
    x = np.zeros((len(y), groups * w.shape[1], *size))
    per_group = max(1, len(w) // groups)
    for o in range(len(w)):
        channels = slice(o // per_group * w.shape[1], (o // per_group + 1) * w.shape[1])
        for out, tap, pixel in _contributions(size, y.shape[2:], kernel, stride, padding, dilation):
            x[:, channels, pixel[0], pixel[1]] += y[:, o, out[0], out[1], None] * w[o, :, tap[0], tap[1]]
    return x if bias is None else x + bias[:, None, None]


def _conv_mistake(message: str, input: Any, weight: Any, **kwargs: Any) -> Mistake:
    return Mistake(
        lambda lib: lib.nn.functional.conv2d(lib.ones(*input), lib.ones(*weight), **kwargs), RuntimeError, message
    )


CONVOLUTIONS = [
    Op(
        "conv2d",
        functional("conv2d"),
        _convolved,
        _conv2d,
        fast_mode=True,
        atol=1e-4,
        in_torch=_has_channels,
        mistakes=(
            _conv_mistake("3 channels", (8, 3, 28, 28), (6, 1, 5, 5)),
            _conv_mistake("groups", (1, 3, 8, 8), (4, 1, 3, 3), groups=2),
            _conv_mistake("stride", (1, 1, 8, 8), (1, 1, 3, 3), stride=0),
            _conv_mistake("dilation", (1, 1, 8, 8), (1, 1, 3, 3), dilation=0),
            _conv_mistake("padding", (1, 1, 8, 8), (1, 1, 3, 3), padding=-1),
            _conv_mistake("[Kk]ernel", (1, 1, 2, 2), (1, 1, 3, 3)),
            _conv_mistake("2|4", (1, 1), (1, 1, 3, 3)),
            Mistake(
                lambda lib: lib.nn.functional.conv2d(lib.ones(1, 1, 3, 3), lib.ones(2, 1, 3, 3), lib.ones(3)),
                RuntimeError,
                "bias",
            ),
            Mistake(
                lambda lib: lib.nn.functional.conv2d(lib.ones(1, 1, 3, 3), lib.ones(2, 1, 3, 3, dtype=lib.float64)),
                RuntimeError,
                "dtype|type",
            ),
        ),
    ),
    Op(
        "conv_transpose2d",
        functional("conv_transpose2d"),
        _transpose_convolved,
        _conv_transpose2d,
        fast_mode=True,
        atol=1e-4,
        in_torch=_has_channels,
        mistakes=(
            Mistake(
                lambda lib: lib.nn.functional.conv_transpose2d(lib.ones(1, 2, 3, 3), lib.ones(3, 1, 2, 2)),
                RuntimeError,
                "channels",
            ),
            Mistake(
                lambda lib: lib.nn.functional.conv_transpose2d(
                    lib.ones(1, 2, 3, 3), lib.ones(2, 1, 2, 2), stride=2, output_padding=2
                ),
                RuntimeError,
                "output.padding",
            ),
        ),
    ),
]

# ---- pooling ---------------------------------------------------------------------------------------------------------


def _pool(s: Source, max_dilation: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    case = s.draw(pool2d_cases(max_batch=2, max_channels=2, max_size=6, max_dilation=max_dilation))
    kwargs = {"kernel_size": case.kernel_size, "stride": case.stride, "padding": case.padding}
    return case.input_shape, {**kwargs, "ceil_mode": case.ceil_mode}


def _max_pool2d(s: Source) -> Case:
    shape, kwargs = _pool(s, 1)
    return Case((s.array(shape, "distinct"),), {**kwargs, "return_indices": s.flag()})


def _dilated_max_pool2d(s: Source) -> Case:
    """Dilation, with an input large enough for every window to see some of it."""
    kernel = (s.integer(1, 3), s.integer(1, 3))
    kwargs = {
        "kernel_size": kernel,
        "stride": (s.integer(1, 3), s.integer(1, 3)),
        "padding": (s.integer(0, kernel[0] // 2), s.integer(0, kernel[1] // 2)),
        "dilation": (2, s.integer(1, 2)),
    }
    sides = [kwargs["dilation"][d] * (kernel[d] - 1) + 1 + s.integer(0, 4) for d in (0, 1)]
    return Case((s.array((s.integer(1, 2), 2, *sides), "distinct"),), kwargs)


def _avg_pool2d(s: Source) -> Case:
    shape, kwargs = _pool(s, 1)
    kwargs["count_include_pad"] = s.flag()
    return Case((s.array(shape),), {**kwargs, "divisor_override": s.one_of(None, 3)})


def _windows(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (math.ceil(room / stride) if ceil_mode else room // stride) + 1
    return count - 1 if ceil_mode and (count - 1) * stride >= size + padding else count


def _max_pooled(
    x: Array,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    H, W = x.shape[2:]
    geometry = [(kernel_size[d], stride[d], padding[d], dilation[d]) for d in (0, 1)]
    out = np.empty((*x.shape[:2], *(_windows((H, W)[d], *geometry[d], ceil_mode) for d in (0, 1))))
    indices = np.empty(out.shape, np.int64)
    for n, c, oh, ow in np.ndindex(*out.shape):
        rows = [h for _, h in _taps(H, oh, *geometry[0])]
        columns = [w for _, w in _taps(W, ow, *geometry[1])]
        best = max(((h, w) for h in rows for w in columns), key=lambda at: x[n, c, at[0], at[1]])
        out[n, c, oh, ow], indices[n, c, oh, ow] = x[n, c, best[0], best[1]], best[0] * W + best[1]
    return (out, indices) if return_indices else out


def _avg_pooled(
    x: Array,
    *,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    sizes = x.shape[2:]
    geometry = [(kernel_size[d], stride[d], padding[d], 1) for d in (0, 1)]
    out = np.empty((*x.shape[:2], *(_windows(sizes[d], *geometry[d], ceil_mode) for d in (0, 1))))
    for n, c, *window in np.ndindex(*out.shape):
        inside = [[p for _, p in _taps(sizes[d], window[d], *geometry[d])] for d in (0, 1)]
        # Padding counts, but not what an overhanging window sees beyond it.
        padded = [
            sum(window[d] * stride[d] + k < sizes[d] + 2 * padding[d] for k in range(kernel_size[d])) for d in (0, 1)
        ]
        count = padded[0] * padded[1] if count_include_pad else len(inside[0]) * len(inside[1])
        total = sum(x[n, c, h, w] for h in inside[0] for w in inside[1])
        out[n, c, window[0], window[1]] = total / (divisor_override or count)
    return out


def _pool_mistake(name: str, message: str, input: Any, *args: Any, **kwargs: Any) -> Mistake:
    return Mistake(
        lambda lib: getattr(lib.nn.functional, name)(lib.ones(*input), *args, **kwargs), RuntimeError, message
    )


POOLS = [
    Op(
        "max_pool2d",
        functional("max_pool2d"),
        _max_pooled,
        _max_pool2d,
        fast_mode=True,
        in_torch=_has_channels,
        mistakes=(
            _pool_mistake("max_pool2d", "pad.* half", (1, 1, 8, 8), 3, padding=2),
            _pool_mistake("max_pool2d", "stride", (1, 1, 8, 8), 3, stride=0),
            _pool_mistake("max_pool2d", "kernel", (1, 1, 8, 8), 0),
            _pool_mistake("max_pool2d", r"\(N, C, H, W\)", (8, 8), 3),
            _pool_mistake("max_pool2d", "too small|larger", (1, 1, 2, 2), 3),
        ),
    ),
    Op("max_pool2d(dilation)", functional("max_pool2d"), _max_pooled, _dilated_max_pool2d, fast_mode=True),
    Op(
        "avg_pool2d",
        functional("avg_pool2d"),
        _avg_pooled,
        _avg_pool2d,
        linear=True,
        fast_mode=True,
        in_torch=_has_channels,
        mistakes=(
            _pool_mistake("avg_pool2d", "pad.* half", (1, 1, 8, 8), 3, padding=2),
            _pool_mistake("avg_pool2d", "stride", (1, 1, 8, 8), 3, stride=0),
            _pool_mistake("avg_pool2d", "divisor", (1, 1, 8, 8), 3, divisor_override=0),
        ),
    ),
]

ROWS = CONVOLUTIONS + POOLS
