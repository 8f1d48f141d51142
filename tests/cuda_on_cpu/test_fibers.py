"""The fibers that run CUDA sources on a CPU: right kernels give right results, and broken ones are caught."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import cupy
import numpy as np
import pytest

from minitorch.backends.cuda import source

HELPERS = source.text("elementwise").split('#line 1 "elementwise.cu"')[0]
FLOATS = 64


def run(body, grid=1, block=FLOATS, shared=0, array=None, name="kernel", options=""):
    """Runs `__global__ void kernel(float* x, const float* y)`: its x afterwards, whose elements were 0, 1, 2, ..."""
    code = f"{HELPERS}\n{options}\n__global__ void kernel(float* x, const float* y) {{ {body} }}"
    kernel = cupy.RawModule(code=code, name_expressions=(name,)).get_function(name)
    kernel.max_dynamic_shared_size_bytes = 100_000
    x = cupy.arange(FLOATS, dtype=np.float32) if array is None else array
    y = cupy.arange(FLOATS, dtype=np.float32)
    kernel((grid,), (block,), (x, y), shared_mem=shared)
    return x.get()


# ---- what works ------------------------------------------------------------------------------------------------------

numbers = np.arange(FLOATS, dtype=np.float32)


def test_threads_and_blocks_know_their_places(thread_order):
    body = "int i = blockIdx.x * blockDim.x + threadIdx.x; x[i] = blockIdx.x * 100 + threadIdx.x + gridDim.x * 1000;"
    np.testing.assert_array_equal(run(body, grid=4, block=16), numbers % 16 + numbers // 16 * 100 + 4000)


def test_shared_memory_and_barriers(thread_order):
    body = "__shared__ float t[64]; int i = threadIdx.x; t[i] = y[i]; __syncthreads(); x[i] = t[63 - i];"
    np.testing.assert_array_equal(run(body), numbers[::-1])


def test_dynamic_shared_memory(thread_order):
    body = (
        "MT_DYNAMIC_SHARED(float, t); t[threadIdx.x] = y[threadIdx.x]; __syncthreads(); "
        "x[threadIdx.x] = t[(threadIdx.x + 1) % 64];"
    )
    np.testing.assert_array_equal(run(body, shared=256), np.roll(numbers, -1))


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("__shfl_xor_sync(whole_warp, v, 5)", lambda i: (i & ~31) | ((i & 31) ^ 5)),
        ("__shfl_down_sync(whole_warp, v, 3)", lambda i: np.where(i % 32 + 3 < 32, i + 3, i)),
        ("__shfl_up_sync(whole_warp, v, 3)", lambda i: np.where(i % 32 >= 3, i - 3, i)),
        ("__shfl_sync(whole_warp, v, 7)", lambda i: i // 32 * 32 + 7),
        ("__shfl_sync(whole_warp, v, 2, 8)", lambda i: i // 8 * 8 + 2),
        ("__shfl_down_sync(whole_warp, v, 3, 8)", lambda i: np.where(i % 8 + 3 < 8, i + 3, i)),
        ("__popc(__ballot_sync(whole_warp, v < 40))", lambda i: np.where(i < 32, 32, 8)),
        ("__any_sync(whole_warp, v == 40)", lambda i: i >= 32),
        ("__all_sync(whole_warp, v != 40)", lambda i: i < 32),
    ],
)
def test_warps_exchange(thread_order, call, wanted):
    i = np.arange(FLOATS)
    np.testing.assert_array_equal(run(f"float v = y[threadIdx.x]; x[threadIdx.x] = {call};"), wanted(i))


def test_halves_of_a_warp_exchange_apart(thread_order):
    body = (
        "float v = y[threadIdx.x]; "
        "if (threadIdx.x % 32 < 16) x[threadIdx.x] = __shfl_xor_sync(0x0000FFFF, v, 1);\n"
        "else x[threadIdx.x] = __shfl_xor_sync(0xFFFF0000, v, 2);"
    )
    i = np.arange(FLOATS)
    np.testing.assert_array_equal(run(body), np.where(i % 32 < 16, i ^ 1, i ^ 2))


def test_copies_land_at_their_wait(thread_order):
    body = (
        "__shared__ float t[128]; int i = threadIdx.x;\n"
        "if (i < 16) copy_async<16>(t + 4 * i, y + 4 * i, true);\n"
        "copy_async_commit(); copy_async<4>(t + 64 + i, y + i, i % 2 == 0); copy_async_commit();\n"
        "copy_async_wait<1>(); __syncthreads(); float first = t[i];\n"
        "copy_async_wait<0>(); __syncthreads(); x[i] = first + 1000 * t[64 + (i ^ 1)];"
    )
    i = np.arange(FLOATS)
    np.testing.assert_array_equal(run(body), i + 1000 * np.where(i % 2 == 1, i ^ 1, 0))


def test_the_matrix_instruction(thread_order):
    """One 16x8 product of 16x8 and 8x8 matrices that TensorFloat-32 holds exactly."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(-9, 9, (16, 8)).astype(np.float32), rng.integers(-9, 9, (8, 8)).astype(np.float32)
    body = (
        "int g = threadIdx.x / 4, t = threadIdx.x % 4; const float* b_ = a_ + 128;\n"
        "float a[4] = {a_[g * 8 + t], a_[(g + 8) * 8 + t], a_[g * 8 + t + 4], a_[(g + 8) * 8 + t + 4]};\n"
        "float b[2] = {b_[t * 8 + g], b_[(t + 4) * 8 + g]}; float d[4] = {1, 1, 1, 1};\n"
        "mma_tf32_16x8x8(d, a, b);\n"
        "x[g * 8 + 2 * t] = d[0]; x[g * 8 + 2 * t + 1] = d[1];\n"
        "x[(g + 8) * 8 + 2 * t] = d[2]; x[(g + 8) * 8 + 2 * t + 1] = d[3];"
    )
    code = f"{HELPERS}\n__global__ void kernel(float* x, const float* a_) {{ {body} }}"
    kernel = cupy.RawModule(code=code, name_expressions=("kernel",)).get_function("kernel")
    x = cupy.empty((16, 8), np.float32)
    kernel((1,), (32,), (x, cupy.asarray(np.concatenate([a.ravel(), b.ravel()]))))
    np.testing.assert_array_equal(x.get(), a @ b + 1)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (1 + 2**-10, 1 + 2**-10),
        (1 + 2**-11, 1 + 2**-10),
        (1 + 2**-12, 1.0),
        (-1 - 2**-11, -1 - 2**-10),
        (np.inf, np.inf),
    ],
)
def test_rounding_to_tensor_floats(value, rounded):
    assert run("x[0] = to_tf32(x[0]);", block=1, array=cupy.array([value], np.float32))[0] == np.float32(rounded)


