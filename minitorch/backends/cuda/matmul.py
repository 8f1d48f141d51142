"""The matrix product: chooses the kernel of ``kernels/gemm.cu`` and launches it.

``minitorch.backends.cuda.matmul.fp32_precision``, named as in PyTorch, is ``"ieee"`` or ``"tf32"``. With ``"tf32"`` the
products of float32 matrices are computed on tensor cores, which round both factors to 10 bits of mantissa.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import cupy
import numpy as np

from . import source, tiles
from .launch import Strided, launch

Array = Any
Batch = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # sizes, strides of a, strides of b

fp32_precision = "ieee"

_DIMENSIONS = 4  # of a batch, that the kernels take (struct Gemm)


class MatMul:
    """``matmul`` of ``minitorch.backends.protocol.Backend``."""

    @staticmethod
    def matmul(a: Array, b: Array, bias: Array | None = None, activation: str | None = None) -> Array:
        tiles.check_precision("matmul", fp32_precision)
        shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        M, K, N = a.shape[-2], a.shape[-1], b.shape[-1]
        output = cupy.empty((*shape, M, N), a.dtype)
        if output.size == 0:
            return output
        if max(M, N, K, math.prod(shape)) > _LARGEST:
            raise ValueError(f"matmul: a {a.shape} @ b {b.shape}: on cuda, no dimension may exceed {_LARGEST}")
        if bias is not None:
            bias = cupy.ascontiguousarray(bias)
        a, b = _whole_strides(a), _whole_strides(b)
        batch = _batch(a, b, shape)
        if len(batch[0]) > _DIMENSIONS:
            a = cupy.ascontiguousarray(cupy.broadcast_to(a, (*shape, M, K)))
            b = cupy.ascontiguousarray(cupy.broadcast_to(b, (*shape, K, N)))
            batch = _batch(a, b, shape)
        _multiply(a, b, bias, activation == "relu", output, batch)
        return output


_LARGEST = 2**31 - 2**10  # indices are ints, which must not overflow in the last tile


def _multiply(a: Array, b: Array, bias: Array | None, relu: bool, output: Array, batch: Batch) -> None:
    M, K, N = a.shape[-2], a.shape[-1], b.shape[-1]
    batches = math.prod(batch[0])
    a_m, a_k = _strides(a)[-2:]
    b_k, b_n = _strides(b)[-2:]
    if M == 1 or N == 1:
        # As matrix @ vector: output^T = b^T @ a^T.
        rows, vector, sizes = (a, b, batch) if N == 1 else (b, a, (batch[0], batch[2], batch[1]))
        strides = (a_m, a_k, b_n, b_k) if N == 1 else (b_n, b_k, a_m, a_k)
        count = max(M, N)
        along = _along_depth(*strides[:2])
        rows_a_block = 8 if along else 32
        blocks = -(-count // rows_a_block) * batches
        geometry, splits = _geometry(count, 1, K, blocks, strides, sizes, relu)
        to, to_bias = _destination(output, bias, splits)
        name = f"vector_product<{_C[a.dtype.char]},{_BOOL[along]}>"
        args = (Strided(rows), Strided(vector), to_bias, to, np.int32(N > 1), geometry)
        launch("gemm", name, grid=(blocks * splits,), block=(256,), args=args)
    else:
        a_along, b_along = _along_depth(a_m, a_k), _along_depth(b_n, b_k)
        a_fast = (K, a_k, a_m) if a_along else (M, a_m, a_k)
        b_fast = (K, b_k, b_n) if b_along else (N, b_n, b_k)
        vector_size = (
            4 if a.dtype == np.float32 and _vectors(a, a_fast, batch[1]) and _vectors(b, b_fast, batch[2]) else 1
        )
        allowed = tiles.candidates(fp32_precision, a.dtype, a.device.id, vector_size > 1)
        tile = tiles.choose([tile for tile in allowed if tile.name != "Narrow"], M, N, batches)
        blocks = tiles.blocks(tile, M, N, batches)
        geometry, splits = _geometry(M, N, K, blocks, (a_m, a_k, b_n, b_k), batch, relu)
        to, to_bias = _destination(output, bias, splits)
        name = f"matmul<{_C[a.dtype.char]},{tile.name},{_BOOL[a_along]},{_BOOL[b_along]},{vector_size}>"
        args = (Strided(a), Strided(b), to_bias, to, geometry)
        launch("gemm", name, grid=(blocks * splits,), block=(tile.threads,), args=args, shared=tile.shared)
    if splits > 1:
        add_splits(to, output, bias, relu)


def add_splits(parts: Array, output: Array, bias: Array | None = None, relu: bool = False) -> None:
    """output = activation(parts.sum(0) + bias), always added in the same order: (splits, *shape) → shape."""
    args = (
        parts,
        bias,
        output,
        np.int64(output.size),
        np.int32(parts.shape[0]),
        np.int32(output.shape[-1]),
        np.bool_(relu),
    )
    launch("gemm", f"add_splits<{_C[output.dtype.char]}>", grid=(-(-output.size // 32),), block=(256,), args=args)


_C = {"f": "float", "d": "double"}
_BOOL = {True: "true", False: "false"}


def _destination(output: Array, bias: Array | None, splits: int) -> tuple[Array, Array | None]:
    """Where the kernel writes, and what it adds: with several splits, parts that add_splits finishes."""
    return (output, bias) if splits == 1 else (cupy.empty((splits, *output.shape), output.dtype), None)


def _strides(array: Array) -> tuple[int, ...]:
    """In elements."""
    return tuple([stride // array.itemsize for stride in array.strides])


def _whole_strides(array: Array) -> Array:
    """The array itself, or a copy if its strides are no multiples of its elements' size (a field of records)."""
    return array.copy() if any([stride % array.itemsize for stride in array.strides]) else array


