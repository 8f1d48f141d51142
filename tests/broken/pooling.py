"""Mistakes in pooling, and in images of another size."""

from __future__ import annotations

from .variant import Variant, row

AVG_POOL = "minitorch/ops/avg_pool.py"
ADAPTIVE_POOL = "minitorch/ops/adaptive_pool.py"
LP_POOL = "minitorch/ops/lp_pool.py"
RESAMPLE = "minitorch/ops/resample.py"
BETWEEN = "tests/test_ops_table.py -k 'interpolate and between'"

VARIANTS = [
    Variant(
        "avg_pool2d: options exchanged",
        "ceil_mode is taken for count_include_pad and the other way round",
        AVG_POOL,
        "    how = padding, ceil_mode, count_include_pad, divisor_override\n",
        "    how = padding, count_include_pad, ceil_mode, divisor_override\n",
        row("avg_pool2d"),
    ),
    Variant(
        "avg_pool2d: another divisor in backward",
        "the gradient is always divided by the whole window",
        AVG_POOL,
        "AvgPool2dBackward.apply(grad_output, ctx.input_shape, ctx.geometry, *ctx.divisor)",
        "AvgPool2dBackward.apply(grad_output, ctx.input_shape, ctx.geometry, True, None)",
        row("avg_pool2d"),
    ),
    Variant(
        "avg_pool2d: count_include_pad inverted",
        "for integers, padding counts where it shouldn't",
        AVG_POOL,
        "(padded if count_include_pad else inside)",
        "(inside if count_include_pad else padded)",
        row("avg_pool2d"),
    ),
    Variant(
        "pool: windows in the padding",
        "with ceil_mode, a window may begin behind the image",
        "minitorch/ops/geometry.py",
        "return count - 1 if (count - 1) * stride >= size + padding else count",
        "return count",
        row("max_pool2d"),
    ),
    Variant(
        "adaptive pool: rounded down",
        "a bin ends before the last element that it shares with the next",
        ADAPTIVE_POOL,
        "(o * size // count, -(-(o + 1) * size // count))",
        "(o * size // count, (o + 1) * size // count)",
        row("adaptive_avg_pool1d"),
    ),
    Variant(
        "adaptive pool: one bin too few",
        "the gradient of an element that two bins share comes from one of them",
        ADAPTIVE_POOL,
        "bisect_right(ends, i), bisect_right(starts, i)",
        "bisect_right(ends, i), bisect_right(starts, i - 1)",
        row("adaptive_avg_pool2d"),
    ),
    Variant(
        "max_unpool2d: padding on one side",
        "the size of the output counts the padding of one side only",
        "minitorch/ops/max_unpool.py",
        "* steps[d] + kernel[d] - 2 * around[d] for d",
        "* steps[d] + kernel[d] - around[d] for d",
        row("max_unpool2d"),
    ),
    Variant(
        "lp_pool2d: means for sums",
        "the mean of the powers is taken for their sum",
        LP_POOL,
        'where(means == 0, 0, means) * math.prod(sizes_of(name, "kernel_size", kernel_size, dims))',
        "where(means == 0, 0, means)",
        row("lp_pool2d"),
    ),
    Variant(
        "interpolate: corners exchanged",
        "align_corners does the contrary",
        RESAMPLE,
        "    if align:\n",
        "    if not align:\n",
        BETWEEN,
    ),
    Variant(
        "interpolate: pixels are points",
        "without align_corners, the middle of a pixel is taken for its corner",
        RESAMPLE,
        "return (i + half) * _step(number, size, out_size, scale_factor) - half",
        "return i * _step(number, size, out_size, scale_factor)",
        BETWEEN,
    ),
    Variant(
        "interpolate: factors are recomputed",
        "the step is that of the sizes, which were rounded, not 1/scale_factor",
        RESAMPLE,
        "return number(1 / scale_factor) if scale_factor else number(size) / number(out_size)",
        "return number(size) / number(out_size)",
        "tests/ops/test_interpolate.py -k factors",
    ),
    Variant(
        "interpolate: round the edge",
        "positions before the first pixel take the last one",
        RESAMPLE,
        "_positions(xp, size, out_size, scale_factor, align, dtype).clip(0, None)\n",
        "_positions(xp, size, out_size, scale_factor, align, dtype)\n",
        BETWEEN,
    ),
    Variant(
        "interpolate: Keys' other cubic",
        "the near part of the kernel is that for a = -1/2, the far part that for -3/4",
        RESAMPLE,
        "return (1.25 * x - 2.25) * x * x + 1",
        "return (1.5 * x - 2.5) * x * x + 1",
        BETWEEN,
    ),
    Variant(
        "interpolate: the last user counts",
        "of several users of a pixel, only one hands its gradient on",
        RESAMPLE,
        "slice(start, end) if end - start == len(used) else used)] += values",
        "slice(start, end) if end - start == len(used) else used)] = values",
        "tests/ops/test_interpolate.py -k gradients",
    ),
    Variant(
        "pixel_shuffle: columns first",
        "the parts of a pixel are laid out column by column",
        "minitorch/ops/pixel_shuffle.py",
        "_permuted(parts, len(batch), (0, 3, 1, 4, 2))",
        "_permuted(parts, len(batch), (0, 3, 2, 4, 1))",
        row("pixel_shuffle"),
    ),
]
