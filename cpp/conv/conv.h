// Two-dimensional convolution (cross-correlation, as every deep-learning library calls it) and its two adjoints.
#pragma once

#include <cstddef>

#include "isa.h"

namespace mt {

struct ConvGeometry {
    std::ptrdiff_t images, channels, height, width;     // input (N, C, H, W)
    std::ptrdiff_t outputs, out_height, out_width;      // output (N, O, OH, OW)
    std::ptrdiff_t kernel_height, kernel_width;         // weight (O, C/groups, KH, KW)
    std::ptrdiff_t stride[2], padding[2], dilation[2];  // height, width
    std::ptrdiff_t groups;
    bool winograd;  // Winograd's convolution may be used, whose rounding errors are larger
};

// All arrays are C-contiguous. Each kernel writes every element of its result.
template <class T>
struct ConvKernels {
    // bias (O) may be null
    void (*forward)(const ConvGeometry& g, const T* input, const T* weight, const T* bias, T* output);
    void (*backward_input)(const ConvGeometry& g, const T* grad_output, const T* weight, T* grad_input);
    void (*backward_weight)(const ConvGeometry& g, const T* input, const T* grad_output, T* grad_weight);
};

struct ConvTable {
    ConvKernels<float> f32;
    ConvKernels<double> f64;
};

MT_DECLARE_TABLES(ConvTable, conv);

}  // namespace mt
