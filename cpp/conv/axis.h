// One spatial axis of a convolution, seen as: output i and tap t read the source at step*i + first + t*spacing.
//
// A convolution, and each stride phase of its input gradient, has this form on both axes; only the numbers differ.
#pragma once

#include <cstddef>

namespace mt {
namespace {

using Index = std::ptrdiff_t;

// Rounds up for a >= 0; for a < 0 the result is not positive, which is all that is asked of it.
inline Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }
inline Index floor_div(Index a, Index b) { return a >= 0 ? a / b : -ceil_div(-a, b); }
constexpr Index smaller(Index a, Index b) { return a < b ? a : b; }
constexpr Index larger(Index a, Index b) { return a > b ? a : b; }

inline Index round_up(Index a, Index b) { return ceil_div(a, b) * b; }

// The size of the parts when n is cut into at most `parts` parts of nearly equal size.
inline Index even_part(Index n, Index parts) { return larger(1, ceil_div(n, larger(1, smaller(n, parts)))); }

inline Index greatest_common_divisor(Index a, Index b) {
    while (b != 0) {
        const Index rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

struct Axis {
    Index source;                  // extent of the source; beyond it are zeros
    Index outputs;                 // extent of the output
    Index taps;                    // number of kernel elements
    Index step, first, spacing;    // see above; spacing may be negative, never 0
    Index first_tap, tap_spacing;  // tap t is the kernel element first_tap + t*tap_spacing

    // Tap t reads, for output i, the element i + shift(t) of every step-th element of the source. Where those begin
    // differs among taps, but only in as many ways as there are phases.
    Index phases = smaller(taps, step / greatest_common_divisor(step, spacing < 0 ? -spacing : spacing));
    Index lowest_shift = taps == 0 ? 0 : smaller(shift(0), shift(taps - 1));
    Index shift_range = taps == 0 ? 0 : larger(shift(0), shift(taps - 1)) - lowest_shift;

    Axis(Index source, Index outputs, Index taps, Index step, Index first, Index spacing, Index first_tap,
         Index tap_spacing)
        : source(source),
          outputs(outputs),
          taps(taps),
          step(step),
          first(first),
          spacing(spacing),
          first_tap(first_tap),
          tap_spacing(tap_spacing) {}

    Index shift(Index tap) const { return floor_div(first + tap * spacing, step); }
    Index begin(Index phase) const { return first + phase * spacing - step * shift(phase); }  // 0 <= begin < step
};

inline Axis forward_axis(Index input, Index kernel, Index output, Index stride, Index padding, Index dilation) {
    return {input, output, kernel, stride, -padding, dilation, 0, 1};
}

// The input gradient at positions phase, phase + stride, ...: grad_input[ih] collects grad_output[oh] over all (oh, k)
// with stride*oh = ih + padding - k*dilation. The kernel elements for which that divides are evenly spaced.
inline Axis backward_axis(Index input, Index kernel, Index output, Index stride, Index padding, Index dilation,
                          Index phase) {
    const Index period = stride / greatest_common_divisor(stride, dilation);
    Index k = 0;
    while (k < period && (phase + padding - k * dilation) % stride != 0) ++k;
    const Index taps = k < period && k < kernel ? ceil_div(kernel - k, period) : 0;
    return {output,
            ceil_div(input - phase, stride),
            taps,
            1,
            floor_div(phase + padding - k * dilation, stride),
            -(dilation * period / stride),
            k,
            period};
}

}  // namespace
}  // namespace mt