# ---- what is caught --------------------------------------------------------------------------------------------------


def differs(body, **kwargs):
    """Whether some order of the threads gives another result, or NaN."""
    results = []
    for order in range(len(cupy._state.THREAD_ORDERS)):
        before, cupy._state.thread_order = cupy._state.thread_order, order
        try:
            results.append(run(body, **kwargs))
        finally:
            cupy._state.thread_order = before
    return any(np.isnan(r).any() or not np.array_equal(r, results[0]) for r in results)


def test_a_missing_barrier():
    assert differs("__shared__ float t[64]; t[threadIdx.x] = y[threadIdx.x]; x[threadIdx.x] = t[63 - threadIdx.x];")


def test_a_missing_barrier_before_memory_is_used_again():
    body = (
        "__shared__ float t[64]; float s = 0; for (int k = 0; k < 2; ++k) { t[threadIdx.x] = k + y[threadIdx.x]; "
        "__syncthreads(); s += t[63 - threadIdx.x]; } x[threadIdx.x] = s;"
    )
    assert differs(body)


def test_a_missing_barrier_between_shuffles():
    """A warp that has its sum and goes on to the next overwrites what slower warps still read."""
    body = (
        "__shared__ float t[2]; float s = y[threadIdx.x]; for (int k = 0; k < 2; ++k) { "
        "for (int d = 16; d; d /= 2) s += __shfl_xor_sync(whole_warp, s, d); if (threadIdx.x % 32 == 0) "
        "t[threadIdx.x / 32] = s; __syncthreads(); s = t[0] - 2 * t[1]; } x[threadIdx.x] = s;"
    )
    assert differs(body)
    assert not differs(body.replace("- 2 * t[1];", "- 2 * t[1]; __syncthreads();"))


def test_a_missing_wait():
    body = "__shared__ float t[64]; int i = threadIdx.x; copy_async<4>(t + i, y + i, true); copy_async_commit(); "
    assert np.isnan(run(body + "x[i] = t[i]; copy_async_wait<0>();")).all()
    with pytest.raises(RuntimeError, match="without waiting"):
        run(body)


