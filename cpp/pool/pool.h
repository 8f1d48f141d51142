// Max and average pooling of (N, C, H, W) arrays in both directions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "isa.h"

namespace mt {

// One axis: window o reads the positions o*stride - padding + k*dilation of the input, for 0 <= k < kernel. Those
// outside the input are padding. Every window starts before the end of the input.
struct PoolAxis {
    std::ptrdiff_t input, output, kernel, stride, padding, dilation;
};

struct PoolGeometry {
    std::ptrdiff_t planes;  // N*C images of H*W
    PoolAxis h, w;
};

// What an average divides the sum of a window by: `fixed` if it isn't 0, else the number of elements in the window,
// with those of the padding or without.
struct PoolDivisor {
    bool count_padding;
    double fixed;
};

// An index is the offset kh*KW + kw in its window.
template <class T, class Index>
struct MaxPoolKernels {
    void (*forward)(const PoolGeometry&, const T* input, T* output, Index* indices);
    void (*backward)(const PoolGeometry&, const T* grad_output, const Index* indices, T* grad_input);
    // output[n, c, oh, ow] = the element of the input that the index names, 0 if it names none
    void (*gather)(const PoolGeometry&, const T* input, const Index* indices, T* output);
};

template <class T>
struct PoolKernels {
    MaxPoolKernels<T, std::uint8_t> max_u8;  // windows of up to 256 elements
    MaxPoolKernels<T, std::int32_t> max_i32;
    void (*avg_forward)(const PoolGeometry&, PoolDivisor, const T* input, T* output);
    void (*avg_backward)(const PoolGeometry&, PoolDivisor, const T* grad_output, T* grad_input);
};

struct PoolTable {
    PoolKernels<float> f32;
    PoolKernels<double> f64;
};

MT_DECLARE_TABLES(PoolTable, pool);

}  // namespace mt
