// AlexNet's normalisation across channels, and its gradient.
//
// Blocks of neighbouring pixels go through the channels one by one. What a channel contributes to the windows around it
// is computed once and kept in a ring for as long as the window covers it. Every window is added anew: a running sum
// would be fewer additions, but cancel digits.
#pragma once

#include "memory.h"
#include "norm/norm.h"
#include "norm/vectors.h"
#include "parallel.h"

namespace mt {
namespace {

constexpr std::ptrdiff_t block_vectors = 4;  // of a block of pixels: long enough pieces of memory

// base^(-beta). AlexNet's beta takes two roots, which are many times faster than a power.
template <class T>
MT_INLINE Vec<T> damping(Vec<T> base, T beta) {
    using V = Vec<T>;
    if (beta == T(0.75)) return V::set1(1) / (sqrt(base) * sqrt(sqrt(base)));
    T lanes[V::size];
    base.store(lanes);
    for (T& x : lanes) {
        if constexpr (sizeof(T) == 4) {
            x = __builtin_powf(x, -beta);
        } else {
            x = __builtin_pow(x, -beta);
        }
    }
    return V::load(lanes);
}

// One block of up to block_vectors vectors of pixels, `pixels` of which are left from `first` on.
template <class T, class Term, class Write>
MT_INLINE void slide_block(const WindowShape& shape, std::ptrdiff_t first, std::ptrdiff_t pixels, T* ring,
                           const Term& term, const Write& write) {
    using V = Vec<T>;
    constexpr std::ptrdiff_t size = V::size;
    const std::ptrdiff_t width = shape.before + shape.after + 1;
    const std::ptrdiff_t left = (pixels + size - 1) / size, vectors = left < block_vectors ? left : block_vectors;
    std::ptrdiff_t oldest = 0;  // where the next channel goes
    const auto put = [&](std::ptrdiff_t c) {
        T* to = ring + oldest * block_vectors * size;
        for (std::ptrdiff_t v = 0; v < vectors; ++v) {
            const bool exists = 0 <= c && c < shape.channels;
            const std::ptrdiff_t at = first + c * shape.pixels + v * size;
            (exists ? term(at, pixels - v * size) : V::zero()).store(to + v * size);
        }
        oldest = oldest + 1 < width ? oldest + 1 : 0;
    };
    for (std::ptrdiff_t c = -shape.before; c < shape.after; ++c) put(c);
    for (std::ptrdiff_t c = 0; c < shape.channels; ++c) {
        put(c + shape.after);
        V sums[block_vectors] = {V::zero(), V::zero(), V::zero(), V::zero()};
        for (std::ptrdiff_t i = 0, slot = oldest; i < width; ++i) {
            const T* from = ring + slot * block_vectors * size;
            for (std::ptrdiff_t v = 0; v < vectors; ++v) sums[v] = sums[v] + V::load(from + v * size);
            slot = slot + 1 < width ? slot + 1 : 0;
        }
        for (std::ptrdiff_t v = 0; v < vectors; ++v) {
            write(first + c * shape.pixels + v * size, pixels - v * size, sums[v]);
        }
    }
}

// Calls write(position, lanes, Σ of the window's terms) for all vectors of pixels, of all channels. Before that,
// term(position, lanes) has been called for the same vector, once.
template <class T, class Term, class Write>
void slide(const WindowShape& shape, const Term& term, const Write& write) {
    constexpr std::ptrdiff_t block = block_vectors * Vec<T>::size;
    const std::ptrdiff_t blocks = (shape.pixels + block - 1) / block, items = shape.images * blocks;
    const std::ptrdiff_t ring = (shape.before + shape.after + 1) * block;
    const double work = 4.0 * items * shape.channels * block;
    const std::ptrdiff_t parts = threads_for(work);  // each with a ring; the result doesn't depend on them
    const Scratch rings(parts * ring * sizeof(T));
    T* const memory = static_cast<T*>(rings.data());
    parallel_for(parts, work / parts, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t part = begin; part < end; ++part) {
            for (std::ptrdiff_t item = items * part / parts; item < items * (part + 1) / parts; ++item) {
                const std::ptrdiff_t n = item / blocks, pixel = item % blocks * block;
                const std::ptrdiff_t first = n * shape.channels * shape.pixels + pixel;
                slide_block(shape, first, shape.pixels - pixel, memory + part * ring, term, write);
            }
        }
    });
}

template <class T>
void local_response(WindowShape shape, const T* input, T factor, T beta, T k, T* output, T* bases) {
    using V = Vec<T>;
    const auto square = [=](std::ptrdiff_t at, std::ptrdiff_t lanes) {
        const V x = load_first(input + at, lanes);
        return x * x;
    };
    slide<T>(shape, square, [=](std::ptrdiff_t at, std::ptrdiff_t lanes, V squares) {
        const V base = V::set1(k) + V::set1(factor) * squares;
        store_first(base, bases + at, lanes);
        store_first(load_first(input + at, lanes) * damping(base, beta), output + at, lanes);
    });
}

template <class T>
void local_response_backward(WindowShape shape, const T* grad_output, const T* input, const T* bases, T factor, T beta,
                             T* grad_input) {
    using V = Vec<T>;
    // grad_input keeps g·base^(-beta) until the window's sum is there.
    const auto term = [=](std::ptrdiff_t at, std::ptrdiff_t lanes) {
        const V base = load_first(bases + at, lanes);
        const V direct = load_first(grad_output + at, lanes) * damping(base, beta);
        store_first(direct, grad_input + at, lanes);
        return direct * load_first(input + at, lanes) / base;
    };
    const V twice = V::set1(2 * factor * beta);
    slide<T>(shape, term, [=](std::ptrdiff_t at, std::ptrdiff_t lanes, V sum) {
        const V direct = load_first(grad_input + at, lanes);
        store_first(direct - twice * load_first(input + at, lanes) * sum, grad_input + at, lanes);
    });
}

}  // namespace
}  // namespace mt
