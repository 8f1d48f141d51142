// The innermost loop of the matrix product: a tile of C, held in registers, gains A[rows×k] · B[k×columns].
//
// A tile has up to `TileSize<T>::rows` rows and 1 or `vectors` (2) vectors of columns. Each step of k loads one row of
// B's panel and multiplies it by one broadcast element of A per row, so every broadcast serves two vectors and every
// vector all rows. The sizes leave registers for B's vectors and the broadcast: 24 + 3 of 32 with AVX-512, 12 + 3 of 16
// with AVX2, 16 + 3 of 32 with NEON.
//
// An element of C gets its products in order of k whatever the tile's size, so splitting C differently between
// threads changes no bit.
#pragma once

#include <cstddef>
#include <utility>

#include "simd.h"

namespace mt {
namespace {

template <class T>
struct TileSize {
#if defined(MT_ISA_AVX512)
    static constexpr int rows = 12;
#elif defined(MT_ISA_AVX2)
    static constexpr int rows = 6;
#elif defined(MT_ISA_NEON)
    static constexpr int rows = 8;
#else
    static constexpr int rows = 4;
#endif
    static constexpr int vectors = 2;
    static constexpr int columns = vectors * Vec<T>::size;
};

// Part of a matrix as the product sees it: element (lane, k) at data[lane * lane_stride + k * k_stride]. A's lanes are
// its rows, B's its columns.
template <class T>
struct Strided {
    const T* data;
    std::ptrdiff_t lane_stride, k_stride;

    Strided at(std::ptrdiff_t lane, std::ptrdiff_t k) const {
        return {data + lane * lane_stride + k * k_stride, lane_stride, k_stride};
    }
};

// What happens to a tile of C: (C if accumulate) + A·B + bias, then max(·, 0) if relu.
template <class T>
struct TileOutput {
    T* data;
    std::ptrdiff_t row_stride;
    int columns;  // those that exist; the tile may be wider
    bool accumulate;
    const T* bias;  // one element a column, or null
    bool relu;
};

template <class T, int Rows, int Vectors>
struct TileSums {
    Vec<T> sum[Rows][Vectors];
};

// The product of one tile. B's columns are contiguous: step k finds them at b + k * b_stride.
template <int Rows, int Vectors, class T>
MT_INLINE TileSums<T, Rows, Vectors> multiply_tile(std::ptrdiff_t k, Strided<T> a, const T* b,
                                                   std::ptrdiff_t b_stride) {
    using V = Vec<T>;
    TileSums<T, Rows, Vectors> tile;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) tile.sum[r][v] = V::zero();
    }
    // A pointer for every third row, from which the two others are reached with an index: with one pointer a row, or
    // one for all, the compiler runs out of address registers and keeps some in vector registers, at a cost of 5%.
    constexpr int groups = (Rows + 2) / 3;
    const T* rows[groups];
#pragma GCC unroll 8
    for (int g = 0; g < groups; ++g) rows[g] = a.data + 3 * g * a.lane_stride;
    for (std::ptrdiff_t step = 0; step < k; ++step) {
        V columns[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) columns[v] = V::load(b + v * V::size);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
            const V row = V::set1(rows[r / 3][r % 3 * a.lane_stride]);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) tile.sum[r][v] = fma(row, columns[v], tile.sum[r][v]);
        }
#pragma GCC unroll 8
        for (int g = 0; g < groups; ++g) rows[g] += a.k_stride;
        b += b_stride;
    }
    return tile;
}

// Replaces every vector x of the tile by f(x, row, first column of the vector).
template <int Rows, int Vectors, class T, class F>
MT_INLINE void transform_tile(TileSums<T, Rows, Vectors>& tile, const F& f) {
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) tile.sum[r][v] = f(tile.sum[r][v], r, v * Vec<T>::size);
    }
}

// The number of columns of the vector that starts at `first` which exist: 0 … Vec<T>::size.
template <class T>
MT_INLINE int existing_lanes(const TileOutput<T>& out, int first) {
    const int lanes = out.columns - first;
    return lanes < 0 ? 0 : lanes < Vec<T>::size ? lanes : Vec<T>::size;
}

template <int Rows, int Vectors, class T>
MT_INLINE void store_tile(TileSums<T, Rows, Vectors> tile, const TileOutput<T>& out) {
    using V = Vec<T>;
    const bool whole = out.columns == Vectors * V::size;
    const auto load = [&](const T* p, int first) {
        return whole ? V::load(p + first) : V::load_partial(p + first, existing_lanes(out, first));
    };
    if (out.accumulate) {
        transform_tile(tile, [&](V x, int row, int first) { return load(out.data + row * out.row_stride, first) + x; });
    }
    if (out.bias) transform_tile(tile, [&](V x, int, int first) { return x + load(out.bias, first); });
    if (out.relu) transform_tile(tile, [&](V x, int, int) { return max(V::zero(), x); });
    if (whole) {
        transform_tile(tile, [&](V x, int row, int first) {
            x.store(out.data + row * out.row_stride + first);
            return x;
        });
    } else {
        transform_tile(tile, [&](V x, int row, int first) {
            x.store_partial(out.data + row * out.row_stride + first, existing_lanes(out, first));
            return x;
        });
    }
}

template <class T>
using TileKernel = void (*)(std::ptrdiff_t k, Strided<T> a, const T* b, std::ptrdiff_t b_stride,
                            const TileOutput<T>& out);

template <class T, int Rows, int Vectors>
void compute_tile(std::ptrdiff_t k, Strided<T> a, const T* b, std::ptrdiff_t b_stride, const TileOutput<T>& out) {
    store_tile(multiply_tile<Rows, Vectors>(k, a, b, b_stride), out);
}

template <class T, int... Row>
TileKernel<T> select_tile_kernel(int rows, int vectors, std::integer_sequence<int, Row...>) {
    static constexpr TileKernel<T> kernels[][2] = {{compute_tile<T, Row + 1, 1>, compute_tile<T, Row + 1, 2>}...};
    return kernels[rows - 1][vectors - 1];
}

// The kernel for a tile of `rows` (1 … TileSize<T>::rows) by `columns` (1 … TileSize<T>::columns).
template <class T>
TileKernel<T> tile_kernel(int rows, int columns) {
    static_assert(TileSize<T>::vectors == 2, "select_tile_kernel lists one and two vectors");
    const int vectors = columns > Vec<T>::size ? 2 : 1;
    return select_tile_kernel<T>(rows, vectors, std::make_integer_sequence<int, TileSize<T>::rows>{});
}

}  // namespace
}  // namespace mt
