// Optimiser steps: one call updates all parameters of a model. The formulas are in minitorch/backends/protocol.py.
#pragma once

#include <cstddef>

#include "isa.h"

namespace mt {

// The arrays of a step, by lists with one array for each parameter.
template <class T>
struct StepArrays {
    std::ptrdiff_t count;         // parameters
    const std::ptrdiff_t* sizes;  // elements of each
    const T* const* gradients;
    T* const* parameters;
    T* const* state[3];  // in the order below; those that a step doesn't have are left out
};

struct SgdOptions {
    double lr, momentum, dampening, weight_decay;
    bool nesterov, maximize, first_step;
    bool has_momentum;  // state: momentum buffers
};

struct AdamOptions {
    double step, lr, beta1, beta2, eps, weight_decay;
    bool decoupled, maximize;
    bool amsgrad;  // state: averages, averages of squares, with amsgrad their maxima
};

struct RmspropOptions {
    double lr, alpha, eps, weight_decay, momentum;
    bool maximize;
    bool centered, has_momentum;  // state: averages of squares, if centered averages, with momentum its buffers
};

template <class T>
struct OptimKernels {
    void (*sgd_step)(const StepArrays<T>&, const SgdOptions&);
    void (*adam_step)(const StepArrays<T>&, const AdamOptions&);
    void (*rmsprop_step)(const StepArrays<T>&, const RmspropOptions&);
};

struct OptimTable {
    OptimKernels<float> f32;
    OptimKernels<double> f64;
};

MT_DECLARE_TABLES(OptimTable, optim);

}  // namespace mt
