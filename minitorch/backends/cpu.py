"""The CPU backend: allocates the outputs and calls the C++ kernels in ``minitorch._C``."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import precision
from . import cuda

# GNU's OpenMP lets a thread without work spin for about 15 ms before it sleeps. Between two kernels that is no loss on
# an idle machine, but where two programs share the processors each waits for the other's spinning threads: LeNet's
# step, of 2 ms, took 140 ms. A thousand turns, about 50 µs, still bridge the gaps inside a step. The library reads its
# environment once, when it is loaded; what the user has set there counts.
_quiet = not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys()
if _quiet:
    os.environ["GOMP_SPINCOUNT"] = "1000"
try:
    from minitorch import _C
finally:
    if _quiet:
        del os.environ["GOMP_SPINCOUNT"]

Array = NDArray[Any]
Pair = tuple[int, int]

_LARGE = 1 << 14  # arrays of at least this many bytes come from the caching allocator (cpp/memory.h)


def _empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    size = math.prod(shape) * dtype.itemsize
    if size < _LARGE:
        return np.empty(shape, dtype)
    array: Array = np.ndarray(shape, dtype, _C.Block(size))  # type: ignore[arg-type]  # a buffer, which NumPy takes
    return array


def _contiguous(array: Array) -> Array:
    """The array itself if it lies as a kernel reads it, else a copy that does."""
    flags = array.flags
    return array if flags.c_contiguous and flags.aligned else np.array(array, order="C")


def _aligned(array: Array) -> Array:
    """The array itself, whatever its strides; a copy if it lies between the addresses its elements belong at."""
    return array if array.flags.aligned else array.copy()


_LONG = 1024  # so many elements, added one after the other, lose at most the last three of a float32's seven digits


def _is_cascade(array: Array, dims: tuple[int, ...]) -> bool:
    """Whether NumPy's sum over ``dims`` is short, or along the dimension of the smallest stride."""
    steps = {abs(stride): d for d, stride in enumerate(array.strides) if array.shape[d] > 1}
    return math.prod([array.shape[d] for d in dims]) <= _LONG or steps[min(steps)] in dims


def _by_dtype(params: list[Array], *others: list[Array] | None) -> Iterator[Any]:
    """The lists of an optimiser's step, split so that the arrays of each part have one dtype."""
    dtypes = {array.dtype for array in params}
    if len(dtypes) == 1:
        yield params, *others
        return
    for dtype in dtypes:
        chosen = [k for k, array in enumerate(params) if array.dtype == dtype]
        yield tuple(arrays and [arrays[k] for k in chosen] for arrays in (params, *others))


def get_num_threads() -> int:
    return _C.get_num_threads()


def set_num_threads(num: int) -> None:
    _C.set_num_threads(num)


