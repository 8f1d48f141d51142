// The matrix product for few rows where both operands are contiguous in k, such as a fully connected layer applied to
// a small batch: as dot products, so that the large operand is read once, in its order, and not copied.
#pragma once

#include <cstddef>

#include "gemm/blocked.h"

namespace mt {
namespace {

constexpr int dot_columns = 4;  // columns of C a step: rows · dot_columns independent sums hide the latency of fma
constexpr int dot_rows = 4;     // rows of C a step

// Up to four columns of C from column j on, for `Rows` rows from row i on.
template <class T, int Rows>
void dot_step(const Product<T>& p, std::ptrdiff_t i, std::ptrdiff_t j, int columns) {
    using V = Vec<T>;
    const T *a[Rows], *b[dot_columns];
    V sum[Rows][dot_columns];
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) a[r] = p.a.at(i + r, 0).data;
#pragma GCC unroll 4
    for (int c = 0; c < dot_columns; ++c) {
        b[c] = p.b.at(j + (c < columns ? c : 0), 0).data;  // a column that doesn't exist: any that does, not stored
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) sum[r][c] = V::zero();
    }
    const auto multiply = [&](auto load) {
        V row[Rows];
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) row[r] = load(a[r]);
#pragma GCC unroll 4
        for (int c = 0; c < dot_columns; ++c) {
            const V column = load(b[c]);
#pragma GCC unroll 4
            for (int r = 0; r < Rows; ++r) sum[r][c] = fma(row[r], column, sum[r][c]);
        }
    };
    std::ptrdiff_t k = 0;
    for (; k + V::size <= p.k; k += V::size) multiply([k](const T* x) { return V::load(x + k); });
    const int rest = static_cast<int>(p.k - k);
    if (rest) multiply([k, rest](const T* x) { return V::load_partial(x + k, rest); });
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (int c = 0; c < dot_columns; ++c) {
            if (c >= columns) break;
            T x = reduce_add(sum[r][c]) + (p.bias ? p.bias[j + c] : T{0});
            p.c[(i + r) * p.c_stride + j + c] = p.relu && x < 0 ? T{0} : x;
        }
    }
}

template <class T>
bool suits_dot(const Product<T>& p) {
    return p.m <= 2 * dot_rows && p.a.k_stride == 1 && p.b.k_stride == 1;
}

template <class T>
void multiply_dots(const Product<T>& p, Range columns) {
    static constexpr void (*steps[])(const Product<T>&, std::ptrdiff_t, std::ptrdiff_t, int) = {
        dot_step<T, 1>, dot_step<T, 2>, dot_step<T, 3>, dot_step<T, 4>};
    for (std::ptrdiff_t j = columns.begin; j < columns.end; j += dot_columns) {
        const int n = static_cast<int>(smaller(dot_columns, columns.end - j));
        for (std::ptrdiff_t i = 0; i < p.m; i += dot_rows) {
            const int m = static_cast<int>(smaller(dot_rows, p.m - i));
            steps[m - 1](p, i, j, n);
        }
    }
}

}  // namespace
}  // namespace mt
