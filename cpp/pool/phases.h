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
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "memory.h"
#include "pool/pool.h"
#include "simd.h"

namespace mt {
namespace {

inline std::ptrdiff_t smaller(std::ptrdiff_t a, std::ptrdiff_t b) { return a < b ? a : b; }
inline std::ptrdiff_t larger(std::ptrdiff_t a, std::ptrdiff_t b) { return a > b ? a : b; }
inline std::ptrdiff_t ceil_div(std::ptrdiff_t a, std::ptrdiff_t b) { return (a + b - 1) / b; }  // for a >= 0

// The whole number as wide as T.
template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

// A tap of a window: how far to look, and its index.
template <class T>
struct Tap {
    std::ptrdiff_t offset;
    T index;
};

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
};

template <class T>
MT_INLINE void fill(T* to, std::ptrdiff_t n, T value) {
    for (std::ptrdiff_t i = 0; i < n; ++i) to[i] = value;
}

// to[i] = from[i] for 0 <= i < n, and anything in up to a vector after them.
template <class T>
MT_INLINE void copy(const T* from, std::ptrdiff_t n, T* to) {
    using V = Vec<T>;
    for (; n >= V::size; n -= V::size, from += V::size, to += V::size) V::load(from).store(to);
    V::load_partial(from, static_cast<int>(n)).store(to);
}

// even[i] = from[2*i] and odd[i] = from[2*i + 1], of n numbers in all, and anything in up to a vector after them.
template <class T>
MT_INLINE void split_pairs(const T* from, std::ptrdiff_t n, T* even, T* odd) {
    using V = Vec<T>;
    V a, b;
    for (; n >= 2 * V::size; n -= 2 * V::size, from += 2 * V::size, even += V::size, odd += V::size) {
        deinterleave(V::load(from), V::load(from + V::size), a, b);
        a.store(even);
        b.store(odd);
    }
    const int rest = static_cast<int>(n);
    if (rest > V::size) {
        deinterleave(V::load(from), V::load_partial(from + V::size, rest - V::size), a, b);
    } else {
        deinterleave(V::load_partial(from, rest), V::zero(), a, b);
    }
    a.store(even);
    b.store(odd);
}

// Stores the part of a vector that belongs to the places [i, end) of an array.
template <class T>
MT_INLINE void store(Vec<T> x, T* to, std::ptrdiff_t i, std::ptrdiff_t end) {
    if (i + Vec<T>::size <= end) {
        x.store(to + i);
    } else if (i < end) {
        x.store_partial(to + i, static_cast<int>(end - i));
    }
}

// The inverse: writes n numbers. Reads up to a vector past what it needs.
template <class T>
MT_INLINE void merge_pairs(const T* even, const T* odd, std::ptrdiff_t n, T* to) {
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

// A row of the input and its phases, which lie `phase_size` apart and have `length` elements each.
template <class T>
class RowPhases {
  public:
    RowPhases(const Phases& w, std::ptrdiff_t length, std::ptrdiff_t phase_size)
        : w_(w), length_(length), phase_size_(phase_size), block_(w.count * sizeof(Span)) {
        spans_ = static_cast<Span*>(block_.data());
        const std::ptrdiff_t stride = w.axis.stride, width = w.axis.input;
        for (std::ptrdiff_t j = 0; j < w.count; ++j) {
            const std::ptrdiff_t start = w.start(j);
            const std::ptrdiff_t first = smaller(ceil_div(larger(-start, 0), stride), length);
            const std::ptrdiff_t last = smaller(ceil_div(larger(width - start, 0), stride), length);
            spans_[j] = {start + first * stride, first, last};
        }
        const std::ptrdiff_t padding = w.axis.padding;  // makes the even positions the second phase, if odd
        even_ = padding % 2 * phase_size + padding / 2;
        odd_ = (padding + 1) % 2 * phase_size + (padding + 1) / 2;
        pairs_ = stride == 2 && w.count == 2;
        used_width_ = larger(smaller(width, 2 * length - padding), 0);
    }

    // Writes the row to its phases, where `padding` stands for what is outside of the input, and for all of a row that
    // is null. May write anything into up to a vector after the elements of each phase.
    void unpack(const T* row, T padding, T* to) const {
        if (!row) {
            for (std::ptrdiff_t j = 0; j < w_.count; ++j) fill(to + j * phase_size_, length_, padding);
            return;
        }
        if (pairs_) split_pairs(row, used_width_, to + even_, to + odd_);
        for (std::ptrdiff_t j = 0; j < w_.count; ++j, to += phase_size_) {
            const Span s = spans_[j];
            if (!pairs_) copy_every(w_.axis.stride, row + s.from, s.last - s.first, to + s.first);
            if (s.first > 0) fill(to, s.first, padding);
            if (s.last < length_) fill(to + s.last, length_ - s.last, padding);
        }
    }

    // The inverse: gathers the row from its phases; 0 where no tap reads it. Reads up to a vector more.
    void pack(const T* from, T* row) const {
        if (pairs_) return merge_pairs(from + even_, from + odd_, w_.axis.input, row);
        const std::ptrdiff_t stride = w_.axis.stride;
        if (w_.count < stride) fill(row, w_.axis.input, T(0));
        for (std::ptrdiff_t j = 0; j < w_.count; ++j, from += phase_size_) {
            const Span s = spans_[j];
            if (stride == 1) {
                std::memcpy(row, from + s.first, (s.last - s.first) * sizeof(T));
            } else {
                for (std::ptrdiff_t x = s.first; x < s.last; ++x) row[s.from + (x - s.first) * stride] = from[x];
            }
        }
    }

  private:
    // The elements [first, last) of a phase are inside the input, from position `from` on.
    struct Span {
        std::ptrdiff_t from, first, last;
    };

    static MT_INLINE void copy_every(std::ptrdiff_t stride, const T* from, std::ptrdiff_t n, T* to) {
        if (stride == 1) return copy(from, n, to);
        for (std::ptrdiff_t i = 0; i < n; ++i) to[i] = from[i * stride];
    }

    Phases w_;
    std::ptrdiff_t length_, phase_size_;
    Scratch block_;
    Span* spans_;
    bool pairs_;  // two phases, of every second element each: of the even positions, and of the odd ones
    std::ptrdiff_t even_, odd_, used_width_;
};

}  // namespace
}  // namespace mt
