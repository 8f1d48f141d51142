"""Races: accesses that no barrier orders, found whatever the order of the fibers was. No kernel has any."""

from __future__ import annotations

import cupy
import numpy as np
import pytest
from test_fibers import run

from minitorch.backends.cuda import capture, conv, launch, matmul, source
from minitorch.backends.cuda.backend import CudaBackend


@pytest.fixture(autouse=True)
def races(monkeypatch):
    monkeypatch.setattr(cupy._state, "races", True)
    kept = launch._kernel, launch._allow_shared  # of kernels that look for races, or don't
    for function in kept:
        function.cache_clear()
    yield
    for function in kept:
        function.cache_clear()


SHARED = "__shared__ float t[64]; int i = threadIdx.x; "
ARRIVE = "copy_async_commit(); copy_async_wait<0>(); "


@pytest.mark.parametrize(
    "body",
    [
        SHARED + "t[i] = y[i]; x[i] = t[i ^ 1];",
        SHARED + "t[i] = y[i]; __syncthreads(); x[i] = t[63 - i]; t[i] = 0;",
        SHARED + "t[i / 2] = y[i]; __syncthreads(); x[i] = t[i / 2];",
        SHARED + "t[0] = 7; __syncthreads(); x[i] = t[0];",  # though it is the same number
        SHARED + "t[i] = y[i]; __shfl_xor_sync(whole_warp, 1, 1); x[i] = t[i ^ 1];",
        SHARED + "t[i] = y[i]; __syncwarp(); x[i] = t[i ^ 32];",
        SHARED + "copy_async<4>(t + i, y + i, true); " + ARRIVE + "x[i] = t[i ^ 1];",
        SHARED + "t[i] = 0; __syncthreads(); x[i] = t[i ^ 1]; copy_async<4>(t + i, y + i, true); " + ARRIVE,
        "__shared__ u8 t[64]; int i = threadIdx.x; t[i] = i; x[i] = t[i ^ 1];",
        "x[threadIdx.x / 2] = 1;",
        "x[threadIdx.x] = x[63 - threadIdx.x];",
    ],
)
@pytest.mark.parametrize("order", range(len(cupy._state.THREAD_ORDERS)))
def test_races_within_a_block(body, order, monkeypatch):
    monkeypatch.setattr(cupy._state, "thread_order", order)
    with pytest.raises(RuntimeError, match=r"a race: a thread (reads|writes) what thread \d+ (reads|writes), and no"):
        run(body)


@pytest.mark.parametrize(
    "body",
    [
        "x[threadIdx.x] = 7;",
        "if (blockIdx.x == 0) x[threadIdx.x] = 7; else x[threadIdx.x + 32] = x[threadIdx.x ^ 1];",
        "__syncthreads(); x[threadIdx.x] += 1;",
    ],
)
def test_races_between_blocks(body):
    with pytest.raises(RuntimeError, match=r"a race: a thread .* of another block"):
        run(body, grid=2, block=32)


@pytest.mark.parametrize(
    "body",
    [
        SHARED + "t[i] = y[i]; __syncthreads(); x[i] = t[63 - i]; __syncthreads(); t[63 - i] = 0;",
        SHARED + "t[i] = y[i]; __syncwarp(); x[i] = t[i ^ 1]; __syncwarp(); t[i ^ 1] = 0;",
        SHARED + "copy_async<4>(t + i, y + i, true); " + ARRIVE + "__syncthreads(); x[i] = t[i ^ 1];",
        "__shared__ u8 t[64]; int i = threadIdx.x; t[i] = i; __syncthreads(); x[i] = t[i ^ 1];",
        "__shared__ int n[1]; if (threadIdx.x == 0) n[0] = 0; __syncthreads(); atomicAdd(n, 1); __syncthreads(); "
        "x[threadIdx.x] = n[0];",
        "float v[4]; for (int k = 0; k < 4; ++k) v[k] = y[threadIdx.x]; float s = 0; for (float e : v) s += e; "
        "x[threadIdx.x] = s + __shfl_xor_sync(whole_warp, s, 1);",
    ],
)
def test_what_is_no_race(body):
    run(body)


def test_threads_of_two_blocks_share_what_they_read():
    run("x[blockIdx.x * 32 + threadIdx.x] = y[threadIdx.x];", grid=2, block=32)


# ---- every kernel, once ----------------------------------------------------------------------------------------------


