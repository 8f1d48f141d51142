"""The matrix product: chooses the kernel of ``kernels/gemm.cu`` and launches it.

``minitorch.backends.cuda.matmul.fp32_precision``, named as in PyTorch, is ``"ieee"`` or ``"tf32"``. With ``"tf32"`` the
products of float32 matrices are computed on tensor cores, which round both factors to 10 bits of mantissa.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import cupy
import numpy as np

from ... import precision
from . import source, tiles
from .launch import Strided, launch

Array = Any
Batch = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # sizes, strides of a, strides of b

_DIMENSIONS = 4  # of a batch, that the kernels take (struct Gemm)


class MatMul:
    """``matmul`` of ``minitorch.backends.protocol.Backend``."""

    @staticmethod
    def matmul(a: Array, b: Array, bias: Array | None = None, activation: str | None = None) -> Array:
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
        multiply = _times_vector if 1 in (M, N) else _times_matrix
        multiply(a, b, bias, activation == "relu", output, batch)
        return output


_LARGEST = 2**31 - 2**10  # indices are ints, which must not overflow in the last tile


class _Plan(NamedTuple):
    """How a product is launched; without the arrays, so that it can be kept for the next product of the same shapes."""

    kernel: str
    blocks: int
    threads: int
    shared: int
    geometry: Any  # struct Gemm
    splits: int


def _times_matrix(a: Array, b: Array, bias: Array | None, relu: bool, output: Array, batch: Batch) -> None:
    """output[…] = activation(a[…] @ b[…] + bias), tile by tile."""
    M, N = output.shape[-2:]
    (a_m, a_k), (b_k, b_n) = _strides(a)[-2:], _strides(b)[-2:]
    aligned = a.data.ptr % 16 == 0 and b.data.ptr % 16 == 0
    plan = _plan_matrix(
        a.dtype.char,
        M,
        N,
        a.shape[-1],
        (a_m, a_k, b_n, b_k),
        batch,
        relu,
        aligned,
        precision.matmul.fp32_precision,
        a.device.id,
    )
    _run(plan, (Strided(a), Strided(b)), bias, relu, output, ())


def _times_vector(a: Array, b: Array, bias: Array | None, relu: bool, output: Array, batch: Batch) -> None:
    """The same where N = 1 or M = 1."""
    M, N = output.shape[-2:]
    (a_m, a_k), (b_k, b_n) = _strides(a)[-2:], _strides(b)[-2:]
    matrix, vector, rows, strides = a, b, M, (a_m, a_k, b_n, b_k)
    if N > 1:  # M is 1: output^T = b^T @ a^T
        matrix, vector, rows, strides = b, a, N, (b_n, b_k, a_m, a_k)
        batch = batch[0], batch[2], batch[1]
    plan = _plan_vector(a.dtype.char, rows, a.shape[-1], strides, batch, relu)
    _run(plan, (Strided(matrix), Strided(vector)), bias, relu, output, (np.int32(N > 1),))


def _run(
    plan: _Plan, operands: tuple[Any, ...], bias: Array | None, relu: bool, output: Array, further: tuple[Any, ...]
) -> None:
    whole = plan.splits == 1  # else add_splits adds the bias
    to = output if whole else cupy.empty((plan.splits, *output.shape), output.dtype)
    args = (*operands, bias if whole else None, to, *further, plan.geometry)
    launch("gemm", plan.kernel, grid=(plan.blocks,), block=(plan.threads,), args=args, shared=plan.shared)
    if not whole:
        add_splits(to, output, bias, relu)


@functools.lru_cache(maxsize=4096)
def _plan_matrix(
    char: str,
    M: int,
    N: int,
    K: int,
    strides: tuple[int, int, int, int],
    batch: Batch,
    relu: bool,
    aligned: bool,
    precision: str,
    device: int,
) -> _Plan:
    sizes, a_batch, b_batch = batch
    batches = math.prod(sizes)
    a_m, a_k, b_n, b_k = strides
    a_along, b_along = _along_depth(a_m, a_k), _along_depth(b_n, b_k)
    vectors = (
        aligned
        and char == "f"
        and _vectors(*((K, a_k, a_m) if a_along else (M, a_m, a_k)), a_batch)
        and _vectors(*((K, b_k, b_n) if b_along else (N, b_n, b_k)), b_batch)
    )
    kernels: dict[tiles.Tile, str] = {}
    for tile in tiles.candidates(precision, char, device):
        name = f"matmul<{_C[char]},{tile.name},{_BOOL[a_along]},{_BOOL[b_along]}"
        names = (f"{name},4>", f"{name},1>") if vectors else (f"{name},1>",)
        # Not every tile is compiled for vectors, or without.
        if compiled := [name for name in names if name in source.instances("gemm")]:
            kernels[tile] = compiled[0]
    tile = tiles.choose(list(kernels), M, N, batches, K)
    blocks = tiles.blocks(tile, M, N, batches)
    splits, chunk = tiles.split(blocks, K)
    geometry = _geometry(M, N, K, splits, chunk, strides, batch, relu)
    return _Plan(kernels[tile], blocks * splits, tile.threads, tile.shared, geometry, splits)


@functools.lru_cache(maxsize=4096)
def _plan_vector(char: str, M: int, K: int, strides: tuple[int, int, int, int], batch: Batch, relu: bool) -> _Plan:
    along = _along_depth(*strides[:2])
    blocks = -(-M // (8 if along else 32)) * math.prod(batch[0])
    splits, chunk = tiles.split(blocks, K)
    geometry = _geometry(M, 1, K, splits, chunk, strides, batch, relu)
    return _Plan(f"vector_product<{_C[char]},{_BOOL[along]}>", blocks * splits, 256, 0, geometry, splits)


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


def _strides(array: Array) -> tuple[int, ...]:
    """In elements."""
    return tuple([stride // array.itemsize for stride in array.strides])


def _whole_strides(array: Array) -> Array:
    """The array itself, or a copy if its strides are no multiples of its elements' size (a field of records)."""
    return array.copy() if any(stride % array.itemsize for stride in array.strides) else array


def _along_depth(row_stride: int, depth_stride: int) -> bool:
    return abs(depth_stride) <= abs(row_stride)


def _vectors(size: int, stride: int, other: int, batch: tuple[int, ...]) -> bool:
    """Whether matrices can be read four elements at a time, along a dimension of this size and stride.

    ``other`` is the stride of the other dimension, ``batch`` are those of the batch.
    """
    return stride == 1 and size % 4 == 0 and not any(stride % 4 for stride in (other, *batch))


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


def _geometry(
    M: int, N: int, K: int, splits: int, chunk: int, strides: tuple[int, int, int, int], batch: Batch, relu: bool
) -> Any:
    """The kernels' ``struct Gemm``."""
    sizes, a_batch, b_batch = batch
    missing = _DIMENSIONS - len(sizes)
    a_m, a_k, b_n, b_k = strides
    return source.struct(
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
    )
