"""The instructions of ``device.cuh`` that the compiler can't check: which lane holds which element of a fragment of
``mma``, how numbers are rounded to TensorFloat-32, and what an asynchronous copy writes.

On the stand-in these tests show that its twin does what ``device.cuh`` says; on a GPU, that the GPU does too.
"""

from __future__ import annotations

import cupy
import numpy as np
import pytest

from minitorch.backends.cuda import source

KERNELS = """
// D = A B + C of many (16 x 8), (8 x 8) and (16 x 8) matrices in rows, a warp each, placed as device.cuh says.
__global__ void multiply(const float* a_matrices, const float* b_matrices, const float* c_matrices, float* results) {
    const int g = threadIdx.x / 4, t = threadIdx.x % 4;
    const float *A = a_matrices + blockIdx.x * 128, *B = b_matrices + blockIdx.x * 64;
    const float* C = c_matrices + blockIdx.x * 128;
    float* D = results + blockIdx.x * 128;
    const float a[4] = {A[g * 8 + t], A[(g + 8) * 8 + t], A[g * 8 + t + 4], A[(g + 8) * 8 + t + 4]};
    const float b[2] = {B[t * 8 + g], B[(t + 4) * 8 + g]};
    float d[4] = {C[g * 8 + 2 * t], C[g * 8 + 2 * t + 1], C[(g + 8) * 8 + 2 * t], C[(g + 8) * 8 + 2 * t + 1]};
    mma_tf32_16x8x8(d, a, b);
    D[g * 8 + 2 * t] = d[0];
    D[g * 8 + 2 * t + 1] = d[1];
    D[(g + 8) * 8 + 2 * t] = d[2];
    D[(g + 8) * 8 + 2 * t + 1] = d[3];
}

__global__ void round_to_tf32(const float* x, float* y, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = to_tf32(x[i]);
}

// Each thread copies Bytes bytes, if its number is wanted, into shared memory that holds -1, and then out of it.
template <int Bytes>
__global__ void copy(const float* from, const bool* wanted, float* to) {
    MT_DYNAMIC_SHARED(float, memory);
    const int first = threadIdx.x * (Bytes / 4);
    for (int i = 0; i < Bytes / 4; ++i) memory[first + i] = -1.f;
    copy_async<Bytes>(memory + first, from + first, wanted[threadIdx.x]);
    copy_async_commit();
    copy_async_wait<0>();
    __syncthreads();
    for (int i = 0; i < Bytes / 4; ++i) to[first + i] = memory[first + i];
}
"""


pytestmark = pytest.mark.skipif(
    int(cupy.cuda.Device().compute_capability) < 80, reason="tensor cores for TensorFloat-32 need capability 8.0"
)


def kernel(name):
    code = (source.KERNELS / "device.cuh").read_text() + KERNELS
    return cupy.RawModule(code=code, name_expressions=(name,)).get_function(name)


def multiply(a, b, c):
    d = cupy.full(c.shape, np.nan, np.float32)
    kernel("multiply")((len(a),), (32,), (*map(cupy.asarray, (a, b, c)), d))
    return d.get()


def numbers(*shape, largest=100):
    return np.random.default_rng(0).integers(-largest, largest, shape).astype(np.float32)


def test_fragment_layout_of_a():
    """One element of A at a time is 1: it must bring its row of B into its row of D."""
    a = np.eye(128, dtype=np.float32).reshape(128, 16, 8)
    b = np.broadcast_to(numbers(1, 8, 8), (128, 8, 8)).copy()
    np.testing.assert_array_equal(multiply(a, b, np.zeros_like(a)), a @ b)


def test_fragment_layout_of_b():
    """One element of B at a time is 1: it must bring its column of A into its column of D."""
    a = np.broadcast_to(numbers(1, 16, 8), (64, 16, 8)).copy()
    b = np.eye(64, dtype=np.float32).reshape(64, 8, 8)
    np.testing.assert_array_equal(multiply(a, b, np.zeros_like(a)), a @ b)


def test_fragment_layout_of_the_sums():
    c = numbers(5, 16, 8, largest=2**20)
    nothing = np.zeros((5, 16, 8), np.float32)
    np.testing.assert_array_equal(multiply(nothing, nothing[:, :8].copy(), c), c)
    a, b = numbers(5, 16, 8), numbers(5, 8, 8)
    np.testing.assert_array_equal(multiply(a, b, c), a @ b + c)  # all of them integers below 2**24


def test_fragments_of_special_values():
    a, b, c = numbers(2, 16, 8), numbers(2, 8, 8), np.zeros((2, 16, 8), np.float32)
    a[0, 3, 5], b[1, 2, 7], c[1, 4, 4] = np.nan, np.nan, np.inf
    np.testing.assert_array_equal(multiply(a, b, c), a @ b + c)


def rounded(x):
    """To 10 bits of mantissa, ties away from zero, by the bits."""
    bits = x.view(np.uint32).astype(np.uint64)
    return ((bits + 0x1000) & 0xFFFFE000).astype(np.uint32).view(np.float32)


def test_fragments_are_rounded_as_the_instruction_says():
    rng = np.random.default_rng(1)
    x = rng.integers(0x00800000, 0x7F000000, 5000, dtype=np.uint32)  # every finite exponent but the least and largest
    x[::2] = x[::2] & 0xFFFFE000 | 0x1000  # ties
    x = (x | (rng.integers(0, 2, 5000, dtype=np.uint32) << 31)).view(np.float32)
    x[:4] = 0, -0.0, np.inf, -np.inf
    y = cupy.zeros(5000, np.float32)
    kernel("round_to_tf32")((20,), (256,), (cupy.asarray(x), y, np.int32(5000)))
    np.testing.assert_array_equal(y.get()[4:], rounded(x[4:]))
    np.testing.assert_array_equal(y.get()[:4], x[:4])


@pytest.mark.parametrize("size", [4, 8, 16])
def test_fragments_copied_asynchronously(size):
    elements = 64 * size // 4
    x, y = numbers(elements), cupy.zeros(elements, np.float32)
    wanted = np.arange(64) % 3 > 0
    args = cupy.asarray(x), cupy.asarray(wanted), y
    kernel(f"copy<{size}>")((1,), (64,), args, shared_mem=64 * size)
    np.testing.assert_array_equal(y.get(), np.where(np.repeat(wanted, size // 4), x, 0))