def floats(*shape):
    return cupy.asarray(np.random.default_rng(0).standard_normal(shape).astype(np.float32))


def products(backend):
    for a, b in (((70, 90), (90, 130)), ((3, 33, 40), (40, 20)), ((2, 600), (600, 3)), ((1, 50), (50, 70))):
        backend.matmul(floats(*a), floats(*b), floats(b[-1]), "relu")
        backend.matmul(floats(*a[:-2], a[-1], a[-2]).swapaxes(-1, -2), floats(*b), None, None)


def convolutions(backend):
    for options in (((1, 1), (1, 1), (1, 1), 1), ((2, 1), (0, 2), (1, 2), 2)):
        x, w = floats(3, 4, 13, 12), floats(18, 4 // options[-1], 3, 3)
        y = backend.conv2d(x, w, floats(18), *options)
        backend.conv2d_backward_input(y, w, x.shape, *options)
        backend.conv2d_backward_weight(x, y, w.shape, *options)


def pools(backend):
    x, size = floats(2, 3, 9, 11), ((3, 2), (2, 3), (1, 1))
    y, indices = backend.max_pool2d(x, *size, (1, 1), (5, 4))
    backend.max_pool2d_backward(y, indices, x.shape, *size, (1, 1))
    backend.max_pool2d_gather(x, indices, *size, (1, 1))
    y = backend.avg_pool2d(x, *size, (5, 4), False, None)
    backend.avg_pool2d_backward(y, x.shape, *size, False, None)


def elements(backend):
    y = backend.relu(floats(1030))
    backend.relu_backward(floats(1030), y)
    backend.philox(1, 2, 1030)
    backend.dropout(y, 0.5, 1, 2)


def rows(backend):
    for shape in ((9, 10), (3, 200), (2, 1000), (2, 1500)):
        x, target = floats(*shape), cupy.zeros(shape[0], np.int64)
        backend.softmax(x)
        backend.log_softmax(x)
        losses, logsumexp = backend.cross_entropy(x, target, -100)
        backend.reduce_losses(losses, target, -100, True)
        backend.cross_entropy_backward(floats(shape[0]), x, target, logsumexp, -100)


def sums(backend):
    for shape, dims in (
        ((70, 90), (1,)),
        ((3, 5000), (1,)),
        ((600, 40), (0,)),
        ((4, 3, 50), (0, 2)),
        ((9, 7, 5), (1,)),
    ):
        backend.sum(floats(*shape), dims)


def normalisations(backend):
    for shape in ((1, 9, 33), (4, 3, 49), (1, 2, 3000), (5, 1, 2000)):
        normalized, scale, _, _ = backend.standardize(floats(*shape), 1e-5, True)
        backend.standardize_backward(floats(*shape), normalized, scale, True)


def responses(backend):
    for size in (5, 400):  # with a ring in shared memory, and without
        y, bases = backend.local_response_norm(floats(2, 500, 40), size, 1e-4, 0.75, 1.0)
        backend.local_response_norm_backward(y, floats(2, 500, 40), bases, size, 1e-4, 0.75)


def cells(_):
    page = capture._Page()
    page.take(3, 3, np.float64)[0][:] = 1.0
    page.write()


def steps(backend):
    lists = [[floats(5), floats(1100)] for _ in range(5)]
    lists[2:] = [[array * array for array in arrays] for arrays in lists[2:]]
    backend.sgd_step(*lists[:3], 0.1, 0.9, 0.0, 0.1, False, False, False)
    backend.adam_step(*lists, 2, 0.1, 0.9, 0.99, 1e-8, 0.1, False, False)
    backend.rmsprop_step(*lists, 0.1, 0.9, 1e-8, 0.1, 0.9, False)


USES = (products, convolutions, pools, elements, rows, sums, normalisations, responses, cells, steps)


@pytest.mark.parametrize("precision", ["ieee", "tf32"])
def test_no_kernel_has_races(precision, monkeypatch):
    launched = set()
    kernel = launch._kernel

    def noting(family, name, device):
        launched.add((family, name.partition("<")[0]))
        return kernel(family, name, device)

    monkeypatch.setattr(launch, "_kernel", noting)
    for module in (conv, matmul):
        monkeypatch.setattr(module, "fp32_precision", precision)
    for use in USES:
        use(CudaBackend(0))
    every = {(family, name.partition("<")[0]) for family in source.families() for name in source.instances(family)}
    assert launched == every, "a kernel that none of the functions above uses, or that isn't listed"
