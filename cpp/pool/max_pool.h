// Max pooling. A kernel of its own for windows that are read from the phases of the input, one vector of windows at a
// time; the indices travel through the vectors as the bits of whole numbers, since a float can't hold all of them.
#pragma once

#include <limits>
#include <type_traits>

#include "pool/window_sums.h"
#include "pool/windows.h"

namespace mt {
namespace {

// The whole number as wide as T.
template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

// The first tap of window o that is inside the input, or -1.
inline std::ptrdiff_t first_tap(const PoolAxis& axis, std::ptrdiff_t o) {
    const std::ptrdiff_t start = o * axis.stride - axis.padding;
    const std::ptrdiff_t k = ceil_div(larger(-start, 0), axis.dilation);
    return k < axis.kernel && start + k * axis.dilation < axis.input ? k : -1;
}

// Maximum and index of n windows. From the last tap to the first, so that the first of several equal maxima wins.
template <class T, class Index>
void max_of_windows(const T* source, const std::ptrdiff_t* offsets, std::ptrdiff_t taps, std::ptrdiff_t n, T* output,
                    Index* indices) {
    using V = Vec<T>;
    for (std::ptrdiff_t i = 0; i < n; i += V::size, source += V::size) {
        V best = V::set1(-std::numeric_limits<T>::infinity()), which = V::zero();
        for (Bits<T> t = static_cast<Bits<T>>(taps) - 1; t >= 0; --t) {
            T tap;
            std::memcpy(&tap, &t, sizeof(T));
            const V x = V::load(source + offsets[t]);
            const auto wins = ge(x, best) | isnan(x);  // nothing but NaN wins over NaN
            best = select(wins, x, best);
            which = select(wins, V::set1(tap), which);
        }
        Bits<T> bits[V::size];
        std::memcpy(bits, &which, sizeof(bits));
        if (i + V::size <= n) {
            best.store(output + i);
            for (int k = 0; k < V::size; ++k) indices[i + k] = static_cast<Index>(bits[k]);
        } else {
            best.store_partial(output + i, static_cast<int>(n - i));
            for (int k = 0; k < n - i; ++k) indices[i + k] = static_cast<Index>(bits[k]);
        }
    }
}

template <class T, class Index>
void max_pool2d(const PoolGeometry& g, const T* input, T* output, Index* indices) {
    constexpr T lowest = -std::numeric_limits<T>::infinity();
    const std::ptrdiff_t taps = g.h.kernel * g.w.kernel;
    for_each_window(
        g, input, lowest,
        [&](const T* source, const std::ptrdiff_t* offsets, std::ptrdiff_t n, std::ptrdiff_t at) {
            max_of_windows(source, offsets, taps, n, output + at, indices + at);
        },
        [&](std::ptrdiff_t image, std::ptrdiff_t oh, std::ptrdiff_t n) {
            if (g.h.padding == 0 && g.w.padding == 0) return;
            // Where nothing is above -inf, padding that comes first in the window has won over the input.
            for (std::ptrdiff_t r = oh; r < oh + n; ++r) {
                const std::ptrdiff_t at = (image * g.h.output + r) * g.w.output, kh = first_tap(g.h, r);
                for (std::ptrdiff_t ow = 0; ow < g.w.output; ++ow) {
                    if (output[at + ow] != lowest) continue;
                    const std::ptrdiff_t kw = first_tap(g.w, ow);
                    indices[at + ow] = static_cast<Index>(kh < 0 || kw < 0 ? 0 : kh * g.w.kernel + kw);
                }
            }
        });
}

// The element of its image that an index names, or -1 where it names padding.
template <class Index>
MT_INLINE std::ptrdiff_t named_element(const PoolGeometry& g, std::ptrdiff_t oh, std::ptrdiff_t ow, Index index) {
    const auto kernel_width = static_cast<std::uint32_t>(g.w.kernel), tap = static_cast<std::uint32_t>(index);
    const std::ptrdiff_t kh = tap / kernel_width, kw = tap % kernel_width;
    const std::ptrdiff_t row = oh * g.h.stride - g.h.padding + kh * g.h.dilation;
    const std::ptrdiff_t column = ow * g.w.stride - g.w.padding + kw * g.w.dilation;
    const bool inside = row >= 0 && row < g.h.input && column >= 0 && column < g.w.input;
    return inside ? row * g.w.input + column : -1;
}

// Calls body(window, element of the input, or -1) for the windows of one image after another.
template <class Index, class Body>
void for_each_index(const PoolGeometry& g, const Index* indices, std::ptrdiff_t image, const Body& body) {
    std::ptrdiff_t window = image * g.h.output * g.w.output;
    const std::ptrdiff_t first = image * g.h.input * g.w.input;
    for (std::ptrdiff_t oh = 0; oh < g.h.output; ++oh) {
        for (std::ptrdiff_t ow = 0; ow < g.w.output; ++ow, ++window) {
            const std::ptrdiff_t element = named_element(g, oh, ow, indices[window]);
            body(window, element < 0 ? -1 : first + element);
        }
    }
}

constexpr double scalar_work = 8;  // of one step of the loop above

// For large windows, of which an element would have to ask too many: the windows of an image, one after another, add to
// the elements they name. Both ways sum in the same order.
template <class T, class Index>
void scatter(const PoolGeometry& g, const T* grad_output, const Index* indices, T* grad_input) {
    const std::ptrdiff_t elements = g.h.input * g.w.input;
    const double work = static_cast<double>(elements) + scalar_work * (g.h.output * g.w.output);
    parallel_for(g.planes, work, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t image = begin; image < end; ++image) {
            fill(grad_input + image * elements, elements, T(0));
            for_each_index(g, indices, image, [&](std::ptrdiff_t window, std::ptrdiff_t element) {
                if (element >= 0) grad_input[element] += grad_output[window];
            });
        }
    });
}

template <class T, class Index>
void max_pool2d_backward(const PoolGeometry& g, const T* grad_output, const Index* indices, T* grad_input) {
    constexpr std::ptrdiff_t most_taps = 16;
    if (g.h.kernel * g.w.kernel > most_taps) return scatter(g, grad_output, indices, grad_input);
    sum_over_windows(
        g, 2, grad_input,
        [&](std::ptrdiff_t from, std::ptrdiff_t n, T* to, std::ptrdiff_t field_size) {
            std::memcpy(to, grad_output + from, n * sizeof(T));
            for (std::ptrdiff_t i = 0; i < n; ++i) to[field_size + i] = static_cast<T>(indices[from + i]);
        },
        [](const T* from, std::ptrdiff_t field_size, T index) {
            const auto named = eq(Vec<T>::load(from + field_size), Vec<T>::set1(index));
            return select(named, Vec<T>::load(from), Vec<T>::zero());
        });
}

template <class T, class Index>
void max_pool2d_gather(const PoolGeometry& g, const T* input, const Index* indices, T* output) {
    const double work = scalar_work * (g.h.output * g.w.output);
    parallel_for(g.planes, work, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t image = begin; image < end; ++image) {
            for_each_index(g, indices, image, [&](std::ptrdiff_t window, std::ptrdiff_t element) {
                output[window] = element < 0 ? T(0) : input[element];
            });
        }
    });
}

}  // namespace
}  // namespace mt
