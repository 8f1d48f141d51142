"""Mistakes in the CUDA kernels of sums and of normalisations."""

from __future__ import annotations

from .variant import Variant

KERNELS = "minitorch/backends/cuda/kernels/"
GROUPS, REDUCE, NORM = KERNELS + "groups.cuh", KERNELS + "reduce.cu", KERNELS + "norm.cu"

SUMS = "tests/on_cuda/test_reduce.py -k 'float64 and (test_all_dimensions or test_how)'"
NORMS = "tests/on_cuda/test_norm.py -k 'float64 and test_shapes'"
DIGITS = "tests/on_cuda/test_norm.py -k test_a_large_mean"

VARIANTS = [
    # ---- sums
    Variant(
        "cuda sum: no barrier after the warps' sums",
        "a warp reads the others' sums before they are there",
        GROUPS,
        "of_warp[threadIdx.x / 32] = value;\n    __syncthreads();\n",
        "of_warp[threadIdx.x / 32] = value;\n",
        SUMS,
    ),
    Variant(
        "cuda sum: no barrier between halves",
        "the lower half of a block's rows adds what the upper half hasn't stored",
        REDUCE,
        "        __syncthreads();\n        if (y < half) {",
        "        if (y < half) {",
        SUMS,
    ),
    Variant(
        "cuda sum: the gap",
        "elements of the next group are added where a segment ends",
        GROUPS,
        "            at_ += gap_;\n",
        "",
        SUMS,
    ),
    Variant(
        "cuda sum: the rest is left out",
        "packs that don't fill a round of loads lose their last",
        REDUCE,
        "    for (; count > 0; --count) {",
        "    for (; count > 1; --count) {",
        SUMS,
    ),
    Variant(
        "cuda groups: no barrier before shared memory is used again",
        "the second sum of a block overwrites what the first's slower warps still read",
        GROUPS,
        "    __syncthreads();  // the values of the last sum have been read\n",
        "",
        NORMS,
    ),
    Variant(
        "cuda groups: the last chunk goes on",
        "the last block's share isn't cut at the end of the group",
        GROUPS,
        "min((part + 1) * g.chunk, g.outer * g.inner) : 0)",
        "(part + 1) * g.chunk : 0)",
        NORMS,
    ),
    Variant(
        "cuda groups: groups behind the last",
        "surplus threads write results of groups that there aren't",
        GROUPS,
        "return lane == 0 && group < g.groups; }",
        "return lane == 0; }",
        NORMS,
    ),
    Variant(
        "cuda groups: surplus threads have a share",
        "threads of groups that there aren't read behind the array",
        GROUPS,
        "end(group < g.groups ? min(",
        "end(true ? min(",
        NORMS,
    ),
    # ---- normalisations
    Variant(
        "cuda norm: squares of the elements",
        "the variance is the mean square less the squared mean, and has lost its digits where the mean is large",
        NORM,
        "        x -= mean;\n        squares += x * x;\n    });\n    squares = sum_over(squares, width);\n",
        "        squares += x * x;\n        x -= mean;\n    });\n"
        "    squares = sum_over(squares, width) - mean * sum;\n",
        DIGITS,
    ),
    Variant(
        "cuda norm: parts of one size",
        "the last part of a long group counts as much as the others",
        NORM,
        "return double(min(chunk, count - part * chunk)); };",
        "return double(chunk); };",
        NORMS,
    ),
    Variant(
        "cuda norm: parts without their means",
        "the squares of a long group's parts are added as if all had the same mean",
        NORM,
        "squares += double(part_squares[first + part]) + size(part) * apart * apart;",
        "squares += double(part_squares[first + part]);",
        NORMS,
    ),
    Variant(
        "cuda norm: the mean gradient of another count",
        "the gradient's mean is over one plane instead of the group",
        NORM,
        "    const T count = T(g.outer * g.inner);\n    const T mean_grad",
        "    const T count = T(g.inner);\n    const T mean_grad",
        NORMS,
    ),
    Variant(
        "cuda norm: the last pack is left out",
        "what a thread holds ends one pack early",
        NORM,
        "            if (k < count_) store(to",
        "            if (k + 1 < count_) store(to",
        NORMS,
    ),
    Variant(
        "cuda norm: packs that there aren't",
        "a thread loads as many packs as it could hold",
        NORM,
        "            if (k < count_) values_[k] = load",
        "            values_[k] = load",
        NORMS,
    ),
]
