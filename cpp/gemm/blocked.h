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
constexpr std::ptrdiff_t smaller(std::ptrdiff_t a, std::ptrdiff_t b) { return a < b ? a : b; }

template <class T>
struct BlockSize {
    static constexpr std::ptrdiff_t k = 2048 / sizeof(T);                 // A's panel: 24 KB with 12 rows
    static constexpr std::ptrdiff_t columns = 16 * TileSize<T>::columns;  // B's block: 1 MB with AVX-512
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

// Packing B costs about as much as computing one tile of each panel, so it pays for many rows. Rows of a large B are
// better packed even for a few: a panel takes a little of each, which is slow from memory.
template <class T>
bool reads_b_in_place(const Product<T>& p) {
    return p.b.lane_stride == 1 && p.m <= 12 * TileSize<T>::rows && p.k * p.n <= (1 << 20) / std::ptrdiff_t{sizeof(T)};
}

// Packing A's panel pays when many panels of columns use it.
template <class T>
bool reads_a_in_place(std::ptrdiff_t columns) {
    return columns <= 8 * TileSize<T>::columns;
}

// Elements of workspace that multiply_block needs, also for a part of p: the blocks of fewer k may be longer.
template <class T>
std::size_t workspace_size(const Product<T>& p) {
    const std::ptrdiff_t panels = ceil_div(smaller(p.n, BlockSize<T>::columns), TileSize<T>::columns);
    const std::ptrdiff_t longest_k = smaller(p.k, BlockSize<T>::k);
    return static_cast<std::size_t>(longest_k * (panels * TileSize<T>::columns + TileSize<T>::rows));
}

// A block of B: `columns` columns from the first, `k` steps.
template <class T>
class BBlock {
  public:
    // `packed` has room for the panels that are not read in place.
    BBlock(const Strided<T>& source, std::ptrdiff_t columns, std::ptrdiff_t k, bool in_place, T* packed)
        : source_(source), columns_(columns), k_(k), in_place_(in_place), packed_(packed) {
        // Rows that are contiguous are read a few at a time, along the whole block.
        const std::ptrdiff_t step = source.lane_stride == 1 ? 8 : k;
        for (std::ptrdiff_t k0 = 0; k0 < k; k0 += step) {
            for (std::ptrdiff_t j = 0; j < columns; j += width) {
                if (is_packed(j)) {
                    pack_panel(source.at(j, k0), panel_columns(j), smaller(step, k - k0), packed + j * k + k0 * width,
                               width);
                }
            }
        }
    }

    int panel_columns(std::ptrdiff_t j) const { return static_cast<int>(smaller(width, columns_ - j)); }
    const T* panel(std::ptrdiff_t j) const { return is_packed(j) ? packed_ + j * k_ : source_.at(j, 0).data; }
    std::ptrdiff_t k_stride(std::ptrdiff_t j) const { return is_packed(j) ? width : source_.k_stride; }

  private:
    static constexpr int width = TileSize<T>::columns;

    // An incomplete panel can't be read in place: its vectors would reach beyond the row.
    bool is_packed(std::ptrdiff_t j) const { return !in_place_ || panel_columns(j) < width; }

    const Strided<T> source_;
    const std::ptrdiff_t columns_, k_;
    const bool in_place_;
    T* const packed_;
};

// Computes rows × columns of C. Workspace: workspace_size(p) elements.
template <class T>
void multiply_block(const Product<T>& p, Range rows, Range columns, T* workspace) {
    const std::ptrdiff_t k_step = k_block<T>(p.k);
    const int row_step = panel_rows<T>(p.m);
    T* const packed_a = workspace;
    T* const packed_b = workspace + k_step * TileSize<T>::rows;
    const bool b_in_place = reads_b_in_place(p), a_in_place = reads_a_in_place<T>(columns.size());

    for (std::ptrdiff_t j0 = columns.begin; j0 < columns.end; j0 += BlockSize<T>::columns) {
        const std::ptrdiff_t n = smaller(BlockSize<T>::columns, columns.end - j0);
        std::ptrdiff_t k0 = 0;
        do {  // at least once: without products C is the bias
            const std::ptrdiff_t k = smaller(k_step, p.k - k0);
            const bool last = k0 + k == p.k;
            const BBlock<T> b(p.b.at(j0, k0), n, k, b_in_place, packed_b);
            for (std::ptrdiff_t i = rows.begin; i < rows.end; i += row_step) {
                const int m = static_cast<int>(smaller(row_step, rows.end - i));
                Strided<T> a = p.a.at(i, k0);
                if (!a_in_place) {
                    pack_panel(a, m, k, packed_a, m);
                    a = {packed_a, 1, m};
                }
                for (std::ptrdiff_t j = 0; j < n; j += TileSize<T>::columns) {
                    const TileOutput<T> out{p.c + i * p.c_stride + j0 + j,
                                            p.c_stride,
                                            b.panel_columns(j),
                                            k0 > 0,
                                            last && p.bias ? p.bias + j0 + j : nullptr,
                                            last && p.relu};
                    tile_kernel<T>(m, out.columns)(k, a, b.panel(j), b.k_stride(j), out);
                }
            }
            k0 += k;
        } while (k0 < p.k);
    }
}

}  // namespace
}  // namespace mt
