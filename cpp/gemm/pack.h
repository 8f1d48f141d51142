// Packing: copies a panel of A or B to contiguous memory in the order in which the innermost loop reads it.
#pragma once

#include <cstddef>

#include "gemm/microkernel.h"
#include "simd.h"

namespace mt {
namespace {

// Transposes a square of Vec<T>::size rows: log2(size) times, rows of the upper half are zipped with the lower half's.
template <class T>
MT_INLINE void transpose_square(Vec<T> (&rows)[Vec<T>::size]) {
    constexpr int n = Vec<T>::size;
#pragma GCC unroll 4
    for (int stage = 1; stage < n; stage *= 2) {
        Vec<T> zipped[n];
#pragma GCC unroll 16
        for (int i = 0; i < n / 2; ++i) {
            zipped[2 * i] = zip_low(rows[i], rows[i + n / 2]);
            zipped[2 * i + 1] = zip_high(rows[i], rows[i + n / 2]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < n; ++i) rows[i] = zipped[i];
    }
}

// Packs up to Vec<T>::size lanes whose elements are contiguous in k.
template <class T>
void pack_transposed(const Strided<T>& source, int lanes, std::ptrdiff_t k, T* packed, std::ptrdiff_t width,
                     int padded) {
    using V = Vec<T>;
    for (std::ptrdiff_t k0 = 0; k0 < k; k0 += V::size) {
        const int steps = k - k0 < V::size ? static_cast<int>(k - k0) : V::size;
        V square[V::size];
#pragma GCC unroll 16
        for (int lane = 0; lane < V::size; ++lane) {
            const T* row = source.data + lane * source.lane_stride + k0;
            square[lane] = lane >= lanes ? V::zero() : steps == V::size ? V::load(row) : V::load_partial(row, steps);
        }
        transpose_square<T>(square);
        T* const out = packed + k0 * width;
#pragma GCC unroll 16
        for (int step = 0; step < V::size; ++step) {
            if (step >= steps) break;
            if (padded == V::size) {
                square[step].store(out + step * width);
            } else {
                square[step].store_partial(out + step * width, padded);
            }
        }
    }
}

// Packs up to Vec<T>::size lanes that lie next to each other.
template <class T>
void pack_adjacent(const Strided<T>& source, int lanes, std::ptrdiff_t k, T* packed, std::ptrdiff_t width, int padded) {
    using V = Vec<T>;
    if (lanes == V::size) {
        for (std::ptrdiff_t step = 0; step < k; ++step) {
            V::load(source.data + step * source.k_stride).store(packed + step * width);
        }
    } else {
        for (std::ptrdiff_t step = 0; step < k; ++step) {
            V::load_partial(source.data + step * source.k_stride, lanes).store_partial(packed + step * width, padded);
        }
    }
}

template <class T>
void pack_scattered(const Strided<T>& source, int lanes, std::ptrdiff_t k, T* packed, std::ptrdiff_t width,
                    int padded) {
    for (std::ptrdiff_t step = 0; step < k; ++step) {
        for (int lane = 0; lane < padded; ++lane) {
            packed[step * width + lane] =
                lane < lanes ? source.data[lane * source.lane_stride + step * source.k_stride] : T{0};
        }
    }
}

// Packs `lanes` lanes of `source` to packed[k][width]; the lanes from there to `width` are filled with zeros.
template <class T>
void pack_panel(const Strided<T>& source, int lanes, std::ptrdiff_t k, T* packed, int width) {
    constexpr int size = Vec<T>::size;
    for (int first = 0; first < width; first += size) {
        const Strided<T> part = source.at(first, 0);
        const int existing = lanes - first < 0 ? 0 : lanes - first < size ? lanes - first : size;
        const int padded = width - first < size ? width - first : size;
        if (source.k_stride == 1) {
            pack_transposed(part, existing, k, packed + first, width, padded);
        } else if (source.lane_stride == 1) {
            pack_adjacent(part, existing, k, packed + first, width, padded);
        } else {
            pack_scattered(part, existing, k, packed + first, width, padded);
        }
    }
}

}  // namespace
}  // namespace mt
