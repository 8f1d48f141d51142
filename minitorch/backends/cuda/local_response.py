"""Local response normalisation: the host side of ``kernels/local_response.cu``."""

from __future__ import annotations

from typing import Any

import cupy

from . import source
from .arrays import Array, ceil_div, contiguous, type_name
from .launch import launch

_THREADS = 256  # of a block, at most
_SHARED = 48 * 1024  # bytes, for the rings of a block's threads
_ENOUGH = 1 << 18  # threads that keep a large GPU busy
_LEAST_TILE = 16  # channels that a thread walks through, at least


class LocalResponse:
    """These methods of ``minitorch.backends.protocol.Backend``, which describes them."""

    @staticmethod
    def local_response_norm(input: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
        input = contiguous(input)
        output, bases = cupy.empty_like(input), cupy.empty_like(input)
        number = input.dtype.type
        numbers = number(alpha / size), number(beta), number(k)
        _slide("local_response", 2, size // 2, (size - 1) // 2, input, output, bases, *numbers)
        return output, bases

    @staticmethod
    def local_response_norm_backward(
        grad_output: Array, input: Array, bases: Array, size: int, alpha: float, beta: float
    ) -> Array:
        arrays = contiguous(input), contiguous(bases)
        grad_output = contiguous(grad_output)
        grad_input = cupy.empty_like(grad_output)
        number = input.dtype.type
        numbers = number(alpha / size), number(beta)
        window = (size - 1) // 2, size // 2  # the channels in whose windows a channel is
        _slide("local_response_backward", 3, *window, grad_output, *arrays, grad_input, *numbers)
        return grad_input


def _slide(kernel: str, terms: int, before: int, after: int, array: Array, *args: Any) -> None:
    """``terms`` numbers are kept of each channel in a window."""
    N, C, Q = array.shape
    before, after = min(before, max(C - 1, 0)), min(after, max(C - 1, 0))
    ring = (before + after + 1) * terms * array.itemsize  # bytes a thread
    threads = next((n for n in (_THREADS, 128, 64, 32) if n * ring <= _SHARED), 0)
    tiles = min(ceil_div(_ENOUGH, max(N * Q, 1)), ceil_div(C, max(_LEAST_TILE, 4 * (before + after))), 65535)
    tile = ceil_div(C, max(tiles, 1))
    layers = {"images": N, "channels": C, "pixels": Q, "before": before, "after": after, "tile": tile}
    launch(
        "local_response",
        f"{kernel}<{type_name(array.dtype)},{'true' if threads else 'false'}>",
        grid=(ceil_div(N * Q, threads or _THREADS), ceil_div(C, max(tile, 1))),
        block=(threads or _THREADS,),
        args=(array, *args, source.struct("local_response", "Layers", **layers)),
        shared=threads * ring,
    )
