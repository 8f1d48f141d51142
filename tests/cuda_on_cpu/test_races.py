"""Races: accesses that no barrier orders, found whatever the order of the fibers was. No kernel has any."""

from __future__ import annotations

import cupy
import pytest
from gpu import every_kernel
from test_fibers import run

from minitorch.backends.cuda import launch, source


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


# ---- every kernel ----------------------------------------------------------------------------------------------------


def kind(name):
    """What instances of a kernel have in common that differ in dtypes and the like: the tile, or a block for a row."""
    kernel, _, arguments = name.removesuffix(">").partition("<")
    return kernel, *[argument for argument in arguments.split(",") if argument[:1].isupper() or argument == "0"]


@pytest.mark.parametrize("family", source.families())
def test_no_kernel_has_races(family):
    calls = every_kernel.plan([family])
    missing = {kind(name) for name in source.instances(family)}
    for (_, name), call in calls.items():
        if kind(name) in missing:
            missing -= {kind(name) for its, name in every_kernel.launched(call, in_earnest=True) if its == family}
    assert not missing
