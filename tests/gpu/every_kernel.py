"""Launches every kernel once on small arrays, each from the backend's own host code: for compute-sanitizer.

    compute-sanitizer --tool memcheck python -m tests.gpu.every_kernel

For each family there are calls of the backend over shapes, dtypes and alignments. They are first made without launching
anything, to see which kernels each would launch; then those are made in earnest that launch a kernel that none before
did. What they compute isn't looked at: ``tests/on_cuda`` does that. Arrays get memory of their own instead of a piece
of a pool's, so that a read just behind one is found.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock

import cupy
import numpy as np

import minitorch
from minitorch.backends import get_backend
from minitorch.backends.cuda import launch, pool, source, tiles
from minitorch.backends.cuda.conv2d import _plan as plan_convolution
from minitorch.backends.cuda.gemm import _plan_matrix as plan_product

from .shard import gpu_is_lost
from .step import Step, parser

RNG = np.random.default_rng(0)
DTYPES = np.float32, np.float64
NAMES = {"float": np.float32, "double": np.float64}


class Call(NamedTuple):
    """A call of the backend, and what it is called with, in words."""

    said: str
    run: Callable[[], Any]


def array(*shape: int, dtype: Any = np.float32) -> Any:
    """Small integers on the GPU."""
    return cupy.asarray(RNG.integers(-4, 5, shape).astype(dtype))


# ---- the calls of each family ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def only_tile(name: str) -> Iterator[None]:
    """Makes one tile the choice for all shapes."""
    plans = plan_product, plan_convolution
    with mock.patch.object(tiles, "candidates", return_value=(tiles.tile(name),)):
        for plan in plans:
            plan.cache_clear()
        yield
    for plan in plans:
        plan.cache_clear()


def with_tile(tile: str, run: Callable[[], Any]) -> Callable[[], Any]:
    def call() -> Any:
        with only_tile(tile):
            return run()

    return call


def gemm() -> Iterator[Call]:
    backend = get_backend("cuda")
    for name in source.instances("gemm"):
        kernel, _, arguments = name.removesuffix(">").partition("<")
        if kernel != "matmul":
            continue
        kind, tile, a_along, b_along, vector = arguments.split(",")
        # A little more than the largest tile, and sums of more slices than a pipeline has stages.
        M, N, K = (size + (vector == "1") for size in (132, 136, 148))
        a = array(M, K, dtype=NAMES[kind]) if a_along == "true" else array(K, M, dtype=NAMES[kind]).T
        b = array(K, N, dtype=NAMES[kind]) if b_along == "false" else array(N, K, dtype=NAMES[kind]).T
        yield Call(name, with_tile(tile, lambda a=a, b=b: backend.matmul(a, b, None, "relu")))
    for dtype, K, turned in itertools.product(DTYPES, (37, 1200), (False, True)):
        matrix, vector = array(*((K, 40) if turned else (40, K)), dtype=dtype), array(K, 1, dtype=dtype)
        matrix = matrix.T if turned else matrix
        bias = array(1, dtype=dtype)
        yield Call(f"matrix times vector, {K}", lambda a=matrix, b=vector, c=bias: backend.matmul(a, b, c, None))


def conv2d() -> Iterator[Call]:
    backend = get_backend("cuda")
    for name in source.instances("conv2d"):
        kernel, _, arguments = name.removesuffix(">").partition("<")
        kind, tile, *vector = arguments.split(",")
        # As for matrices: ends that aren't full, several slices; read in vectors where channels × kernel or places fit.
        C, size = (4, 8) if vector == ["4"] else (5, 9)
        x, w = array(3, C, size, size, dtype=NAMES[kind]), array(132, C, 3, 3, dtype=NAMES[kind])
        g, options = array(3, 132, size, size, dtype=NAMES[kind]), ((1, 1), (1, 1), (1, 1), 1)
        run = {
            "conv2d": lambda x=x, w=w, o=options: backend.conv2d(x, w, None, *o),
            "conv2d_backward_input": lambda x=x, w=w, g=g, o=options: backend.conv2d_backward_input(g, w, x.shape, *o),
            "conv2d_backward_weight": lambda x=x, w=w, g=g, o=options: backend.conv2d_backward_weight(
                x, g, w.shape, *o
            ),
        }
        if kernel in run:
            yield Call(name, with_tile(tile, run[kernel]))


def pool2d() -> Iterator[Call]:
    backend = get_backend("cuda")
    for dtype, kernel, most in itertools.product(DTYPES, ((3, 2), (17, 16)), (pool._MOST_U32, 0)):
        x, rest = array(2, 3, 19, 20, dtype=dtype), ((2, 2), (1, 1))
        output = tuple([(n + 2 - k) // 2 + 1 for n, k in zip(x.shape[2:], kernel, strict=True)])
        g = array(2, 3, *output, dtype=dtype)

        def pools(
            x: Any = x, g: Any = g, k: Any = kernel, rest: Any = rest, output: Any = output, most: int = most
        ) -> None:
            with mock.patch.object(pool, "_MOST_U32", most):
                indices = backend.max_pool2d(x, k, *rest, (1, 1), output)[1]
                indices[...] = 0  # they are garbage where nothing is launched
                backend.max_pool2d_backward(g, indices, x.shape, k, *rest, (1, 1))
                backend.max_pool2d_gather(x, indices, k, *rest, (1, 1))
                backend.avg_pool2d(x, k, *rest, output, False, None)
                backend.avg_pool2d_backward(g, x.shape, k, *rest, False, None)

        yield Call(f"pools {kernel} of {x.dtype}", pools)


def elementwise() -> Iterator[Call]:
    backend = get_backend("cuda")
    for dtype in DTYPES:
        x = array(1037, dtype=dtype)
        yield Call("ReLU", lambda x=x: backend.relu_backward(backend.relu(x), x))
        yield Call("dropout", lambda x=x: backend.dropout(x, 0.5, 1, 2))
    yield Call("philox", lambda: backend.philox(1, 2, 1037))


def loss() -> Iterator[Call]:
    backend = get_backend("cuda")
    for dtype, columns in itertools.product(DTYPES, (10, 100, 1000, 1100)):
        x, target, g = array(9, columns, dtype=dtype), array(9, dtype=np.int64) + 4, array(9, dtype=dtype)

        def losses(x: Any = x, target: Any = target, g: Any = g) -> None:
            backend.softmax(x)
            backend.log_softmax(x)
            losses, logsumexp = backend.cross_entropy(x, target, 1)
            backend.reduce_losses(losses, target, 1, True)
            backend.cross_entropy_backward(g, x, target, logsumexp, 1)

        yield Call(f"losses of {columns} classes", losses)


def optim() -> Iterator[Call]:
    backend = get_backend("cuda")
    for dtype, first, second in itertools.product(DTYPES, (False, True), (False, True)):

        def arrays(wanted: bool = True, dtype: Any = dtype) -> Any:
            return [array(3, dtype=dtype), array(1300, dtype=dtype)] if wanted else None

        def steps(first: bool = first, second: bool = second, arrays: Any = arrays) -> None:
            p, g = arrays(), arrays()
            backend.sgd_step(p, g, arrays(first), 0.1, 0.9 * first, 0.0, 0.1, first, False, second)
            squares = [abs(a) for a in arrays()]
            largest = [abs(a) for a in arrays()] if first else None
            backend.adam_step(p, g, arrays(), squares, largest, 1, 0.1, 0.9, 0.99, 1e-8, 0.1, second, False)
            backend.rmsprop_step(p, g, squares, arrays(first), arrays(second), 0.1, 0.9, 1e-8, 0.1, 0.9, False)

        yield Call(f"optimisers, {first}, {second}", steps)


def reduce() -> Iterator[Call]:
    backend = get_backend("cuda")
    shapes: dict[tuple[int, ...], tuple[int, ...]] = {
        (5, 64): (1,),
        (3, 40_000): (1,),
        (64, 5, 64): (0, 2),
        (70, 64): (0,),
        (5000, 8): (0,),
    }
    for (shape, dims), dtype, odd in itertools.product(shapes.items(), DTYPES, (0, 1)):
        x = array(*shape[:-1], shape[-1] + odd, dtype=dtype)
        yield Call(f"sum of {x.shape} over {dims}", lambda x=x, dims=dims: backend.sum(x, dims))


def norm() -> Iterator[Call]:
    backend = get_backend("cuda")
    # Groups held by part of a warp, by a block, and longer ones, which blocks share.
    for dtype, length, odd in itertools.product(DTYPES, (16, 300, 600, 9000), (0, 1)):
        x = array(2, 3, length + odd, dtype=dtype)

        def all_of_it(x: Any = x) -> None:
            normalized, scale, *_ = backend.standardize(x, 1e-5, True)
            backend.standardize_backward(x, normalized, scale, True)
            backend.affine(normalized, scale, scale)
            backend.affine_backward(x, normalized, scale)

        yield Call(f"norm of groups of {2 * (length + odd)}", all_of_it)


def local_response() -> Iterator[Call]:
    backend = get_backend("cuda")
    for dtype, size in itertools.product(DTYPES, (5, 399)):  # the numbers of so many channels don't fit shared memory
        x = array(2, 400, 9, dtype=dtype)

        def both(x: Any = x, size: int = size) -> None:
            _, bases = backend.local_response_norm(x, size, 1e-4, 0.75, 2.0)
            backend.local_response_norm_backward(x, x, bases, size, 1e-4, 0.75)

        yield Call(f"local response norm over {size} channels", both)


def scatter() -> Iterator[Call]:
    backend = get_backend("cuda")
    index = cupy.asarray(np.array([3, 0, 3, 6, 2, 0]))
    for dtype in (np.float32, np.float64, np.int64, np.int32, np.uint8, np.float16):
        output, added = array(2, 7, 5, dtype=dtype), array(2, 6, 5, dtype=dtype)
        if dtype != np.float16:
            yield Call(f"index_add of {added.dtype}", lambda o=output, a=added: backend.index_add(o, index, a))
        put = output[0], (index,), added[0]
        yield Call(f"index_put of {added.dtype}", lambda put=put: backend.index_put(*put))


def cells() -> Iterator[Call]:
    """What a captured step reads of the host: here a learning rate that changes."""

    def replay() -> None:
        parameter = minitorch.nn.Parameter(minitorch.ones(5, device="cuda"))
        parameter.grad = minitorch.ones(5, device="cuda")
        optimizer = minitorch.optim.SGD([parameter], lr=0.5)
        optimizer.step()
        graph = minitorch.cuda.CUDAGraph()
        with minitorch.cuda.graph(graph):
            optimizer.step()
        graph.replay()
        optimizer.param_groups[0]["lr"] = 0.25
        graph.replay()

    yield Call("a captured step", replay)


FAMILIES: dict[str, Callable[[], Iterator[Call]]] = {
    "conv2d": conv2d,
    "elementwise": elementwise,
    "gemm": gemm,
    "local_response": local_response,
    "loss": loss,
    "norm": norm,
    "optim": optim,
    "pool2d": pool2d,
    "reduce": reduce,
    "scatter": scatter,
    "cells": cells,
}


# ---- planning and launching ------------------------------------------------------------------------------------------


def wanted() -> list[tuple[str, str]]:
    """Every kernel instance that the current GPU can run, with its family."""
    capability = int(cupy.cuda.Device().compute_capability)
    return [
        (family, name)
        for family in source.families()
        for name, needed in source.instances(family).items()
        if needed <= capability
    ]


def launched(call: Call, in_earnest: bool) -> list[tuple[str, str]]:
    """Makes a call; the kernels that it launches, or would launch."""
    names: list[tuple[str, str]] = []
    run = launch._run

    def noting(family: str, name: str, *rest: Any) -> None:
        names.append((family, name))
        if in_earnest:
            run(family, name, *rest)

    with mock.patch.object(launch, "_run", noting):
        call.run()
    cupy.cuda.runtime.deviceSynchronize()
    return names


def plan(families: list[str]) -> dict[tuple[str, str], Call]:
    """For each kernel the call that is made for it, the first one that launches it; nothing is launched here."""
    calls: dict[tuple[str, str], Call] = {}
    for call in itertools.chain.from_iterable(FAMILIES[family]() for family in families):
        try:
            kernels = launched(call, in_earnest=False)
        except Exception as error:  # then its kernels are missing in what is returned
            print(f"{call.said}: {type(error).__name__}: {error}", flush=True)
            continue
        for kernel in kernels:
            calls.setdefault(kernel, call)
    return calls


def make(step: Step, call: Call) -> list[tuple[str, str]]:
    """Makes a call in earnest; an error becomes a failed check, and nothing is known of its kernels."""
    print(call.said, flush=True)  # so that it is seen what the sanitizer's next lines belong to
    try:
        return launched(call, in_earnest=True)
    except Exception as error:  # a kernel's, a launch's, the driver's: each has its own
        step.check(call.said, False, f"{type(error).__name__}: {error}")
        return []


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--family", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    arguments.add_argument("--shard", default="0/1", metavar="I/N", help="every N-th call, the I-th first (from 0)")
    options = arguments.parse_args()
    families = ["elementwise"] if options.rehearse else options.family
    cupy.cuda.set_allocator(None)
    step = Step("every kernel", options.out)
    calls = plan(families)
    for family, name in wanted():
        if family in families and (family, name) not in calls:
            step.check(f"{family}.cu: {name}", False, "nothing here launches it")
    number, count = map(int, options.shard.split("/"))
    different = list({id(call): call for call in calls.values()}.values())
    kernels = set()
    for call in different[number::count]:
        kernels.update(make(step, call))
        if gpu_is_lost():
            break
    step.check("launches", bool(kernels), f"{len(kernels)} of {len(wanted())} kernels")
    return step.status()


if __name__ == "__main__":
    sys.exit(main())
