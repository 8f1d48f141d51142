// Max pooling and its adjoints. The forward kernel reads vectors of windows from the phases of the input; indices
// travel through it as the bits of whole numbers, since a float doesn't hold all of them.
#pragma once

#include <limits>

#include "pool/windows.h"

namespace mt {
namespace {

// The first tap of window o that is inside the input, or -1.
inline std::ptrdiff_t first_tap(const PoolAxis& axis, std::ptrdiff_t o) {
    const std::ptrdiff_t start = o * axis.stride - axis.padding;
    const std::ptrdiff_t k = ceil_div(larger(-start, 0), axis.dilation);
    return k < axis.kernel && start + k * axis.dilation < axis.input ? k : -1;
}

constexpr int unrolled = 2;  // vectors of windows side by side, which share the reading of a tap

// Maximum and index of the windows from source[0] on. From the last tap to the first, so that the first of several
// equal maxima wins.
template <class T>
MT_INLINE void max_of_vectors(const T* source, const Tap<T>* taps, std::ptrdiff_t count, Vec<T>* best, Vec<T>* which) {
    using V = Vec<T>;
    for (int v = 0; v < unrolled; ++v) {
        best[v] = V::set1(-std::numeric_limits<T>::infinity());
        which[v] = V::zero();
    }
    for (const Tap<T>* tap = taps + count - 1; tap >= taps; --tap) {
        const V index = V::set1(tap->index);
        for (int v = 0; v < unrolled; ++v) {
            const V x = V::load(source + tap->offset + v * V::size);
            const auto wins = ge(x, best[v]) | isnan(x);  // nothing but NaN wins over NaN
            best[v] = select(wins, x, best[v]);
            which[v] = select(wins, index, which[v]);
        }
    }
}

// Maximum and index of n windows.
template <class T, class Index>
void max_of_windows(const T* source, const Tap<T>* taps, std::ptrdiff_t tap_count, std::ptrdiff_t n, T* output,
                    Index* indices) {
    using V = Vec<T>;
    constexpr std::ptrdiff_t chunk = 8 * V::size;
    Bits<T> numbers[chunk];
    V best[unrolled], which[unrolled];
    for (std::ptrdiff_t first = 0; first < n; first += chunk) {
        const std::ptrdiff_t count = smaller(n - first, chunk);
        for (std::ptrdiff_t i = 0; i < count; i += unrolled * V::size) {
            max_of_vectors(source + first + i, taps, tap_count, best, which);
            std::memcpy(numbers + i, which, sizeof(which));
            for (int v = 0; v < unrolled; ++v) store(best[v], output + first, i + v * V::size, count);
        }
        for (std::ptrdiff_t i = 0; i < count; ++i) indices[first + i] = static_cast<Index>(numbers[i]);
    }
}

template <class T, class Index>
void max_pool2d(const PoolGeometry& g, const T* input, T* output, Index* indices) {
    constexpr T lowest = -std::numeric_limits<T>::infinity();
    for_each_window(
        g, input, lowest,
        [&](const T* source, const Tap<T>* taps, std::ptrdiff_t count, std::ptrdiff_t n, std::ptrdiff_t at) {
            max_of_windows(source, taps, count, n, output + at, indices + at);
        },
        [&](std::ptrdiff_t row, std::ptrdiff_t n) {
            if (g.h.padding == 0 && g.w.padding == 0) return;
            // Where nothing is above -inf, padding that comes first in the window has won over the input.
            for (std::ptrdiff_t r = row; r < row + n; ++r) {
                const std::ptrdiff_t at = r * g.w.output, kh = first_tap(g.h, r % g.h.output);
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

// Where the windows of a pooling lie in their image.
class WindowPositions {
  public:
    explicit WindowPositions(const PoolGeometry& g)
        : g_(g), rows_(g.h), columns_(g.w), block_(g.h.kernel * g.w.kernel * sizeof(std::ptrdiff_t)) {
        offsets_ = static_cast<std::ptrdiff_t*>(block_.data());
        for (std::ptrdiff_t kh = 0; kh < g.h.kernel; ++kh) {
            for (std::ptrdiff_t kw = 0; kw < g.w.kernel; ++kw) {
                offsets_[kh * g.w.kernel + kw] = kh * g.h.dilation * g.w.input + kw * g.w.dilation;
            }
        }
    }

    // Calls body(window, element of the input that its index names, or -1) for the windows of an image in their order.
    template <class Index, class Body>
    void for_each(std::ptrdiff_t image, const Index* indices, const Body& body) const {
        const std::ptrdiff_t first = image * g_.h.input * g_.w.input, outputs = g_.w.output;
        const auto taps = static_cast<std::uint32_t>(g_.h.kernel * g_.w.kernel);
        for (std::ptrdiff_t oh = 0; oh < g_.h.output; ++oh) {
            const bool row_inside = rows_.begin <= oh && oh < rows_.end;
            const std::ptrdiff_t begin = row_inside ? columns_.begin : outputs;
            const std::ptrdiff_t end = row_inside ? columns_.end : outputs;
            const std::ptrdiff_t window = (image * g_.h.output + oh) * outputs;
            const auto careful = [&](std::ptrdiff_t ow) {
                const std::ptrdiff_t element = named_element(g_, oh, ow, indices[window + ow]);
                body(window + ow, element < 0 ? -1 : first + element);
            };
            for (std::ptrdiff_t ow = 0; ow < begin; ++ow) careful(ow);
            std::ptrdiff_t corner = first + (oh * g_.h.stride - g_.h.padding) * g_.w.input - g_.w.padding;
            corner += begin * g_.w.stride;
            for (std::ptrdiff_t ow = begin; ow < end; ++ow, corner += g_.w.stride) {
                const auto tap = static_cast<std::uint32_t>(indices[window + ow]);
                body(window + ow, corner + offsets_[tap < taps ? tap : 0]);
            }
            for (std::ptrdiff_t ow = end; ow < outputs; ++ow) careful(ow);
        }
    }

  private:
    // The windows of an axis that have no padding: [begin, end).
    struct Inside {
        std::ptrdiff_t begin, end;

        explicit Inside(const PoolAxis& axis) {
            const std::ptrdiff_t room = axis.input + axis.padding - axis.dilation * (axis.kernel - 1) - 1;
            begin = smaller(ceil_div(axis.padding, axis.stride), axis.output);
            end = larger(smaller(room < 0 ? 0 : room / axis.stride + 1, axis.output), begin);
        }
    };

    PoolGeometry g_;
    Inside rows_, columns_;
    Scratch block_;
    std::ptrdiff_t* offsets_;  // of the taps from the first element of their window
};

constexpr double scalar_work = 8;  // of one step of the loop above

// The windows of an image, one after another, add to the elements they name.
template <class T, class Index>
void scatter(const PoolGeometry& g, const T* grad_output, const Index* indices, T* grad_input) {
    const WindowPositions positions(g);
    const std::ptrdiff_t elements = g.h.input * g.w.input;
    const double work = static_cast<double>(elements) + scalar_work * (g.h.output * g.w.output);
    parallel_for(g.planes, work, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t image = begin; image < end; ++image) {
            std::memset(grad_input + image * elements, 0, elements * sizeof(T));
            positions.for_each(image, indices, [=](std::ptrdiff_t window, std::ptrdiff_t element) {
                if (element >= 0) grad_input[element] += grad_output[window];
            });
        }
    });
}

// The same for windows of 2x2 with stride 2, whose indices are 0 1 / 2 3: every element asks the only window it has.
template <class T>
void scatter_pairs(const PoolGeometry& g, const T* grad_output, const std::uint8_t* indices, T* grad_input) {
    using V = Vec<T>;
    const std::ptrdiff_t outputs = g.w.output, width = g.w.input;
    const auto write_two_rows = [=](const T* grad, const std::uint8_t* index, T* rows) {
        for (std::ptrdiff_t ow = 0; ow < outputs; ow += V::size) {
            const int n = static_cast<int>(smaller(outputs - ow, V::size));
            const V value = V::load_partial(grad + ow, n), tap = V::load_bytes(index + ow, n);
            for (int kh = 0; kh < 2; ++kh) {
                const V left = select(eq(tap, V::set1(static_cast<T>(2 * kh))), value, V::zero());
                const V right = select(eq(tap, V::set1(static_cast<T>(2 * kh + 1))), value, V::zero());
                V a, b;
                interleave(left, right, a, b);
                store(a, rows + kh * width, 2 * ow, 2 * outputs);
                store(b, rows + kh * width, 2 * ow + V::size, 2 * outputs);
            }
        }
        if (2 * outputs < width) {
            fill(rows + 2 * outputs, width - 2 * outputs, T(0));
            fill(rows + width + 2 * outputs, width - 2 * outputs, T(0));
        }
    };
    parallel_for(g.planes, 2.0 * (g.h.input * width), [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t image = begin; image < end; ++image) {
            T* to = grad_input + image * g.h.input * width;
            for (std::ptrdiff_t oh = 0; oh < g.h.output; ++oh, to += 2 * width) {
                const std::ptrdiff_t window = (image * g.h.output + oh) * outputs;
                write_two_rows(grad_output + window, indices + window, to);
            }
            fill(to, (g.h.input - 2 * g.h.output) * width, T(0));
        }
    });
}

// Whether the windows divide the input into pairs, save for a last element.
inline bool in_pairs(const PoolAxis& axis) {
    return axis.kernel == 2 && axis.stride == 2 && axis.dilation == 1 && axis.padding == 0 &&
           2 * axis.output <= axis.input;
}

template <class T, class Index>
void max_pool2d_backward(const PoolGeometry& g, const T* grad_output, const Index* indices, T* grad_input) {
    if constexpr (sizeof(Index) == 1) {
        if (in_pairs(g.h) && in_pairs(g.w)) return scatter_pairs(g, grad_output, indices, grad_input);
    }
    scatter(g, grad_output, indices, grad_input);
}

template <class T, class Index>
void max_pool2d_gather(const PoolGeometry& g, const T* input, const Index* indices, T* output) {
    const WindowPositions positions(g);
    const double work = scalar_work * (g.h.output * g.w.output);
    parallel_for(g.planes, work, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t image = begin; image < end; ++image) {
            positions.for_each(image, indices, [=](std::ptrdiff_t window, std::ptrdiff_t element) {
                output[window] = element < 0 ? T(0) : input[element];
            });
        }
    });
}

}  // namespace
}  // namespace mt
