"""Mistakes in the CUDA kernels of elements, rows, pools and optimisers."""

from __future__ import annotations

from .variant import Variant

KERNELS = "minitorch/backends/cuda/kernels/"
ELEMENTWISE, LOSS = KERNELS + "elementwise.cu", KERNELS + "loss.cu"
POOL, OPTIM = KERNELS + "pool2d.cu", KERNELS + "optim.cu"

RELU = "tests/on_cuda/test_elementwise.py -k 'test_relu and float32'"
PHILOX = "tests/on_cuda/test_elementwise.py -k test_philox"
DROPOUT = "tests/on_cuda/test_elementwise.py -k 'test_dropout and float32'"
ROWS = "tests/on_cuda/test_loss.py -k 'float32 and (test_rows or test_cross_entropy)'"
MAX_POOL = "tests/on_cuda/test_pool2d.py -k 'test_max_pool and float32'"
AVG_POOL = "tests/on_cuda/test_pool2d.py -k 'test_avg_pool and float32'"
STEPS = "tests/on_cuda/test_optim.py -k 'test_sgd and float32'"

VARIANTS = [
    # ---- elements
    Variant(
        "cuda elementwise: four at the end",
        "the last elements are read and written four at once, though there are three",
        ELEMENTWISE,
        "return i + 4 <= n &&",
        "return i + 3 <= n &&",
        RELU,
    ),
    Variant(
        "cuda elementwise: no tail guard",
        "the last thread writes four elements, whatever there are",
        ELEMENTWISE,
        "if (i + k < n) to[i + k] = four.at[k];",
        "to[i + k] = four.at[k];",
        RELU,
    ),
    Variant(
        "cuda elementwise: vectors from anywhere",
        "four elements are read at once from an address that isn't a multiple of 16",
        ELEMENTWISE,
        "reinterpret_cast<u64>(array) % sizeof(Four<T>) == 0;",
        "reinterpret_cast<u64>(array) % sizeof(T) == 0;",
        RELU,
    ),
    Variant(
        "cuda elementwise: blocks of 32 bits",
        "a block's first element is counted in 32 bits",
        ELEMENTWISE,
        "return 4 * (blockIdx.x * i64(blockDim.x) + threadIdx.x);",
        "return 4 * (blockIdx.x % 2 * i64(blockDim.x) + threadIdx.x);",
        RELU,
    ),
    Variant(
        "cuda philox: a counter of 32 bits",
        "the stream repeats itself after 2^32 blocks",
        ELEMENTWISE,
        "x1 = u32(block >> 32),",
        "x1 = 0,",
        PHILOX,
    ),
    Variant(
        "cuda philox: a round too few",
        "the random stream is another one",
        ELEMENTWISE,
        "round < 10;",
        "round < 9;",
        PHILOX,
    ),
    Variant(
        "cuda dropout: the counter stays",
        "every call drops the same elements",
        ELEMENTWISE,
        "const Four<u32> words = philox_block(seed, offset + u64(i / 4));",
        "const Four<u32> words = philox_block(seed, u64(i / 4));",
        DROPOUT,
    ),
    Variant(
        "cuda dropout: no scale",
        "what is kept isn't scaled by 1/(1 - p)",
        ELEMENTWISE,
        ">= least ? x.at[k] * scale : T(0);",
        ">= least ? x.at[k] : T(0);",
        DROPOUT,
    ),
    Variant(
        "cuda dropout: the threshold itself",
        "a word that equals the threshold is dropped",
        ELEMENTWISE,
        ">> 8) >= least",
        ">> 8) > least",
        DROPOUT,
    ),
    # ---- rows
    Variant(
        "cuda rows: no barrier after the warps' values",
        "a warp reads the others' values before they are there",
        LOSS,
        "of_warp[threadIdx.x / 32] = value;\n    __syncthreads();\n",
        "of_warp[threadIdx.x / 32] = value;\n",
        ROWS,
    ),
    Variant(
        "cuda rows: values that nobody wrote",
        "only the first warp stores its value",
        LOSS,
        "if (threadIdx.x % 32 == 0) of_warp",
        "if (threadIdx.x == 0) of_warp",
        ROWS,
    ),
    Variant(
        "cuda rows: the last warp is left out",
        "off by one in the sum over warps",
        LOSS,
        "for (int w = 1; w < row_threads / 32; ++w)",
        "for (int w = 1; w < row_threads / 32 - 1; ++w)",
        ROWS,
    ),
    Variant(
        "cuda rows: half a warp",
        "the lanes of a warp's halves don't meet",
        LOSS,
        "int apart = 16;",
        "int apart = 8;",
        ROWS,
    ),
    Variant(
        "cuda rows: a mask of half a warp",
        "lanes shuffle that aren't in the mask",
        LOSS,
        "__shfl_xor_sync(whole_warp, value, apart)",
        "__shfl_xor_sync(0x0000FFFF, value, apart)",
        ROWS,
    ),
    Variant(
        "cuda rows: an element behind the row",
        "the tail guard is off by one",
        LOSS,
        "c < columns_ ? row[c]",
        "c <= columns_ ? row[c]",
        ROWS,
    ),
    Variant(
        "cuda cross_entropy: lost digits",
        "the loss is logsumexp - x, which cancels where the logits are large",
        LOSS,
        "losses[r] = log_sum - (input[r * columns + label] - largest);",
        "losses[r] = (largest + log_sum) - input[r * columns + label];",
        "tests/on_cuda/test_loss.py -k digits",
    ),
    Variant(
        "cuda cross_entropy: a label is an index",
        "a label that is no class is read with",
        LOSS,
        "} else if (0 <= label && label < columns) {",
        "} else if (label < columns) {",
        "tests/on_cuda/test_loss.py -k no_class",
    ),
    # ---- pools
    Variant(
        "cuda max_pool: NaN is passed over",
        "a comparison with NaN is false",
        POOL,
        "if (!(x <= best) && best == best) {",
        "if (x > best) {",
        MAX_POOL,
    ),
    Variant(
        "cuda max_pool: the last maximum wins",
        "of equal maxima the last is chosen",
        POOL,
        "if (!(x <= best) && best == best) {",
        "if (!(x < best) && best == best) {",
        MAX_POOL,
    ),
    Variant(
        "cuda max_pool: dilation at the edge",
        "the first tap inside the image is found as if there were no dilation",
        POOL,
        "(dilation - 1 - start) / dilation;",
        "-start / dilation;",
        MAX_POOL,
    ),
    Variant(
        "cuda max_pool: windows before the first",
        "the gradient misses windows that begin before an element",
        POOL,
        "quotient(u32(position - extent + stride - 1), g,",
        "quotient(u32(position - extent + 2 * stride - 1), g,",
        MAX_POOL,
    ),
    Variant(
        "cuda pool: a window behind the last",
        "the gradient reads one row or column too far",
        POOL,
        "by_stride, stride)), size - 1);",
        "by_stride, stride)), size);",
        MAX_POOL,
    ),
    Variant(
        "cuda max_pool: the gather reads padding",
        "a tap in the padding names an element of the row before",
        POOL,
        "inside(h, g.H) && inside(w, g.W);",
        "inside(w, g.W);",
        MAX_POOL,
    ),
    Variant(
        "cuda avg_pool: overhanging windows count",
        "what a window sees beyond the padding is counted in the divisor",
        POOL,
        "end = min(start + kernel, size + padding);",
        "end = start + kernel;",
        AVG_POOL,
    ),
    # ---- what an index names
    Variant(
        "cuda index_add: every thread of a run",
        "all threads of a run add to its place, and the last one to come wins",
        KERNELS + "scatter.cu",
        "    if (first > 0 && keys[first - 1] == key) return;  // not the beginning of a run\n",
        "",
        "tests/on_cuda/test_scatter.py",
    ),
    Variant(
        "cuda index_put: the first value stays",
        "of several values for one place the first one stays, not the last",
        KERNELS + "scatter.cu",
        "if (k + 1 < count && keys[k + 1] == keys[k]) return;",
        "if (k > 0 && keys[k - 1] == keys[k]) return;",
        "tests/on_cuda/test_scatter.py",
    ),
    # ---- optimisers
    Variant(
        "cuda optimisers: the parameter before",
        "the first block of a parameter works on the one before",
        OPTIM,
        "table.first_blocks[k + step] <= int(blockIdx.x)) k",
        "table.first_blocks[k + step] < int(blockIdx.x)) k",
        STEPS,
    ),
    Variant(
        "cuda optimisers: parameters that there aren't",
        "the search for a block's parameter goes behind the table's end",
        OPTIM,
        "k + step < table.count && ",
        "",
        STEPS,
    ),
    Variant(
        "cuda optimisers: half the table",
        "parameters behind the first 32 are never found",
        OPTIM,
        "int step = 32;",
        "int step = 16;",
        STEPS,
    ),
    Variant(
        "cuda optimisers: no tail guard",
        "surplus threads write behind a parameter",
        OPTIM,
        "        if (i >= n) continue;\n        update(",
        "        update(",
        STEPS,
    ),
    Variant(
        "cuda adam: NaN is forgotten",
        "the largest square passes over a NaN",
        OPTIM,
        "if (!(largest >= v) && largest == largest) largest = v;",
        "if (largest < v) largest = v;",
        "tests/on_cuda/test_optim.py -k test_nan",
    ),
    Variant(
        "cuda rmsprop: the wrong state",
        "the momentum's buffer is the mean gradient",
        OPTIM,
        "T& buffer = state[1 + centered];",
        "T& buffer = state[1];",
        "tests/on_cuda/test_optim.py -k test_rmsprop",
    ),
    Variant(
        "cuda optimisers: decay of infinity",
        "without weight decay a parameter of infinity makes its gradient NaN",
        OPTIM,
        "return weight_decay == 0 ? g : g + weight_decay * p;",
        "return g + weight_decay * p;",
        "tests/on_cuda/test_optim.py -k infinite",
    ),
]
