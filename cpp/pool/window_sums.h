// The adjoint of summing windows: each element of the input sums over the windows that read it. No element is written
// twice, so overlapping windows don't race, and nothing has to be cleared first.
#pragma once

#include "pool/strips.h"

namespace mt {
namespace {

template <class T>
struct WindowSums {
    Phases h, w;
    std::ptrdiff_t columns;      // elements in a row of a phase that are computed
    std::ptrdiff_t pitch;        // from one row to the next, of windows and of phases
    std::ptrdiff_t rows;         // rows of a phase in a strip
    std::ptrdiff_t phase_size;   // from one phase to the next
    std::ptrdiff_t window_size;  // of the numbers for the windows, with a margin of reach() rows and columns

    explicit WindowSums(const PoolGeometry& g) : h(g.h), w(g.w) {
        columns = ceil_div(w.axis.input + w.axis.padding, w.axis.stride);
        pitch = columns + w.reach();
        rows = rows_in_strip((1 + h.count * w.count) * pitch * sizeof(T), h.reach(), phase_rows());
        phase_size = rows * pitch + Vec<T>::size;
        window_size = (rows + h.reach()) * pitch + Vec<T>::size;
    }
    std::ptrdiff_t phase_rows() const { return ceil_div(h.axis.input + h.axis.padding, h.axis.stride); }

    // offsets[...] = how far the windows that read an element are from it: phase by phase, in the order of the windows.
    void list_offsets(std::ptrdiff_t* offsets) const {
        for (std::ptrdiff_t j = 0; j < h.count * w.count; ++j) {
            const std::ptrdiff_t jh = j / w.count, jw = j % w.count;
            for (std::ptrdiff_t kh = jh + (h.axis.kernel - 1 - jh) / h.count * h.count; kh >= 0; kh -= h.count) {
                for (std::ptrdiff_t kw = jw + (w.axis.kernel - 1 - jw) / w.count * w.count; kw >= 0; kw -= w.count) {
                    *offsets++ = (h.reach() - h.shift(kh)) * pitch + w.reach() - w.shift(kw);
                }
            }
        }
    }

    // Lays out `n` rows of windows, from row `oh` of an image on: load(row, windows, to) writes numbers for the first
    // windows of a row, or of several rows, where the rows of all images are counted. Outside of the output they are 0.
    template <class Load>
    void load_windows(std::ptrdiff_t image, std::ptrdiff_t oh, std::ptrdiff_t n, const Load& load, T* to) const {
        const std::ptrdiff_t outputs = w.axis.output, margin = w.reach(), windows = smaller(outputs, columns);
        const std::ptrdiff_t begin = smaller(larger(-oh, 0), n), end = larger(smaller(h.axis.output - oh, n), begin);
        const std::ptrdiff_t first = image * h.axis.output + oh;
        fill(to, begin * pitch, T(0));
        fill(to + end * pitch, (n - end) * pitch, T(0));
        if (pitch == outputs) return load(first + begin, (end - begin) * outputs, to + begin * pitch);
        for (std::ptrdiff_t r = begin; r < end; ++r) {
            T* row = to + r * pitch;
            fill(row, margin, T(0));
            load(first + r, windows, row + margin);
            fill(row + margin + windows, columns - windows, T(0));
        }
    }

    // sums[i] = the sum of windows[i + offset] over the offsets of each phase, 0 <= i < n.
    void sum(const T* windows, const std::ptrdiff_t* offsets, std::ptrdiff_t n, T* sums) const {
        for (std::ptrdiff_t j = 0; j < h.count * w.count; ++j, sums += phase_size) {
            const std::ptrdiff_t count =
                ceil_div(h.axis.kernel - j / w.count, h.count) * ceil_div(w.axis.kernel - j % w.count, w.count);
            for (std::ptrdiff_t i = 0; i < n; i += Vec<T>::size) {
                Vec<T> total = Vec<T>::load(windows + i + offsets[0]);
                for (std::ptrdiff_t t = 1; t < count; ++t) total = total + Vec<T>::load(windows + i + offsets[t]);
                total.store(sums + i);
            }
            offsets += count;
        }
    }

    // Writes the rows of an image that the strip of `n` phase rows from `q` on consists of.
    void pack(const T* sums, std::ptrdiff_t q, std::ptrdiff_t n, const RowPhases<T>& row_phases, T* image) const {
        const std::ptrdiff_t width = w.axis.input, stride = h.axis.stride;
        if (h.count < stride) {  // no tap reads some of the rows
            const std::ptrdiff_t begin = larger(q * stride - h.axis.padding, 0);
            const std::ptrdiff_t end = smaller((q + n) * stride - h.axis.padding, h.axis.input);
            fill(image + begin * width, (end - begin) * width, T(0));
        }
        for (std::ptrdiff_t j = 0; j < h.count; ++j, sums += w.count * phase_size) {
            for (std::ptrdiff_t r = 0; r < n; ++r) {
                const std::ptrdiff_t row = h.start(j) + (q + r) * stride;
                if (row >= 0 && row < h.axis.input) row_phases.pack(sums + r * pitch, image + row * width);
            }
        }
    }
};

// grad_input[element] = the sum of the numbers that load (see above) writes for the windows that read the element, in
// the order of these windows.
template <class T, class Load>
void sum_over_windows(const PoolGeometry& geometry, T* grad_input, const Load& load) {
    const PoolGeometry g = end_to_end(geometry);
    if (g.planes * g.h.input * g.w.input == 0) return;
    const WindowSums<T> s(g);
    const RowPhases<T> row_phases(s.w, s.columns, s.phase_size);
    const std::ptrdiff_t taps = g.h.kernel * g.w.kernel, phases = s.h.count * s.w.count;
    const Scratch offset_block(taps * sizeof(std::ptrdiff_t));
    auto* offsets = static_cast<std::ptrdiff_t*>(offset_block.data());
    s.list_offsets(offsets);
    const double work = static_cast<double>(s.rows * s.pitch * (taps + 2 * phases));
    for_each_strip<T>(g.planes, s.phase_rows(), s.rows, work, s.window_size + phases * s.phase_size,
                      [&](std::ptrdiff_t image, std::ptrdiff_t q, std::ptrdiff_t n, T* windows) {
                          T* sums = windows + s.window_size;
                          s.load_windows(image, q - s.h.reach(), n + s.h.reach(), load, windows);
                          s.sum(windows, offsets, n * s.pitch, sums);
                          s.pack(sums, q, n, row_phases, grad_input + image * g.h.input * g.w.input);
                      });
}

}  // namespace
}  // namespace mt
