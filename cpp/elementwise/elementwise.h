// Elementwise kernels over n contiguous elements. Inputs and outputs don't overlap.
#pragma once

#include <cstddef>

#include "isa.h"

namespace mt {

template <class T>
struct ElementwiseKernels {
    // output = max(input, 0); NaN stays NaN
    void (*relu)(const T* input, T* output, std::ptrdiff_t n);
    // grad_input = grad_output where output > 0, else 0
    void (*relu_backward)(const T* grad_output, const T* output, T* grad_input, std::ptrdiff_t n);
};

struct ElementwiseTable {
    ElementwiseKernels<float> f32;
    ElementwiseKernels<double> f64;
};

MT_DECLARE_TABLES(ElementwiseTable, elementwise);

}  // namespace mt
