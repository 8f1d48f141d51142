"""Mistakes in the CUDA kernels of matrix products and convolutions."""

from __future__ import annotations

from .variant import Variant

KERNELS = "minitorch/backends/cuda/kernels/"
OPERAND, SIMT, TF32 = KERNELS + "operand.cuh", KERNELS + "simt.cuh", KERNELS + "tf32.cuh"
GEMM, CONV = KERNELS + "gemm.cu", KERNELS + "conv2d.cu"


def tile(name: str, of: str = "matmul", then: str = "") -> str:
    """The test of the instances of one tile, in every order of threads."""
    return f"tests/on_cuda/test_gemm.py -k 'test_every_tile and {of} and {name} {then}'"


def geometries(*cases: str) -> str:
    """The test of those convolutions, in float64: all kernels of it are the same."""
    chosen = " or ".join(f"{case} and ieee and float64" for case in cases)
    return f"tests/on_cuda/test_conv2d.py -k 'test_geometries and ({chosen})'"


MEDIUM = tile("Medium", then="and double and not false")
TENSOR = tile("TensorMedium", then="and 4")
VECTOR = "tests/on_cuda/test_gemm.py -k 'test_matrix_times_vector and float64'"
SPLITS = "tests/on_cuda/test_gemm.py -k 'test_long_sums and float64 and ieee'"