def _along_depth(row_stride: int, depth_stride: int) -> bool:
    return abs(depth_stride) <= abs(row_stride)


def _vectors(array: Array, fast: tuple[int, int, int], batch_strides: tuple[int, ...]) -> bool:
    """Whether a matrix can be read 16 bytes at a time: (size, stride) of its contiguous dimension, stride of the other."""
    size, stride, other = fast
    return (
        stride == 1
        and size % 4 == 0
        and other % 4 == 0
        and array.data.ptr % 16 == 0
        and not any([stride % 4 for stride in batch_strides])
    )


def _batch(a: Array, b: Array, shape: tuple[int, ...]) -> Batch:
    """The dimensions of the batch, without those of size 1, and merged where both operands' strides allow it."""
    dimensions: list[tuple[int, int, int]] = []
    batch_of_a = (*(0,) * (len(shape) - a.ndim + 2), *_broadcast_strides(a))
    batch_of_b = (*(0,) * (len(shape) - b.ndim + 2), *_broadcast_strides(b))
    for size, of_a, of_b in zip(shape, batch_of_a, batch_of_b, strict=True):
        if size == 1:
            continue
        if dimensions:
            outer, outer_a, outer_b = dimensions[-1]
            if outer_a == of_a * size and outer_b == of_b * size:
                dimensions[-1] = outer * size, of_a, of_b
                continue
        dimensions.append((size, of_a, of_b))
    sizes, strides_a, strides_b = zip(*dimensions, strict=True) if dimensions else ((), (), ())
    return sizes, strides_a, strides_b


def _broadcast_strides(array: Array) -> tuple[int, ...]:
    """Strides of the batch's dimensions, in elements: 0 where the size is 1."""
    return tuple(
        [0 if size == 1 else stride for size, stride in zip(array.shape[:-2], _strides(array)[:-2], strict=True)]
    )


@functools.lru_cache(maxsize=4096)
def _geometry(
    M: int, N: int, K: int, blocks: int, strides: tuple[int, int, int, int], batch: Batch, relu: bool
) -> tuple[Any, int]:
    """The kernels' ``struct Gemm``, and into how many splits it cuts the sums."""
    splits, chunk = tiles.split(blocks, K)
    sizes, a_batch, b_batch = batch
    missing = _DIMENSIONS - len(sizes)
    a_m, a_k, b_n, b_k = strides
    return (
        source.struct(
            "gemm",
            "Gemm",
            M=M,
            N=N,
            K=K,
            splits=splits,
            chunk=chunk,
            a_m=a_m,
            a_k=a_k,
            b_n=b_n,
            b_k=b_k,
            sizes=(1,) * missing + sizes,
            a_batch=(0,) * missing + a_batch,
            b_batch=(0,) * missing + b_batch,
            relu=relu,
        ),
        splits,
    )
