// Average pooling and its adjoint.
#pragma once

#include "pool/window_sums.h"
#include "pool/windows.h"

namespace mt {
namespace {

// Divides the sums of windows: the number of elements in a window is a product of two counts, one for each axis.
template <class T>
class Divisors {
  public:
    Divisors(const PoolGeometry& g, PoolDivisor divisor) : block_((g.h.output + g.w.output) * sizeof(T)) {
        rows_ = static_cast<T*>(block_.data());
        columns_ = rows_ + g.h.output;
        for (std::ptrdiff_t o = 0; o < g.h.output; ++o)
            rows_[o] = divisor.fixed ? T(divisor.fixed) : count(g.h, divisor, o);
        for (std::ptrdiff_t o = 0; o < g.w.output; ++o) columns_[o] = divisor.fixed ? T(1) : count(g.w, divisor, o);
    }
    // to[ow] = from[ow] / divisor for the first `n` windows of row `oh`.
    void divide(const T* from, std::ptrdiff_t oh, std::ptrdiff_t n, T* to) const {
        const T rows = rows_[oh];
        for (std::ptrdiff_t i = 0; i < n; ++i) to[i] = from[i] / (rows * columns_[i]);
    }

  private:
    // At least 1, which a window without an element of the input divides its sum of 0 by.
    static T count(const PoolAxis& axis, PoolDivisor divisor, std::ptrdiff_t o) {
        const std::ptrdiff_t start = o * axis.stride - axis.padding;
        const std::ptrdiff_t end = smaller(start + axis.kernel, axis.input + axis.padding);
        const std::ptrdiff_t inside = smaller(end, axis.input) - larger(start, 0);
        return static_cast<T>(larger(divisor.count_padding ? end - start : inside, 1));
    }

    Scratch block_;
    T* rows_;
    T* columns_;
};

template <class T>
void avg_pool2d(const PoolGeometry& g, PoolDivisor divisor, const T* input, T* output) {
    using V = Vec<T>;
    const Divisors<T> divisors(g, divisor);
    const std::ptrdiff_t taps = g.h.kernel * g.w.kernel;
    for_each_window(
        g, input, T(0),
        [&](const T* source, const std::ptrdiff_t* offsets, std::ptrdiff_t n, std::ptrdiff_t at) {
            for (std::ptrdiff_t i = 0; i < n; i += V::size) {
                V sum = V::load(source + i + offsets[0]);
                for (std::ptrdiff_t t = 1; t < taps; ++t) sum = sum + V::load(source + i + offsets[t]);
                if (i + V::size <= n) {
                    sum.store(output + at + i);
                } else {
                    sum.store_partial(output + at + i, static_cast<int>(n - i));
                }
            }
        },
        [&](std::ptrdiff_t image, std::ptrdiff_t oh, std::ptrdiff_t n) {
            for (std::ptrdiff_t r = oh; r < oh + n; ++r) {
                T* row = output + (image * g.h.output + r) * g.w.output;
                divisors.divide(row, r, g.w.output, row);
            }
        });
}

template <class T>
void avg_pool2d_backward(const PoolGeometry& g, PoolDivisor divisor, const T* grad_output, T* grad_input) {
    const Divisors<T> divisors(g, divisor);
    sum_over_windows(
        g, 1, grad_input,
        [&](std::ptrdiff_t from, std::ptrdiff_t n, T* to, std::ptrdiff_t) {
            divisors.divide(grad_output + from, from / g.w.output % g.h.output, n, to);
        },
        [](const T* from, std::ptrdiff_t, T) { return Vec<T>::load(from); });
}

}  // namespace
}  // namespace mt
