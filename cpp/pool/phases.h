// Pooling with any stride, padding and dilation, seen as pooling with stride 1.
//
// Positions of the padded input with the same remainder modulo the stride form a phase. Tap k of window o reads
// position o*stride + k*dilation, which is element o + shift(k) of its phase: within a phase, windows move by one
// element. Kernels unpack the input into its phases and then work on whole vectors of windows, with one plain load for
// each tap. For a 2x2 pool with stride 2:
//
//     input rows    a b a b a b        phases    aaa  bbb
//                   c d c d c d                  ccc  ddd        output = max(a, b, c, d)
#pragma once

#include <cstddef>
#include <cstring>

#include "pool/pool.h"
#include "simd.h"

namespace mt {
namespace {

inline std::ptrdiff_t smaller(std::ptrdiff_t a, std::ptrdiff_t b) { return a < b ? a : b; }
inline std::ptrdiff_t larger(std::ptrdiff_t a, std::ptrdiff_t b) { return a > b ? a : b; }
inline std::ptrdiff_t ceil_div(std::ptrdiff_t a, std::ptrdiff_t b) { return (a + b - 1) / b; }  // for a >= 0

// One axis by its phases.
struct Phases {
    PoolAxis axis;
    std::ptrdiff_t count;  // phases that some tap reads: tap k reads phase k % count

    explicit Phases(const PoolAxis& axis) : axis(axis) {
        std::ptrdiff_t divisor = axis.stride, b = axis.dilation;  // Euclid: the greatest common divisor
        while (b) {
            const std::ptrdiff_t remainder = divisor % b;
            divisor = b;
            b = remainder;
        }
        count = smaller(axis.kernel, axis.stride / divisor);
    }
    std::ptrdiff_t shift(std::ptrdiff_t k) const { return k * axis.dilation / axis.stride; }
    std::ptrdiff_t reach() const { return shift(axis.kernel - 1); }
    // The position in the input of a phase's element 0; negative in the padding.
    std::ptrdiff_t start(std::ptrdiff_t phase) const { return phase * axis.dilation % axis.stride - axis.padding; }
    // The elements of a phase inside the input are [first, last), of `length` elements in all.
    std::ptrdiff_t first(std::ptrdiff_t phase, std::ptrdiff_t length) const {
        return smaller(ceil_div(larger(-start(phase), 0), axis.stride), length);
    }
    std::ptrdiff_t last(std::ptrdiff_t phase, std::ptrdiff_t length) const {
        return smaller(ceil_div(larger(axis.input - start(phase), 0), axis.stride), length);
    }
};

template <class T>
MT_INLINE void fill(T* to, std::ptrdiff_t n, T value) {
    for (std::ptrdiff_t i = 0; i < n; ++i) to[i] = value;
}

// to[i] = from[2*i] for 0 <= i < n, and anything in up to a vector after them.
template <class T>
void copy_every_second(const T* from, std::ptrdiff_t n, T* to) {
    using V = Vec<T>;
    V even, odd;
    for (; n > V::size; n -= V::size, from += 2 * V::size, to += V::size) {
        deinterleave(V::load(from), V::load(from + V::size), even, odd);
        even.store(to);
    }
    const int rest = static_cast<int>(2 * n - 1);  // nothing may be read after the last number taken
    if (rest > V::size) {
        deinterleave(V::load(from), V::load_partial(from + V::size, rest - V::size), even, odd);
        even.store(to);
    } else if (rest > 0) {
        deinterleave(V::load_partial(from, rest), V::zero(), even, odd);
        even.store(to);
    }
}

// to[2*i] = even[i] and to[2*i + 1] = odd[i], n numbers in all; reads up to two vectors of either past what it needs.
template <class T>
void merge_pairs(const T* even, const T* odd, std::ptrdiff_t n, T* to) {
    using V = Vec<T>;
    V a, b;
    for (; n >= 2 * V::size; n -= 2 * V::size, even += V::size, odd += V::size, to += 2 * V::size) {
        interleave(V::load(even), V::load(odd), a, b);
        a.store(to);
        b.store(to + V::size);
    }
    const int rest = static_cast<int>(n);
    interleave(V::load(even), V::load(odd), a, b);
    if (rest > V::size) {
        a.store(to);
        b.store_partial(to + V::size, rest - V::size);
    } else {
        a.store_partial(to, rest);
    }
}

// Writes a row of the input to its phases: `length` elements of phase j to `to + j*phase_size`, where `padding` stands
// for what is outside of the input, and for all of the row if it is null. May write anything into up to a vector after
// the elements of each phase.
template <class T>
void unpack_row(const T* row, const Phases& w, std::ptrdiff_t length, T padding, T* to, std::ptrdiff_t phase_size) {
    const std::ptrdiff_t stride = w.axis.stride;
    for (std::ptrdiff_t j = 0; j < w.count; ++j, to += phase_size) {
        const std::ptrdiff_t first = row ? w.first(j, length) : 0, last = row ? w.last(j, length) : 0;
        if (first < last) {
            const T* from = row + w.start(j) + first * stride;
            if (stride == 1) {
                std::memcpy(to + first, from, (last - first) * sizeof(T));
            } else if (stride == 2) {
                copy_every_second(from, last - first, to + first);
            } else {
                for (std::ptrdiff_t x = first; x < last; ++x) to[x] = from[(x - first) * stride];
            }
        }
        fill(to, first, padding);
        fill(to + last, length - last, padding);
    }
}

// The inverse: gathers a row of the input from its phases; 0 where no tap reads it. Reads up to a vector more.
template <class T>
void pack_row(const T* from, std::ptrdiff_t phase_size, const Phases& w, std::ptrdiff_t length, T* row) {
    const std::ptrdiff_t stride = w.axis.stride, width = w.axis.input, padding = w.axis.padding;
    if (stride == 1) {
        std::memcpy(row, from + padding, width * sizeof(T));
        return;
    }
    if (stride == 2 && w.count == 2) {
        const T *even = from + padding % 2 * phase_size, *odd = from + (padding + 1) % 2 * phase_size;
        merge_pairs(even + padding / 2, odd + (padding + 1) / 2, width, row);
        return;
    }
    if (w.count < stride) std::memset(row, 0, width * sizeof(T));
    for (std::ptrdiff_t j = 0; j < w.count; ++j, from += phase_size) {
        T* to = row + w.start(j);
        for (std::ptrdiff_t x = w.first(j, length); x < w.last(j, length); ++x) to[x * stride] = from[x];
    }
}

}  // namespace
}  // namespace mt
