// The adjoint of a pooling: each element of the input sums over the windows that read it. No element is written twice,
// so overlapping windows don't race, and nothing has to be cleared first.
#pragma once

#include "pool/strips.h"

namespace mt {
namespace {

// A tap from the view of the element that it reads: how far the window is from the element in the workspace.
template <class T>
struct Tap {
    std::ptrdiff_t offset;
    T index;
};

template <class T>
struct WindowSums {
    Phases h, w;
    std::ptrdiff_t columns;     // elements in a row of a phase that are computed
    std::ptrdiff_t pitch;       // from one row to the next, in fields and in phases
    std::ptrdiff_t rows;        // rows of a phase in a strip
    std::ptrdiff_t field_size;  // a field has a number for each window, with reach() rows and columns of margin
    std::ptrdiff_t phase_size;

    WindowSums(const PoolGeometry& g, std::ptrdiff_t fields) : h(g.h), w(g.w) {
        columns = ceil_div(w.axis.input + w.axis.padding, w.axis.stride);
        pitch = columns + w.reach();
        const std::ptrdiff_t row_bytes = (fields + h.count * w.count) * pitch * sizeof(T);
        rows = rows_in_strip(row_bytes, h.reach(), phase_rows());
        field_size = (rows + h.reach()) * pitch + Vec<T>::size;
        phase_size = rows * pitch + Vec<T>::size;
    }
    std::ptrdiff_t phase_rows() const { return ceil_div(h.axis.input + h.axis.padding, h.axis.stride); }
    std::ptrdiff_t taps() const { return h.axis.kernel * w.axis.kernel; }

    // Phase by phase and, within a phase, in the order of the windows that read an element: the last tap first.
    void list_taps(Tap<T>* taps) const {
        for (std::ptrdiff_t j = 0; j < h.count * w.count; ++j) {
            const std::ptrdiff_t jh = j / w.count, jw = j % w.count;
            for (std::ptrdiff_t kh = jh + (h.axis.kernel - 1 - jh) / h.count * h.count; kh >= 0; kh -= h.count) {
                for (std::ptrdiff_t kw = jw + (w.axis.kernel - 1 - jw) / w.count * w.count; kw >= 0; kw -= w.count) {
                    const std::ptrdiff_t offset = (h.reach() - h.shift(kh)) * pitch + w.reach() - w.shift(kw);
                    *taps++ = {offset, static_cast<T>(kh * w.axis.kernel + kw)};
                }
            }
        }
    }

    // sums[i] = the sum of term(field + i + tap.offset, tap.index) over the taps of each phase, 0 <= i < n.
    template <class Term>
    void sum(const T* field, const Tap<T>* taps, std::ptrdiff_t n, T* sums, const Term& term) const {
        for (std::ptrdiff_t jh = 0; jh < h.count; ++jh) {
            for (std::ptrdiff_t jw = 0; jw < w.count; ++jw, sums += phase_size) {
                const Tap<T>* const end =
                    taps + ceil_div(h.axis.kernel - jh, h.count) * ceil_div(w.axis.kernel - jw, w.count);
                for (std::ptrdiff_t i = 0; i < n; i += Vec<T>::size) {
                    Vec<T> total = Vec<T>::zero();
                    for (const Tap<T>* tap = taps; tap < end; ++tap) {
                        total = total + term(field + i + tap->offset, tap->index);
                    }
                    total.store(sums + i);
                }
                taps = end;
            }
        }
    }

    // Writes the rows of an image that the strip of `n` phase rows from `q` on consists of.
    void pack(const T* sums, std::ptrdiff_t q, std::ptrdiff_t n, T* image) const {
        const std::ptrdiff_t width = w.axis.input, stride = h.axis.stride;
        if (h.count < stride) {  // no tap reads some of the rows
            const std::ptrdiff_t begin = larger(q * stride - h.axis.padding, 0);
            const std::ptrdiff_t end = smaller((q + n) * stride - h.axis.padding, h.axis.input);
            if (begin < end) std::memset(image + begin * width, 0, (end - begin) * width * sizeof(T));
        }
        for (std::ptrdiff_t j = 0; j < h.count; ++j, sums += w.count * phase_size) {
            for (std::ptrdiff_t r = 0; r < n; ++r) {
                const std::ptrdiff_t row = h.start(j) + (q + r) * stride;
                if (row >= 0 && row < h.axis.input) {
                    pack_row(sums + r * pitch, phase_size, w, columns, image + row * width);
                }
            }
        }
    }
};

// Calls load(image, oh, n, to, field_size) for the rows of windows of each strip, which writes the numbers of the row's
// first `n` windows to each field, and sums term(from, field_size, index) over the windows that read an element, where
// `from` points into the first field and `index` is the tap. Outside of the output the fields are 0.
template <class T, class Load, class Term>
void sum_over_windows(const PoolGeometry& g, std::ptrdiff_t fields, T* grad_input, const Load& load, const Term& term) {
    if (g.planes * g.h.input * g.w.input == 0) return;
    const WindowSums<T> s(g, fields);
    const Scratch tap_block(s.taps() * sizeof(Tap<T>));
    auto* taps = static_cast<Tap<T>*>(tap_block.data());
    s.list_taps(taps);
    const std::ptrdiff_t phases = s.h.count * s.w.count;
    const std::ptrdiff_t margin = s.w.reach(), windows = smaller(g.w.output, s.columns);
    const double work = static_cast<double>(s.rows * s.pitch * (s.taps() + phases + fields));
    for_each_strip<T>(g.planes, s.phase_rows(), s.rows, work, fields * s.field_size + phases * s.phase_size,
                      [&](std::ptrdiff_t image, std::ptrdiff_t q, std::ptrdiff_t n, T* field) {
                          for (std::ptrdiff_t r = 0; r < n + s.h.reach(); ++r) {
                              const std::ptrdiff_t oh = q - s.h.reach() + r;
                              T* row = field + r * s.pitch;
                              const bool inside = oh >= 0 && oh < g.h.output;
                              const std::ptrdiff_t loaded = inside ? windows : 0;
                              if (inside)
                                  load((image * g.h.output + oh) * g.w.output, loaded, row + margin, s.field_size);
                              for (std::ptrdiff_t f = 0; f < fields; ++f, row += s.field_size) {
                                  fill(row, margin, T(0));
                                  fill(row + margin + loaded, s.columns - loaded, T(0));
                              }
                          }
                          T* sums = field + fields * s.field_size;
                          s.sum(field, taps, n * s.pitch, sums,
                                [&](const T* from, T index) { return term(from, s.field_size, index); });
                          s.pack(sums, q, n, grad_input + image * g.h.input * g.w.input);
                      });
}

}  // namespace
}  // namespace mt
