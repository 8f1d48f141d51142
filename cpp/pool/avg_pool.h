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
    Divisors(const PoolGeometry& g, PoolDivisor divisor)
        : height_(g.h.output), width_(g.w.output), block_((height_ + width_) * sizeof(T)) {
        rows_ = static_cast<T*>(block_.data());
        columns_ = rows_ + height_;
        for (std::ptrdiff_t o = 0; o < height_; ++o) {
            rows_[o] = divisor.fixed ? static_cast<T>(divisor.fixed) : count(g.h, divisor, o);
            uniform_ = uniform_ && rows_[o] == rows_[0];
        }
        for (std::ptrdiff_t o = 0; o < width_; ++o) {
            columns_[o] = divisor.fixed ? T(1) : count(g.w, divisor, o);
            uniform_ = uniform_ && columns_[o] == columns_[0];
        }
    }
    // to[i] = from[i] / divisor for n windows from the first of a row on, where the rows of all images are counted. The
    // arrays may be the same.
    void divide(const T* from, std::ptrdiff_t row, std::ptrdiff_t n, T* to) const {
        using V = Vec<T>;
        if (uniform_) {
            const V divisor = V::set1(rows_[0] * columns_[0]);
            for_each_vector(
                n, [=](std::ptrdiff_t i, int m) { (V::load_partial(from + i, m) / divisor).store_partial(to + i, m); });
            return;
        }
        for (; n > 0; n -= width_, from += width_, to += width_, ++row) {
            const V rows = V::set1(rows_[row % height_]);
            for_each_vector(smaller(n, width_), [=](std::ptrdiff_t i, int m) {
                const V divisor = rows * V::load_partial(columns_ + i, m);
                (V::load_partial(from + i, m) / divisor).store_partial(to + i, m);
            });
        }
    }

  private:
    // At least 1, which a window without an element of the input divides its sum of 0 by.
    static T count(const PoolAxis& axis, PoolDivisor divisor, std::ptrdiff_t o) {
        const std::ptrdiff_t start = o * axis.stride - axis.padding;
        const std::ptrdiff_t end = smaller(start + axis.kernel, axis.input + axis.padding);
        const std::ptrdiff_t inside = smaller(end, axis.input) - larger(start, 0);
        return static_cast<T>(larger(divisor.count_padding ? end - start : inside, 1));
    }

    template <class Body>
    static MT_INLINE void for_each_vector(std::ptrdiff_t n, const Body& body) {
        std::ptrdiff_t i = 0;
        for (; i + Vec<T>::size <= n; i += Vec<T>::size) body(i, Vec<T>::size);
        if (i < n) body(i, static_cast<int>(n - i));
    }

    std::ptrdiff_t height_, width_;
    bool uniform_ = true;
    Scratch block_;
    T* rows_;
    T* columns_;
};

template <class T>
void avg_pool2d(const PoolGeometry& g, PoolDivisor divisor, const T* input, T* output) {
    using V = Vec<T>;
    const Divisors<T> divisors(g, divisor);
    for_each_window(
        g, input, T(0),
        [&](const T* source, const Tap<T>* taps, std::ptrdiff_t count, std::ptrdiff_t n, std::ptrdiff_t at) {
            for (std::ptrdiff_t i = 0; i < n; i += V::size) {
                V sum = V::load(source + i + taps[0].offset);
                for (std::ptrdiff_t t = 1; t < count; ++t) sum = sum + V::load(source + i + taps[t].offset);
                store(sum, output + at, i, n);
            }
        },
        [&](std::ptrdiff_t row, std::ptrdiff_t n) {
            T* sums = output + row * g.w.output;
            divisors.divide(sums, row, n * g.w.output, sums);
        });
}

template <class T>
void avg_pool2d_backward(const PoolGeometry& g, PoolDivisor divisor, const T* grad_output, T* grad_input) {
    const Divisors<T> divisors(g, divisor);
    sum_over_windows(g, grad_input, [&](std::ptrdiff_t row, std::ptrdiff_t n, T* to) {
        divisors.divide(grad_output + row * g.w.output, row, n, to);
    });
}

}  // namespace
}  // namespace mt