class CpuBackend:
    """Implements ``minitorch.backends.protocol.Backend``, which describes every method."""

    name: str = "cpu"
    xp: ModuleType = np
    capturing: bool = False

    def empty(self, shape: Sequence[int], dtype: Any) -> Array:
        return _empty(tuple(shape), np.dtype(dtype))

    scalar = staticmethod(np.asarray)

    def move(self, array: Any, non_blocking: bool = False) -> Array:
        if not hasattr(array, "get"):
            return array  # type: ignore[no-any-return]
        return cuda.to_host(array, non_blocking)  # type: ignore[no-any-return]

    def elsewhere(self) -> None:
        return None

    # ---- matrix product -------------------------------------------------------------------------------------------

    def matmul(self, a: Array, b: Array, bias: Array | None = None, activation: str | None = None) -> Array:
        shape: tuple[int, ...] = (a.shape[-2], b.shape[-1])
        if a.ndim > 2 or b.ndim > 2:
            shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + shape
        output = _empty(shape, a.dtype)
        if bias is not None:
            bias = _contiguous(bias)
        _C.matmul(_aligned(a), _aligned(b), bias, activation == "relu", output)
        return output

    # ---- elementwise ----------------------------------------------------------------------------------------------

    def relu(self, input: Array) -> Array:
        input = _contiguous(input)
        output = _empty(input.shape, input.dtype)
        _C.relu(input, output)
        return output

    def relu_backward(self, grad_output: Array, output: Array) -> Array:
        grad_input = _empty(output.shape, output.dtype)
        _C.relu_backward(_contiguous(grad_output), _contiguous(output), grad_input)
        return grad_input

    def philox(self, seed: int, offset: int, n: int) -> Array:
        words = _empty((n,), np.dtype(np.uint32))
        _C.philox(seed % 2**64, offset % 2**64, words)
        return words

    def dropout(self, input: Array, p: float, seed: int, offset: int) -> Array:
        output = _empty(input.shape, input.dtype)
        _C.dropout(_contiguous(input), p, seed % 2**64, offset % 2**64, output)
        return output

    # ---- convolution ----------------------------------------------------------------------------------------------

    def conv2d(
        self,
        input: Array,
        weight: Array,
        bias: Array | None,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        N, _, H, W = input.shape
        O, _, KH, KW = weight.shape
        OH = (H + 2 * padding[0] - dilation[0] * (KH - 1) - 1) // stride[0] + 1
        OW = (W + 2 * padding[1] - dilation[1] * (KW - 1) - 1) // stride[1] + 1
        output = _empty((N, O, OH, OW), input.dtype)
        bias = None if bias is None else _contiguous(bias)
        how = stride, padding, dilation, groups, precision.winograd.enabled
        _C.conv2d(_contiguous(input), _contiguous(weight), bias, output, *how)
        return output

    def conv2d_backward_input(
        self,
        grad_output: Array,
        weight: Array,
        input_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        grad_input = _empty(tuple(input_shape), grad_output.dtype)
        how = stride, padding, dilation, groups, precision.winograd.enabled
        _C.conv2d_backward_input(_contiguous(grad_output), _contiguous(weight), grad_input, *how)
        return grad_input

    def conv2d_backward_weight(
        self,
        input: Array,
        grad_output: Array,
        weight_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        grad_weight = _empty(tuple(weight_shape), input.dtype)
        how = stride, padding, dilation, groups, precision.winograd.enabled
        _C.conv2d_backward_weight(_contiguous(input), _contiguous(grad_output), grad_weight, *how)
        return grad_weight

    # ---- pooling --------------------------------------------------------------------------------------------------

    def max_pool2d(
        self, input: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, output_size: Pair
    ) -> tuple[Array, Array]:
        shape = (*input.shape[:2], *output_size)
        output = _empty(shape, input.dtype)
        indices = _empty(shape, np.dtype(np.uint8 if kernel_size[0] * kernel_size[1] <= 256 else np.int32))
        _C.max_pool2d(_contiguous(input), output, indices, kernel_size, stride, padding, dilation)
        return output, indices

    def max_pool2d_backward(
        self,
        grad_output: Array,
        indices: Array,
        input_shape: Sequence[int],
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
    ) -> Array:
        grad_input = _empty(tuple(input_shape), grad_output.dtype)
        _C.max_pool2d_backward(
            _contiguous(grad_output), _contiguous(indices), grad_input, kernel_size, stride, padding, dilation
        )
        return grad_input

    def max_pool2d_gather(
        self, input: Array, indices: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
    ) -> Array:
        output = _empty(indices.shape, input.dtype)
        _C.max_pool2d_gather(_contiguous(input), _contiguous(indices), output, kernel_size, stride, padding, dilation)
        return output

    def avg_pool2d(
        self,
        input: Array,
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        output_size: Pair,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Array:
        output = _empty((*input.shape[:2], *output_size), input.dtype)
        _C.avg_pool2d(
            _contiguous(input), output, kernel_size, stride, padding, count_include_pad, divisor_override or 0
        )
        return output

    def avg_pool2d_backward(
        self,
        grad_output: Array,
        input_shape: Sequence[int],
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Array:
        grad_input = _empty(tuple(input_shape), grad_output.dtype)
        _C.avg_pool2d_backward(
            _contiguous(grad_output), grad_input, kernel_size, stride, padding, count_include_pad, divisor_override or 0
        )
        return grad_input

    # ---- sums -------------------------------------------------------------------------------------------------------

    def sum(self, input: Array, dims: tuple[int, ...], keepdims: bool = False) -> Array:
        # NumPy adds in pairs along the dimension whose elements are neighbours in memory: the error grows with the
        # logarithm of their number. Along the others it adds one after the other, and 0.1 in float32, added a million
        # times, is 1% off. There, long sums are kept in float64, which takes no longer: the memory sets the pace.
        wide = input.dtype == np.float32 and input.size > _LONG and not _is_cascade(input, dims)
        total = input.sum(axis=dims, dtype=np.float64 if wide else None, keepdims=keepdims)
        return np.asarray(total, input.dtype, order="C")

    # ---- normalisation: (P, C, Q) -----------------------------------------------------------------------------------

    def standardize(self, input: Array, eps: float, centred: bool) -> tuple[Array, Array, Array | None, Array]:
        normalized = _empty(input.shape, input.dtype)
        scale, mean, variance = (_empty(input.shape[1:2], input.dtype) for _ in range(3))
        _C.standardize(_contiguous(input), eps, normalized, scale, mean if centred else None, variance)
        return normalized, scale, mean if centred else None, variance

    def standardize_backward(self, grad_normalized: Array, normalized: Array, scale: Array, centred: bool) -> Array:
        grad_input = _empty(normalized.shape, normalized.dtype)
        arrays = _contiguous(grad_normalized), _contiguous(normalized), _contiguous(scale)
        _C.standardize_backward(*arrays, centred, grad_input)
        return grad_input

    def affine(self, input: Array, weight: Array, bias: Array | None) -> Array:
        output = _empty(input.shape, input.dtype)
        _C.affine(_contiguous(input), _contiguous(weight), None if bias is None else _contiguous(bias), output)
        return output

    def affine_backward(self, grad_output: Array, input: Array, weight: Array) -> tuple[Array, Array, Array]:
        grad_input = _empty(input.shape, input.dtype)
        grad_weight, grad_bias = (_empty(weight.shape, input.dtype) for _ in range(2))
        arrays = _contiguous(grad_output), _contiguous(input), _contiguous(weight)
        _C.affine_backward(*arrays, grad_input, grad_weight, grad_bias)
        return grad_input, grad_weight, grad_bias

    def local_response_norm(self, input: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
        output, base = (_empty(input.shape, input.dtype) for _ in range(2))
        channels = input.shape[1]
        window = min(size // 2, channels), min((size - 1) // 2, channels)
        _C.local_response(_contiguous(input), *window, alpha / size, beta, k, output, base)
        return output, base

    def local_response_norm_backward(
        self, grad_output: Array, input: Array, base: Array, size: int, alpha: float, beta: float
    ) -> Array:
        grad_input = _empty(input.shape, input.dtype)
        arrays = _contiguous(grad_output), _contiguous(input), _contiguous(base)
        channels = input.shape[1]
        window = min((size - 1) // 2, channels), min(size // 2, channels)  # of the channels that see a channel
        _C.local_response_backward(*arrays, *window, alpha / size, beta, grad_input)
        return grad_input

    # ---- rows: (R, C) -> over the last dimension --------------------------------------------------------------------

    def softmax(self, input: Array) -> Array:
        output = _empty(input.shape, input.dtype)
        _C.softmax(_contiguous(input), output)
        return output

    def log_softmax(self, input: Array) -> Array:
        output = _empty(input.shape, input.dtype)
        _C.log_softmax(_contiguous(input), output)
        return output

    def cross_entropy(self, input: Array, target: Array, ignore_index: int) -> tuple[Array, Array]:
        losses = _empty(target.shape, input.dtype)
        logsumexp = _empty(target.shape, input.dtype)
        _C.cross_entropy(_contiguous(input), _contiguous(target), ignore_index, losses, logsumexp)
        return losses, logsumexp

    def reduce_losses(self, losses: Array, target: Array, ignore_index: int, mean: bool) -> tuple[Array, Array]:
        divisor = np.asarray(np.count_nonzero(target != ignore_index) if mean else 1, losses.dtype)
        with np.errstate(all="ignore"):
            return np.asarray(losses.sum() / divisor), divisor

    def cross_entropy_backward(
        self,
        grad_output: Array,
        input: Array,
        target: Array,
        logsumexp: Array,
        ignore_index: int,
        divisor: Array | None = None,
    ) -> Array:
        if divisor is not None:
            with np.errstate(all="ignore"):
                grad_output = np.broadcast_to(grad_output / divisor, target.shape)
        grad_input = _empty(input.shape, input.dtype)
        _C.cross_entropy_backward(
            _contiguous(grad_output),
            _contiguous(input),
            _contiguous(target),
            _contiguous(logsumexp),
            ignore_index,
            grad_input,
        )
        return grad_input

    # ---- indices ----------------------------------------------------------------------------------------------------

    def index_add(self, output: Array, index: Array, source: Array) -> None:
        outer, size, inner = output.shape
        places = ((np.arange(outer)[:, None] * size + index)[:, :, None] * inner + np.arange(inner)).reshape(-1)
        # One after the other. With a single flat index, add.at is several times as fast as with an index a dimension.
        with np.errstate(all="ignore"):
            np.add.at(output.reshape(-1), places, source.reshape(-1))

    def index_put(self, output: Array, index: tuple[Any, ...], source: Array) -> None:
        with np.errstate(all="ignore"):
            output[index] = source  # one after the other, so that the last one stays

    # ---- optimisers: one call updates every parameter in place ------------------------------------------------------

    def sgd_step(
        self,
        params: list[Array],
        grads: list[Array],
        momentum_buffers: list[Array] | None,
        lr: float,
        momentum: float,
        dampening: float,
        weight_decay: float,
        nesterov: bool,
        maximize: bool,
        first_step: bool,
    ) -> None:
        for p, g, b in _by_dtype(params, grads, momentum_buffers):
            _C.sgd_step(p, g, b, lr, momentum, dampening, weight_decay, nesterov, maximize, first_step)

    def adam_step(
        self,
        params: list[Array],
        grads: list[Array],
        exp_avgs: list[Array],
        exp_avg_sqs: list[Array],
        max_exp_avg_sqs: list[Array] | None,
        step: int,
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        decoupled: bool,
        maximize: bool,
    ) -> None:
        for p, g, m, v, v_max in _by_dtype(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs):
            _C.adam_step(p, g, m, v, v_max, step, lr, beta1, beta2, eps, weight_decay, decoupled, maximize)

    def rmsprop_step(
        self,
        params: list[Array],
        grads: list[Array],
        square_avgs: list[Array],
        grad_avgs: list[Array] | None,
        momentum_buffers: list[Array] | None,
        lr: float,
        alpha: float,
        eps: float,
        weight_decay: float,
        momentum: float,
        maximize: bool,
    ) -> None:
        for p, g, v, a, b in _by_dtype(params, grads, square_avgs, grad_avgs, momentum_buffers):
            _C.rmsprop_step(p, g, v, a, b, lr, alpha, eps, weight_decay, momentum, maximize)
