// Elementwise kernels over n contiguous elements. Inputs and outputs don't overlap.
#pragma once

#include <cstddef>
#include <cstdint>

#include "isa.h"

namespace mt {

template <class T>
struct ElementwiseKernels {
    // output = max(input, 0); NaN stays NaN
    void (*relu)(const T* input, T* output, std::ptrdiff_t n);
    // grad_input = grad_output where output > 0, else 0
    void (*relu_backward)(const T* grad_output, const T* output, T* grad_input, std::ptrdiff_t n);
    // output[i] = input[i] / (1 - p) where word i of the Philox stream, as a fraction, is at least p, else 0
    void (*dropout)(const T* input, double p, std::uint64_t seed, std::uint64_t offset, T* output, std::ptrdiff_t n);
};

struct ElementwiseTable {
    ElementwiseKernels<float> f32;
    ElementwiseKernels<double> f64;
    // The first n words of the Philox stream with the key `seed`, from block `offset` on
    void (*philox)(std::uint64_t seed, std::uint64_t offset, std::uint32_t* words, std::ptrdiff_t n);
};

MT_DECLARE_TABLES(ElementwiseTable, elementwise);

}  // namespace mt
