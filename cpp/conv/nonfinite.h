// Infinite and NaN weights in the input gradient.
//
// The engine sees grad_output as surrounded by zeros, which is the same as nothing while the weights are finite. But
// 0 * inf is NaN: an infinite weight would reach pixels that it never touched. So such weights are taken out, and what
// they give is added where they do meet grad_output. However slow that is, a training run that has them is over.
#pragma once

#include "conv/axis.h"
#include "conv/conv.h"
#include "simd.h"

namespace mt {
namespace {

template <class T>
bool is_finite(T x) {
    return x - x == 0;
}

template <class T>
bool all_finite(const T* x, Index n) {
    using V = Vec<T>;
    V sum = V::zero();
    Index i = 0;
    for (; i + V::size <= n; i += V::size) sum = fma(V::load(x + i), V::zero(), sum);
    sum = fma(V::load_partial(x + i, static_cast<int>(n - i)), V::zero(), sum);
    return is_finite(reduce_add(sum));
}

template <class T>
void copy_finite(const T* from, Index n, T* to) {
    for (Index i = 0; i < n; ++i) to[i] = is_finite(from[i]) ? from[i] : 0;
}

// Adds what the tap (kh, kw) with this weight gives from one channel of grad_output to one channel of grad_input.
template <class T>
void add_tap(const ConvGeometry& g, Index kh, Index kw, T weight, const T* grad_output, T* grad_input) {
    for (Index i = 0; i < g.out_height; ++i) {
        const Index y = i * g.stride[0] + kh * g.dilation[0] - g.padding[0];
        if (y < 0 || y >= g.height) continue;
        for (Index j = 0; j < g.out_width; ++j) {
            const Index x = j * g.stride[1] + kw * g.dilation[1] - g.padding[1];
            if (x >= 0 && x < g.width) grad_input[y * g.width + x] += weight * grad_output[i * g.out_width + j];
        }
    }
}

template <class T>
void add_nonfinite(const ConvGeometry& g, const T* grad_output, const T* weight, T* grad_input) {
    const Index channels = g.channels / g.groups, outputs = g.outputs / g.groups;
    for (Index o = 0; o < g.outputs; ++o) {
        for (Index c = 0; c < channels; ++c) {
            for (Index k = 0; k < g.kernel_height * g.kernel_width; ++k, ++weight) {
                if (is_finite(*weight)) continue;
                for (Index n = 0; n < g.images; ++n) {
                    const Index from = n * g.outputs + o, to = n * g.channels + o / outputs * channels + c;
                    add_tap(g, k / g.kernel_width, k % g.kernel_width, *weight,
                            grad_output + from * g.out_height * g.out_width, grad_input + to * g.height * g.width);
                }
            }
        }
    }
}

}  // namespace
}  // namespace mt
