"""ReLU, the Philox stream and dropout: the host side of ``kernels/elementwise.cu``."""

from __future__ import annotations

import math
from typing import Any

import cupy
import numpy as np

from . import capture
from .arrays import Array, ceil_div, contiguous, type_name
from .launch import launch

_THREADS = 256  # of a block; each has four elements


class Elementwise:
    """These methods of ``minitorch.backends.protocol.Backend``, which describes them."""

    @staticmethod
    def relu(input: Array) -> Array:
        output = cupy.empty(input.shape, input.dtype)
        _launch(f"relu<{type_name(input.dtype)}>", input.size, contiguous(input), output, np.int64(input.size))
        return output

    @staticmethod
    def relu_backward(grad_output: Array, output: Array) -> Array:
        grad_input = cupy.empty(output.shape, output.dtype)
        arrays = contiguous(grad_output), contiguous(output), grad_input
        _launch(f"relu_backward<{type_name(output.dtype)}>", output.size, *arrays, np.int64(output.size))
        return grad_input

    @staticmethod
    def philox(seed: int, offset: int, n: int) -> Array:
        words = cupy.empty((n,), np.uint32)
        _launch("philox", n, *_stream(seed, offset), words, np.int64(n))
        return words

    @staticmethod
    def dropout(input: Array, p: float, seed: int, offset: int) -> Array:
        output = cupy.empty(input.shape, input.dtype)
        _launch(
            f"dropout<{type_name(input.dtype)}>",
            input.size,
            contiguous(input),
            output,
            np.int64(input.size),
            *_stream(seed, offset),
            np.uint32(math.ceil(p * 2**24)),  # a product with a power of two is exact
            input.dtype.type(1 / (1 - p) if p < 1 else 0),  # p = 1 keeps nothing
        )
        return output


def _stream(seed: int, offset: int) -> tuple[Any, Any, Array | None]:
    """The arguments that say where a stream begins: the seed, the offset, and the cells of a captured one."""
    cells = getattr(seed, "cells", None)
    if cells is None and capture.current() is not None:
        raise RuntimeError(
            "random numbers can be captured only from the default generator and from those that the graph was told of: "
            "call graph.register_generator_state(generator) before the capture"
        )
    return np.uint64(seed % 2**64), np.uint64(offset % 2**64), cells


def _launch(name: str, n: int, *args: Any) -> None:
    launch("elementwise", name, grid=(ceil_div(n, 4 * _THREADS),), block=(_THREADS,), args=args)
