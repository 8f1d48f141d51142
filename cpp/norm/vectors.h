// Vectors of which only the first few lanes may count.
#pragma once

#include <cstddef>

#include "simd.h"

namespace mt {
namespace {

template <class T>
MT_INLINE Vec<T> load_first(const T* from, std::ptrdiff_t n) {
    return n >= Vec<T>::size ? Vec<T>::load(from) : Vec<T>::load_partial(from, static_cast<int>(n));
}

template <class T>
MT_INLINE void store_first(Vec<T> x, T* to, std::ptrdiff_t n) {
    if (n >= Vec<T>::size) {
        x.store(to);
    } else {
        x.store_partial(to, static_cast<int>(n));
    }
}

// 0 in all lanes but the first n.
template <class T>
MT_INLINE Vec<T> first_lanes(Vec<T> x, std::ptrdiff_t n) {
    static constexpr T numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return select(gt(Vec<T>::set1(static_cast<T>(n)), Vec<T>::load(numbers)), x, Vec<T>::zero());
}

}  // namespace
}  // namespace mt
