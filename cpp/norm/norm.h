// Numbers of mean 0 and variance 1, local response normalisation, and the gradients of both.
#pragma once

#include <cstddef>

#include "isa.h"

namespace mt {

// An array (outer, channels, inner), of which every channel is standardized by itself.
struct ChannelShape {
    std::ptrdiff_t outer, channels, inner;
};

// An array (images, channels, pixels); channel c is normalised by c - before ... c + after.
struct WindowShape {
    std::ptrdiff_t images, channels, pixels, before, after;
};

template <class T>
struct Statistics {
    T *scales, *means, *variances;  // one number a channel; without means, the mean counts as 0
};

template <class T>
struct NormKernels {
    // normalized = (x - mean)·scale, scale = 1/sqrt(variance + eps)
    void (*standardize)(ChannelShape, const T* input, T eps, T* normalized, Statistics<T>);
    // grad_input = scale·(g - ⟨g⟩ - x̂·⟨g·x̂⟩), without ⟨g⟩ if not centred
    void (*standardize_backward)(ChannelShape, const T* grad_normalized, const T* normalized, const T* scales,
                                 bool centred, T* grad_input);
    // output = input·weight + bias, without bias if it is null
    void (*affine)(ChannelShape, const T* input, const T* weight, const T* bias, T* output);
    // grad_input = g·weight, grad_weight = Σ g·x, grad_bias = Σ g
    void (*affine_backward)(ChannelShape, const T* grad_output, const T* input, const T* weight, T* grad_input,
                            T* grad_weight, T* grad_bias);
    // base = k + factor·Σ x² over the window, output = x·base^(-beta)
    void (*local_response)(WindowShape, const T* input, T factor, T beta, T k, T* output, T* bases);
    // grad_input = g·base^(-beta) - 2·factor·beta·x·Σ g·x·base^(-beta - 1). The window is of the channels that c is
    // normalised with: before and after are the other way round than in local_response.
    void (*local_response_backward)(WindowShape, const T* grad_output, const T* input, const T* bases, T factor, T beta,
                                    T* grad_input);
};

struct NormTable {
    NormKernels<float> f32;
    NormKernels<double> f64;
};

MT_DECLARE_TABLES(NormTable, norm);

}  // namespace mt