def test_a_wait_for_too_few_copies():
    body = (
        "__shared__ float t[64]; int i = threadIdx.x; copy_async<4>(t + i, y + i, true); copy_async_commit(); "
        "copy_async_wait<1>(); x[i] = t[i]; copy_async_wait<0>();"
    )
    assert np.isnan(run(body)).all()


def test_shared_memory_that_nobody_wrote():
    body = "__shared__ float t[64]; int i = threadIdx.x; if (i < 60) t[i] = 0; __syncthreads(); x[i] = t[i];"
    assert np.isnan(run(body)[60:]).all()


def test_shared_memory_of_an_earlier_block():
    body = "__shared__ float t[64]; if (blockIdx.x == 0) t[threadIdx.x] = 1; else x[threadIdx.x] = t[threadIdx.x];"
    assert np.isnan(run(body, grid=2)).all()


def test_results_that_depend_on_the_order_of_blocks():
    assert differs("x[threadIdx.x] = blockIdx.x;", grid=3)


def test_results_that_depend_on_the_order_of_warps():
    assert differs(
        "__shared__ float t[1]; if (threadIdx.x % 32 == 0) t[0] = threadIdx.x; __syncthreads(); x[threadIdx.x] = t[0];"
    )


# Only one end of an array is at a page that nobody may touch.
OUTSIDE = "touches memory outside its arrays|writes just outside an array"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("if (threadIdx.x < 7) __syncthreads();", "__syncthreads.. isn't reached by all threads"),
        ("if (threadIdx.x < 7) __syncthreads();\nelse __syncthreads();", "different __syncthreads"),
        ("if (threadIdx.x < 32) __syncthreads();\nelse __shfl_sync(whole_warp, 1, 0); x[0] = 0;", "have ended"),
        ("if (threadIdx.x != 3) __syncwarp();", "has ended"),
        ("if (threadIdx.x % 32 < 16) __syncwarp();\nelse __syncthreads();", "by a part of its threads only"),
        ("x[0] = __shfl_sync(0xFFFF, y[0], 0);", "isn't in the mask of its own"),
        ("if (threadIdx.x % 32 < 8) x[0] = __shfl_sync(0xFF, y[0], 9);", "from a lane that isn't in its mask"),
        ("if (threadIdx.x % 2) __syncwarp();\nelse __shfl_sync(whole_warp, 1, 0);", "wait in different"),
        ("x[threadIdx.x + 1] = 0;", OUTSIDE),
        ("x[int(threadIdx.x) - 2] = 0;", OUTSIDE),
        ("x[threadIdx.x] = y[int(threadIdx.x) * 1000000];", "touches memory outside its arrays"),
        ("__shared__ float t[64]; float* p = t; p[threadIdx.x + 1] = 0;", "touches memory outside its arrays"),
        ("__shared__ float t[8][8]; t[threadIdx.x / 8][threadIdx.x % 8 + 1] = 0;", "index outside"),
        ("MT_DYNAMIC_SHARED(float, t); t[threadIdx.x + 1] = 0;", "touches memory outside its arrays"),
        ("float t[4]; for (int i = 0; i <= int(threadIdx.x); ++i) t[i] = y[i]; x[0] = t[2];", "index outside"),
        ("*reinterpret_cast<float4*>(x + threadIdx.x % 2) = make_float4(0, 0, 0, 0);", "misaligned"),
        ("__shared__ float t[64]; copy_async<16>(t + 1, y, true); copy_async_wait<0>();", "isn't aligned"),
        ("x[0] = 1 / (int(threadIdx.x) / 64);", "division by zero|index outside"),
        ("x[0] = (1 << 30) * (int(threadIdx.x) + 2);", "an integer that overflows"),
        ("x[0] = 1 << (int(threadIdx.x) + 32);", "an integer that overflows"),
        ("__shared__ double t[8000]; t[0] = 0;", "48 KB"),
    ],
)
def test_a_broken_kernel_is_stopped(thread_order, body, message):
    with pytest.raises(RuntimeError, match=message):
        run(body, shared=256)


def test_dynamic_shared_memory_that_the_launch_forgot():
    with pytest.raises(RuntimeError, match="the launch gives none"):
        run("MT_DYNAMIC_SHARED(float, t); t[0] = 0;")


def test_a_stack_that_overflows_ends_the_launch_only():
    body = "volatile char big[1 << 20]; big[threadIdx.x] = 1; x[0] = big[threadIdx.x];"
    with pytest.raises(RuntimeError, match="touches memory outside"):
        run(body)
    np.testing.assert_array_equal(run("x[threadIdx.x] += 1;"), numbers + 1)


