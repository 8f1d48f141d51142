// The blocked matrix product on one thread: panels are packed so that the innermost loop finds A in the first-level
// cache and B in the second.
//
//   for each block of columns of C               B's block stays in the second-level cache
//     for each block of k                        packed here, or read in place
//       for each panel of rows                   A's panel stays in the first-level cache
//         for each panel of columns: one tile    microkernel.h
#pragma once

#include <cstddef>

#include "gemm/microkernel.h"
#include "gemm/pack.h"

namespace mt {
namespace {

// One matrix product: c = activation(a·b + bias).
template <class T>
struct Product {
    std::ptrdiff_t m, n, k;
    Strided<T> a, b;
    T* c;
    std::ptrdiff_t c_stride;
    const T* bias;
    bool relu;
};

struct Range {
    std::ptrdiff_t begin, end;
    std::ptrdiff_t size() const { return end - begin; }
};

constexpr std::ptrdiff_t ceil_div(std::ptrdiff_t a, std::ptrdiff_t b) { return (a + b - 1) / b; }

template <class T>
struct BlockSize {
    static constexpr std::ptrdiff_t k = 2048 / sizeof(T);                // A's panel: 24 KB with 12 rows
    static constexpr std::ptrdiff_t columns = 8 * TileSize<T>::columns;  // B's block: 512 KB with AVX-512
};

// Splits k evenly. This depends on k alone: it decides in which groups the products are added.
template <class T>
std::ptrdiff_t k_block(std::ptrdiff_t k) {
    const std::ptrdiff_t blocks = ceil_div(k, BlockSize<T>::k);
    return blocks ? ceil_div(k, blocks) : 0;
}

// Splits m evenly into panels of at most TileSize<T>::rows.
template <class T>
int panel_rows(std::ptrdiff_t m) {
    return static_cast<int>(ceil_div(m, ceil_div(m, TileSize<T>::rows)));
}

// Reading B in place saves a copy, but touches a page a step where its rows are long: for small products only.
template <class T>
bool reads_b_in_place(const Product<T>& p) {
    return p.b.lane_stride == 1 && static_cast<double>(p.m) * p.n * p.k <= 8e6;
}

// Packing A's panel pays when enough panels of columns follow.
template <class T>
bool reads_a_in_place(const Product<T>&, std::ptrdiff_t columns) {
    return columns <= 8 * TileSize<T>::columns;
}

// Elements of workspace that multiply_block needs.
template <class T>
std::size_t workspace_size(const Product<T>& p) {
    const std::ptrdiff_t columns = p.n < BlockSize<T>::columns ? p.n : BlockSize<T>::columns;
    const std::ptrdiff_t panels = ceil_div(columns, TileSize<T>::columns);
    return static_cast<std::size_t>(k_block<T>(p.k) * (panels * TileSize<T>::columns + TileSize<T>::rows));
}

// Computes rows × columns of C. Workspace: workspace_size(p) elements.
template <class T>
void multiply_block(const Product<T>& p, Range rows, Range columns, T* workspace) {
    constexpr int tile_columns = TileSize<T>::columns;
    const std::ptrdiff_t k_step = k_block<T>(p.k);
    const int row_step = panel_rows<T>(p.m);
    T* const packed_a = workspace;
    T* const packed_b = workspace + k_step * TileSize<T>::rows;
    const bool b_in_place = reads_b_in_place(p), a_in_place = reads_a_in_place(p, columns.size());

    for (std::ptrdiff_t j0 = columns.begin; j0 < columns.end; j0 += BlockSize<T>::columns) {
        const std::ptrdiff_t j1 = j0 + BlockSize<T>::columns < columns.end ? j0 + BlockSize<T>::columns : columns.end;
        std::ptrdiff_t k0 = 0;
        do {  // at least once: without products C is the bias
            const std::ptrdiff_t k = p.k - k0 < k_step ? p.k - k0 : k_step;
            const bool last = k0 + k == p.k;
            for (std::ptrdiff_t j = j0; j < j1; j += tile_columns) {
                const int n = j1 - j < tile_columns ? static_cast<int>(j1 - j) : tile_columns;
                if (!b_in_place || n < tile_columns)
                    pack_panel(p.b.at(j, k0), n, k, packed_b + (j - j0) * k, tile_columns);
            }
            for (std::ptrdiff_t i = rows.begin; i < rows.end; i += row_step) {
                const int m = rows.end - i < row_step ? static_cast<int>(rows.end - i) : row_step;
                Strided<T> a = p.a.at(i, k0);
                if (!a_in_place) {
                    pack_panel(a, m, k, packed_a, m);
                    a = {packed_a, 1, m};
                }
                for (std::ptrdiff_t j = j0; j < j1; j += tile_columns) {
                    const int n = j1 - j < tile_columns ? static_cast<int>(j1 - j) : tile_columns;
                    const bool direct = b_in_place && n == tile_columns;
                    const T* b = direct ? p.b.at(j, k0).data : packed_b + (j - j0) * k;
                    const TileOutput<T> out{p.c + i * p.c_stride + j,
                                            p.c_stride,
                                            n,
                                            k0 > 0,
                                            last && p.bias ? p.bias + j : nullptr,
                                            last && p.relu};
                    tile_kernel<T>(m, n)(k, a, b, direct ? p.b.k_stride : tile_columns, out);
                }
            }
            k0 += k;
        } while (k0 < p.k);
    }
}

}  // namespace
}  // namespace mt
