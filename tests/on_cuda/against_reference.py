"""Runs methods of the CUDA backend and of the reference on the same numbers, and compares what they return."""

from __future__ import annotations

import copy

import cupy
import numpy as np

from minitorch.backends.cuda.elementwise import Elementwise
from minitorch.backends.cuda.local_response import LocalResponse
from minitorch.backends.cuda.loss import Rows
from minitorch.backends.cuda.norm import Normalization
from minitorch.backends.cuda.optim import OptimiserSteps
from minitorch.backends.cuda.pool import Pooling
from minitorch.backends.cuda.reduce import Reductions
from minitorch.backends.reference import ReferenceBackend
from minitorch.testing import assert_close


class Backend(Elementwise, Pooling, Rows, Reductions, Normalization, LocalResponse, OptimiserSteps):
    """The families of kernels that these tests are for."""


cuda, reference = Backend(), ReferenceBackend()

LAYOUTS = ("contiguous", "transposed", "strided", "shifted")


def on_device(value, layout="contiguous"):
    """A CuPy array of the same elements; other values as they are.

    Layouts: as in Fortran; every second element of rows; in C order, but not at the beginning of its memory.
    """
    if not isinstance(value, np.ndarray):
        return value
    if layout == "transposed":
        return cupy.asarray(value.T.copy()).T
    if layout == "strided" and value.ndim:
        array = cupy.empty((*value.shape[:-1], 2 * value.shape[-1] + 1), value.dtype)[..., 1::2]
    elif layout == "shifted":
        array = cupy.empty(value.size + 1, value.dtype)[1:].reshape(value.shape)
    else:
        return cupy.asarray(value)
    array[...] = cupy.asarray(value)
    return array


def check_exact(method, *args, layout="contiguous"):
    """The same numbers to the bit (the sign of a zero aside)."""
    actual = _run(method, args, layout)
    for a, b in zip(actual, _as_tuple(getattr(reference, method)(*args)), strict=True):
        assert_close(a, b, rtol=0, atol=0, equal_nan=True)


def check_close(method, *args, ulps, atol=1.0, layout="contiguous"):
    """Within ``ulps`` units in the last place of the reference in float64, or of ``atol`` where that is larger."""
    actual = _run(method, args, layout)
    expected = _as_tuple(getattr(reference, method)(*map(_in_float64, args)))
    for a, b in zip(actual, expected, strict=True):
        eps = float(np.finfo(a.dtype).eps)
        assert_close(a, b, rtol=ulps * eps, atol=ulps * eps * atol, equal_nan=True, check_dtype=False)


def _run(method, args, layout):
    """What the CUDA backend returns, as a tuple of NumPy arrays, after the checks that hold for every method."""
    given = [on_device(arg, layout) for arg in args]
    results = _as_tuple(getattr(cuda, method)(*copy.copy(given)))
    for arg, array in zip(args, given, strict=True):
        if isinstance(arg, np.ndarray):
            np.testing.assert_array_equal(array.get(), arg, err_msg=f"{method} wrote into its input")
    for result in results:
        assert isinstance(result, cupy.ndarray)
        assert result.flags.c_contiguous
    shapes = [(result.shape, result.dtype) for result in results]
    assert shapes == [(b.shape, b.dtype) for b in _as_tuple(getattr(reference, method)(*args))]
    return tuple(result.get() for result in results)


def _as_tuple(result):
    # None stands for a result that isn't wanted: the other backend must have left it out too.
    return tuple(part for part in result if part is not None) if isinstance(result, tuple) else (result,)


def _in_float64(value):
    return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype == np.float32 else value
