// Softmax and cross-entropy over the rows of an array (rows, columns).
#pragma once

#include <cstddef>
#include <cstdint>

#include "isa.h"

namespace mt {

struct RowShape {
    std::ptrdiff_t rows, columns;
};

// The class of each row: targets[row] is `ignore_index` or in [0, columns).
struct Labels {
    const std::int64_t* targets;
    std::int64_t ignore_index;
};

template <class T>
struct LossKernels {
    // output = exp(x - max) / sum(exp(x - max))
    void (*softmax)(RowShape, const T* input, T* output);
    // output = x - max - log(sum(exp(x - max)))
    void (*log_softmax)(RowShape, const T* input, T* output);
    // losses[row] = logsumexp(x) - x[target], 0 if ignored; logsumexp[row] = max + log(sum(exp(x - max)))
    void (*cross_entropy)(RowShape, const T* input, Labels, T* losses, T* logsumexp);
    // grad_input = grad_output[row] * (exp(x - logsumexp[row]) - onehot(target)), 0 if ignored
    void (*cross_entropy_backward)(RowShape, const T* grad_output, const T* input, Labels, const T* logsumexp,
                                   T* grad_input);
};

struct LossTable {
    LossKernels<float> f32;
    LossKernels<double> f64;
};

MT_DECLARE_TABLES(LossTable, loss);

}  // namespace mt
