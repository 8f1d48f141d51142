"""Mistakes in Winograd's convolution."""

from __future__ import annotations

from .variant import Variant

MATRICES = "cpp/conv/winograd_matrices.h"
STRIPS = "cpp/conv/winograd_strips.h"
CHOICE = "cpp/conv/winograd_choice.h"
CORRELATOR = "cpp/conv/winograd.h"
GRADIENT = "cpp/conv/winograd_gradient.h"
TESTS = "tests/backends/test_winograd.py"

VARIANTS = [
    Variant(
        "winograd: points too far apart",
        "the results are right, but for rounding errors that are larger than promised",
        MATRICES,
        "{0, 1, 2, 0.5, -1.5, -0.75}",
        "{0, 1, -1, 2, -2, 3}",
        f"{TESTS} -k errors",
    ),
    Variant(
        "winograd: a divisor's sign",
        "the taps are divided by the products of the differences the wrong way round",
        MATRICES,
        "divisor *= winograd_points[j] - winograd_points[l];",
        "divisor *= winograd_points[l] - winograd_points[j];",
        f"{TESTS} -k errors",
    ),
    Variant(
        "winograd: stale pixels beside the image",
        "the columns to the right of the image keep what they held",
        STRIPS,
        "std::memset(pixels + end * strip_lanes, 0, sizeof(float) * (w.columns - end) * strip_lanes);",
        "(void)end;",
        f"{TESTS} -k errors",
    ),
    Variant(
        "winograd: tiny numbers",
        "what is lost where denormals count as zero isn't minded",
        CHOICE,
        "return a == 0 || b == 0 || (a >= least && b >= least && a * b >= least);",
        "return a >= 0 && b >= 0 && least > 0;",
        f"{TESTS} -k tiny",
    ),
    Variant(
        "winograd: taps in order",
        "the input's gradient is computed with taps that aren't rotated",
        CORRELATOR,
        "if (rotated_) reverse(workspace);",
        "",
        f"{TESTS} -k errors",
    ),
    Variant(
        "winograd: infinities spread",
        "what an infinite or NaN pixel makes of its tile is kept",
        CORRELATOR,
        "return of_source.finite && safe",
        "return safe",
        f"{TESTS} -k nonfinite",
    ),
    Variant(
        "winograd: the first group's bias",
        "every group gets the bias of the first",
        CORRELATOR,
        "V::load_partial(work_.bias + output,",
        "V::load_partial(work_.bias + m,",
        f"{TESTS} -k errors",
    ),
    Variant(
        "winograd: beyond the row",
        "the last tile of a row is written whole",
        CORRELATOR,
        "smaller(s.tiles * outputs, work_.columns.outputs - s.left)",
        "s.tiles * outputs",
        f"{TESTS} -k 'errors or written'",
    ),
    Variant(
        "winograd: only the last block",
        "the weight's gradient is that of the last block of tiles",
        GRADIENT,
        "part.strip0 > 0, nullptr",
        "false, nullptr",
        f"{TESTS} -k errors",
    ),
    Variant(
        "winograd: infinities in the weight's gradient",
        "what gradients outside of the output make of an infinite pixel is kept",
        GRADIENT,
        "return of_result.finite && safe",
        "return safe",
        f"{TESTS} -k infinity",
    ),
]