@pytest.mark.parametrize("body", ["atomicAdd(x, 1.0f);", "double d = sin(cospi(1.0)); std::vector<int> v;"])
def test_what_kernels_may_not_use_does_not_compile(body):
    with pytest.raises(RuntimeError, match="refuses"):
        run(body)


def test_several_shared_arrays_in_one_statement_are_refused():
    with pytest.raises(ValueError, match="one shared array"):
        run("__shared__ float s[4], t[4]; x[0] = 0;")


def test_the_way_of_other_processors():
    """Elsewhere than on x86-64 the C library switches between fibers."""
    chosen = "shared_memory or missing or halves or overflows or (stopped and forward)"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", chosen],
        env={**os.environ, "MINITORCH_CUDA_ON_CPU_PORTABLE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 30


# ---- arguments -------------------------------------------------------------------------------------------------------


def launched(parameters, *args, body=""):
    structs = "struct Pair { int a, b; }; struct Large { u64 words[300]; };"
    code = f"{HELPERS}\n{structs}\n__global__ void kernel({parameters}) {{ {body} }}"
    cupy.RawModule(code=code, name_expressions=("kernel",)).get_function("kernel")((1,), (1,), args)


PAIR = np.zeros((), [("a", np.int32), ("b", np.int32)])


def test_arguments_that_fit():
    x = cupy.zeros(4, np.float32)
    parameters = "float* x, const float* y, const u8* z, float f, i64 i, u32 u, bool b, Pair pair"
    scalars = np.float32(0), np.int64(0), np.uint32(0), np.bool_(True), PAIR
    launched(parameters, x, x, cupy.zeros(3, np.uint8), *scalars)
    launched(parameters, np.uint64(0), cupy.broadcast_to(x, (2, 4)), np.uint64(0), *scalars)
    launched("const float* __restrict__ x, const float* __restrict__ y", x, x[1:])


@pytest.mark.parametrize(
    ("parameters", "args", "message"),
    [
        ("float x", (), "1 parameters, 0 arguments"),
        ("float x", (np.int32(0),), "argument 0 is int32 of 4 bytes, the parameter float of 4 bytes"),
        ("int x", (np.float32(0),), "argument 0 is float32 of 4 bytes, the parameter signed of 4 bytes"),
        ("u32 x", (np.int32(0),), "argument 0 is int32 of 4 bytes, the parameter unsigned of 4 bytes"),
        ("i64 x", (np.int32(0),), "argument 0 is int32 of 4 bytes, the parameter signed of 8 bytes"),
        ("i64 x", (PAIR,), "the parameter signed of 8 bytes"),
        ("Pair x", (np.int64(0),), "the parameter struct of 8 bytes"),
        ("i64 x", (0,), "argument 0 is a int"),
        ("float* x", (np.int64(0),), "argument 0 is a int64, the parameter a pointer to float of 4 bytes"),
        ("float* x", (np.uint64(8),), "argument 0 is a uint64, the parameter a pointer"),
        ("float* x", (cupy.zeros(2, np.int32),), "argument 0 is an array of int32, the parameter a pointer to float"),
        ("int* x", (cupy.zeros(2, np.uint32),), "argument 0 is an array of uint32, the parameter a pointer to signed"),
        ("i64 x", (cupy.zeros(1, np.int64),), "argument 0 is an array of int64, the parameter signed"),
        ("float* x", (cupy.broadcast_to(cupy.zeros(1, np.float32), (4,)),), "has elements twice"),
    ],
)
def test_arguments_that_do_not_fit(parameters, args, message):
    with pytest.raises(TypeError, match=message):
        launched(parameters, *args)


@pytest.mark.parametrize(
    ("parameters", "views"),
    [
        ("float* x, const float* y", lambda x: (x[1:], x[:-1])),
        ("float* x, float* y", lambda x: (x[:3], x)),
        ("float* __restrict__ x, const float* y", lambda x: (x, x)),
        ("float* x, const float* __restrict__ y", lambda x: (x, x)),
    ],
)
def test_an_output_that_overlaps_another_array(parameters, views):
    with pytest.raises(ValueError, match="an array that it writes overlaps another one"):
        launched(parameters, *views(cupy.zeros(4, np.float32)))


def test_more_arguments_than_a_launch_takes():
    large = np.zeros((), [("words", np.uint64, 300)])
    with pytest.raises(RuntimeError, match="more than 4096 bytes of arguments"):
        launched("Large a, Large b", large, large)
