// Matrix product, batched: C = activation(A·B + bias) for row-major C and A and B of any strides.
#pragma once

#include <cstddef>

#include "isa.h"

namespace mt {

// (…, m, k) × (…, k, n) → (…, m, n). `batch` holds the sizes of the leading dimensions.
struct GemmShape {
    std::ptrdiff_t m, n, k;
    int batch_dims;
    const std::ptrdiff_t* batch;
};

// Strides are in elements, of any sign; 0 where a dimension is broadcast.
template <class T>
struct GemmOperand {
    const T* data;
    std::ptrdiff_t row_stride, column_stride;
    const std::ptrdiff_t* batch_strides;
};

template <class T>
struct GemmKernels {
    // c is contiguous; bias has n elements, added to every row, or is null; relu applies max(·, 0) at the end.
    void (*gemm)(const GemmShape& shape, const GemmOperand<T>& a, const GemmOperand<T>& b, const T* bias, bool relu,
                 T* c);
};

struct GemmTable {
    GemmKernels<float> f32;
    GemmKernels<double> f64;
};

MT_DECLARE_TABLES(GemmTable, gemm);

}  // namespace mt
