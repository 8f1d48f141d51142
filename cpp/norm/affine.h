// A factor and a summand for each channel, and the gradient.
#pragma once

#include "memory.h"
#include "norm/standardize.h"

namespace mt {
namespace {

// Each channel's number in all of its columns.
template <class T>
void spread_over_columns(ChannelShape shape, const T* numbers, T* columns) {
    for (std::ptrdiff_t c = 0; c < shape.channels; ++c) {
        for (std::ptrdiff_t i = 0; i < shape.inner; ++i) *columns++ = numbers[c];
    }
}

template <class T>
void affine_narrow(ChannelShape shape, const T* input, const T* weight, const T* bias, T* output) {
    using V = Vec<T>;
    const std::ptrdiff_t columns = shape.channels * shape.inner;
    const Scratch scratch(2 * columns * sizeof(T));
    T *const factors = static_cast<T*>(scratch.data()), *const summands = factors + columns;
    spread_over_columns(shape, weight, factors);
    if (bias) spread_over_columns(shape, bias, summands);
    for_each_in_rows<T>(shape.outer, columns, [=](std::ptrdiff_t at, std::ptrdiff_t c, std::ptrdiff_t lanes) {
        const V y = load_first(input + at, lanes) * load_first(factors + c, lanes);
        store_first(bias ? y + load_first(summands + c, lanes) : y, output + at, lanes);
    });
}

template <class T>
void affine(ChannelShape shape, const T* input, const T* weight, const T* bias, T* output) {
    using V = Vec<T>;
    if (shape.inner < V::size) return affine_narrow(shape, input, weight, bias, output);
    const std::ptrdiff_t n = shape.inner;
    parallel_for(shape.outer * shape.channels, static_cast<double>(n), [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t row = begin; row < end; ++row) {
            const V factor = V::set1(weight[row % shape.channels]);
            const V summand = V::set1(bias ? bias[row % shape.channels] : T(0));
            for (std::ptrdiff_t i = row * n; i < (row + 1) * n; i += V::size) {
                const std::ptrdiff_t lanes = (row + 1) * n - i;
                const V y = load_first(input + i, lanes) * factor;
                store_first(bias ? y + summand : y, output + i, lanes);
            }
        }
    });
}

template <class T>
void affine_backward(ChannelShape shape, const T* grad_output, const T* input, const T* weight, T* grad_input,
                     T* grad_weight, T* grad_bias) {
    using V = Vec<T>;
    const auto grad = [=](std::ptrdiff_t at, std::ptrdiff_t lanes) { return load_first(grad_output + at, lanes); };
    if (shape.inner < V::size) {
        const std::ptrdiff_t columns = shape.channels * shape.inner;
        const Scratch scratch(2 * columns * sizeof(double));
        auto* totals = static_cast<double*>(scratch.data());
        const auto terms = [=](std::ptrdiff_t at, std::ptrdiff_t, std::ptrdiff_t lanes, int k) {
            return k == 0 ? grad(at, lanes) : grad(at, lanes) * load_first(input + at, lanes);
        };
        sum_columns<T, 2>(shape.outer, columns, totals, terms);
        for (std::ptrdiff_t c = 0; c < shape.channels; ++c) {
            double sum = 0, products = 0;
            for (std::ptrdiff_t i = c * shape.inner; i < (c + 1) * shape.inner; ++i) {
                sum += totals[i];
                products += totals[columns + i];
            }
            grad_bias[c] = static_cast<T>(sum);
            grad_weight[c] = static_cast<T>(products);
        }
        return affine_narrow<T>(shape, grad_output, weight, nullptr, grad_input);
    }
    const double work = 50 + 2.0 * shape.outer * shape.inner;
    parallel_for(shape.channels, work, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t c = begin; c < end; ++c) {
            double totals[2];
            const V factor = V::set1(weight[c]);
            sum_channel<T>(shape, c, totals, [=](std::ptrdiff_t at, std::ptrdiff_t lanes, int k) {
                if (k != 0) return grad(at, lanes) * load_first(input + at, lanes);
                store_first(grad(at, lanes) * factor, grad_input + at, lanes);
                return grad(at, lanes);
            });
            grad_bias[c] = static_cast<T>(totals[0]);
            grad_weight[c] = static_cast<T>(totals[1]);
        }
    });
}

}  // namespace
}  // namespace mt