VARIANTS = [
    # ---- ordinary tiles
    Variant(
        "cuda simt: no barrier before the first step",
        "the first slice is read while others still store it",
        SIMT,
        "        store(0);\n",
        "        a_next.store(a_slices[0]);\n        b_next.store(b_slices[0]);\n",
        MEDIUM,
    ),
    Variant(
        "cuda simt: no barrier between steps",
        "a slice is read, and overwritten, before everybody is done with it",
        SIMT,
        "            store(now ^ 1);  // nobody",
        "            a_next.store(a_slices[now ^ 1]);\n            b_next.store(b_slices[now ^ 1]);  // nobody",
        MEDIUM,
    ),
    Variant(
        "cuda simt: one buffer",
        "the next slice of a is stored where others still read the present one",
        SIMT,
        "            a_next.store(a_slices[slot]);",
        "            a_next.store(a_slices[0]);",
        MEDIUM,
    ),
    Variant(
        "cuda simt: the last slice is left out",
        "sums that end within a slice stop before it",
        SIMT,
        "for (int k = k_begin + BK; k < k_end; k += BK, now ^= 1) {",
        "for (int k = k_begin + BK; k + BK <= k_end; k += BK, now ^= 1) {",
        MEDIUM,
    ),
    Variant(
        "cuda tile: a row behind the end",
        "the operand's last row isn't its last: one behind it is read",
        OPERAND,
        "depth.inside && first_row + Share::row(0) + distance < operand.rows);",
        "depth.inside && first_row + Share::row(0) + distance <= operand.rows);",
        MEDIUM,
    ),
    Variant(
        "cuda tile: depths behind the end",
        "what lies behind a row of the operand is multiplied as well",
        OPERAND,
        "k * depth_stride, k < depths};",
        "k * depth_stride, true};",
        MEDIUM,
    ),
    Variant(
        "cuda tile: columns behind the end",
        "the tail of a tile is written into the next row, by whoever comes last",
        OPERAND,
        "if (m < rows && column.n < columns) data[",
        "if (m < rows) data[",
        MEDIUM,
    ),
    Variant(
        "cuda tile: zero eats NaN",
        "relu of NaN is 0",
        OPERAND,
        "return relu && sum <= T(0) ? T(0) : sum;",
        "return relu && !(sum > T(0)) ? T(0) : sum;",
        "tests/on_cuda/test_gemm.py -k 'test_nan_and_infinities and ieee'",
    ),
    Variant(
        "cuda tile: strides of 32 bits",
        "a row that lies more than 2^31 elements behind the first is looked for elsewhere",
        OPERAND,
        "    i64 row_stride, depth_stride;  // with",
        "    int row_stride, depth_stride;  // with",
        "tests/on_cuda/test_large.py",
    ),
    Variant(
        "cuda tile: a quotient one too small",
        "division by multiplication isn't corrected",
        OPERAND,
        "        if (remainder >= divisor) {",
        "        if (remainder > divisor) {",
        geometries("plain"),
    ),
    Variant(
        "cuda tile: a table that isn't there yet",
        "what is known of the first slice is read before all threads have written it",
        SIMT,
        "        if constexpr (A::TABULATED || B::TABULATED) __syncthreads();\n",
        "",
        "tests/on_cuda/test_conv2d.py -k 'test_every_tile and double and Medium and not backward'",
    ),
    # ---- tensor cores
    Variant(
        "cuda tensor cores: no wait",
        "copies that are under way are read",
        TF32,
        "            copy_async_wait<STAGES - 2>();\n",
        "",
        TENSOR,
    ),
    Variant(
        "cuda tensor cores: a wait for too few",
        "one group of copies too many may still be under way",
        TF32,
        "copy_async_wait<STAGES - 2>();",
        "copy_async_wait<STAGES - 1>();",
        TENSOR,
    ),
    Variant(
        "cuda tensor cores: no barrier after the wait",
        "a thread waits for its own copies only",
        TF32,
        "            __syncthreads();  // everybody's copies have arrived",
        "            //",
        TENSOR,
    ),
    Variant(
        "cuda tensor cores: copies before the barrier",
        "the slice that others still read is overwritten",
        TF32,
        "            copy_async_wait<STAGES - 2>();\n            __syncthreads();",
        "            copy_async_wait<STAGES - 2>();\n            copy(step + STAGES - 1, last);\n"
        "            __syncthreads();\n            if (false)",
        TENSOR,
    ),
    Variant(
        "cuda tensor cores: no group at the end",
        "only steps with copies are committed: the last ones aren't waited for",
        TF32,
        "            }\n            copy_async_commit();\n",
        "                copy_async_commit();\n            }\n",
        TENSOR,
    ),
    Variant(
        "cuda tensor cores: swapped rows",
        "the fragment of a has its rows and depths exchanged",
        TF32,
        """                a_values[i][1] = SliceA::at(a, m + i * 16 + 8, t);
                a_values[i][2] = SliceA::at(a, m + i * 16, t + 4);
""",
        """                a_values[i][2] = SliceA::at(a, m + i * 16 + 8, t);
                a_values[i][1] = SliceA::at(a, m + i * 16, t + 4);
""",
        TENSOR,
    ),
    Variant(
        "cuda tensor cores: not rounded",
        "factors are cut off after 10 bits of mantissa, which makes all products too small",
        TF32,
        "return to_tf32(slice[place(row, depth)]);",
        "return slice[place(row, depth)];",
        "tests/on_cuda/test_gemm.py -k 'test_factors_are_rounded'",
    ),
    Variant(
        "cuda tensor cores: slices overlap",
        "the slices of b begin one too early",
        TF32,
        "shared + STAGES * SliceA::FLOATS;",
        "shared + (STAGES - 1) * SliceA::FLOATS;",
        TENSOR,
    ),
    Variant(
        "cuda tensor cores: no __syncwarp before rows are written",
        "lanes read sums that other lanes of the warp haven't passed to shared memory yet",
        TF32,
        "            __syncwarp();\n#pragma unroll 8\n",
        "#pragma unroll 8\n",
        TENSOR,
    ),
    Variant(
        "cuda tensor cores: sums over slices",
        "a warp's sums overwrite the last slices while slower warps still read them",
        TF32,
        "        __syncthreads();  // everybody has read the last slices\n",
        "",
        TENSOR,
    ),
    # ---- matrix products
    Variant(
        "cuda matmul: the batch of a",
        "b's matrix is looked for with the strides of a",
        GEMM,
        "job.b += i * gemm.b_batch[d];",
        "job.b += i * gemm.a_batch[d];",
        "tests/on_cuda/test_gemm.py -k 'test_batches'",
    ),
    Variant(
        "cuda matmul: each part with relu",
        "of a sum in parts, negative parts count as 0",
        GEMM,
        "Matrix<T>{to, whole ? bias : nullptr, whole && gemm.relu,",
        "Matrix<T>{to, whole ? bias : nullptr, gemm.relu,",
        SPLITS.replace("float64", "float32"),
    ),
    Variant(
        "cuda matmul: the parts overlap",
        "each part of a sum goes on to its end",
        GEMM,
        "job.k_end = job.k_begin + gemm.chunk;",
        "job.k_end = gemm.K;",
        SPLITS,
    ),
    Variant(
        "cuda matrix times vector: no barrier",
        "partial sums are added before they are there",
        GEMM,
        "        __syncthreads();\n        if (lane < half)",
        "        if (lane < half)",
        VECTOR,
    ),
    Variant(
        "cuda matrix times vector: rows behind the end",
        "the last block's surplus threads read behind the matrix",
        GEMM,
        "    if (m < gemm.M) {\n        a += work.a",
        "    {\n        a += work.a",
        VECTOR,
    ),
    Variant(
        "cuda add_splits: no barrier",
        "partial sums are added before they are there",
        GEMM,
        "    partial[lane][element] = sum;\n    __syncthreads();\n    if (lane == 0 && i < count) {",
        "    partial[lane][element] = sum;\n    if (lane == 0 && i < count) {",
        SPLITS,
    ),
    Variant(
        "cuda add_splits: eight threads write",
        "each adds all partial sums to its own, and the last one to come wins",
        GEMM,
        "    if (lane == 0 && i < count) {\n        for (int other",
        "    if (i < count) {\n        for (int other",
        SPLITS,
    ),
    Variant(
        "cuda add_splits: who comes adds",
        "partial sums are added in the order in which threads come",
        GEMM,
        "    partial[lane][element] = sum;\n    __syncthreads();\n",
        "    if (lane) partial[lane][element] = 0;\n    else partial[0][element] = 0;\n    __syncthreads();\n"
        "    partial[0][element] += sum;\n    __syncthreads();\n    sum = lane ? T(0) : partial[0][element];\n",
        SPLITS,
    ),
    # ---- convolutions
    Variant(
        "cuda conv: wrong phase",
        "the input's gradient is shifted where there are padding and stride",
        CONV,
        "first = (phase + stride - padding % stride) % stride;",
        "first = phase;",
        geometries("stride"),
    ),
    Variant(
        "cuda conv: dilation in the phase's origin",
        "of a phase whose first tap isn't tap 0, the gradient is read from the wrong place",
        CONV,
        "(first + padding - first_tap * dilation) / stride : 0;",
        "(first + padding) / stride : 0;",
        geometries("common"),
    ),
    Variant(
        "cuda conv: every tap in every phase",
        "taps that don't reach a phase count in it, where stride and dilation share a divisor",
        CONV,
        "taps = first_tap < every && first_tap < kernel ? tiles",
        "taps = first_tap < kernel ? tiles",
        geometries("common", "equals"),
    ),
    Variant(
        "cuda conv: padding on one side",
        "elements before an image's row or column are read instead of 0",
        CONV,
        "return u32(row.h + depth.h) < u32(H) && u32(row.w + depth.w) < u32(W);",
        "return row.h + depth.h < H && row.w + depth.w < W;",
        geometries("lenet"),
    ),
    Variant(
        "cuda conv: padding of columns",
        "elements of the neighbouring row are read instead of 0",
        CONV,
        "return u32(row.h + depth.h) < u32(H) && u32(row.w + depth.w) < u32(W);",
        "return u32(row.h + depth.h) < u32(H);",
        geometries("lenet"),
    ),
    Variant(
        "cuda conv: pixels behind the last",
        "the last tile's tail reads images that there aren't",
        CONV,
        "        if (pixel >= pixels.count) return {data, FAR, FAR};\n",
        "",
        geometries("plain"),
    ),
    Variant(
        "cuda conv: the bias of group 0",
        "all groups add the first one's bias",
        CONV,
        "bias != nullptr ? bias + group * filters : nullptr",
        "bias",
        geometries("groups"),
    ),
    Variant(
        "cuda conv: weights of 32 bits a group",
        "the weights of a group begin where those of one filter end",
        CONV,
        "{weight + i64(group) * filters * depth, depth, 1, filters, depth}",
        "{weight + i64(group) * depth, depth, 1, filters, depth}",
        geometries("groups"),
    ),
    Variant(
        "cuda conv: a channel too many",
        "the tile of the weights reads one channel behind the group's last",
        CONV,
        "return {data + c * KH * KW, c < channels}; }",
        "return {data + c * KH * KW, c <= channels}; }",
        geometries("plain"),
    ),
    Variant(
        "cuda conv: the last part goes on",
        "a part of the weight gradient's sum begins in the next part",
        CONV,
        "const int k_begin = split * conv.chunk;",
        "const int k_begin = split * conv.chunk + (split > 0);",
        "tests/on_cuda/test_conv2d.py -k test_the_sum_of_the_weights_gradient",
    ),
]
