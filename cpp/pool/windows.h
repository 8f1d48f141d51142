// The windows of a pooling, over phases of its input.
#pragma once

#include "pool/strips.h"

namespace mt {
namespace {

// The windows of a pooling, over phases of the input. For each strip, calls run(source, offsets, n, at) for runs of
// windows: tap t of window i reads source[offsets[t] + i] and the result belongs at output[at + i], 0 <= i < n. Up to a
// vector of the source may be read past the last. Then calls finish(first row, rows), where the rows of
// all images are counted.
template <class T, class Run, class Finish>
void for_each_window(const PoolGeometry& geometry, const T* input, T padding, const Run& run, const Finish& finish) {
    const PoolGeometry g = end_to_end(geometry);
    const Phases h(g.h), w(g.w);
    const std::ptrdiff_t outputs = g.planes * h.axis.output * w.axis.output, count = h.axis.kernel * w.axis.kernel;
    if (outputs == 0) return;
    const std::ptrdiff_t pitch = w.axis.output + w.reach(), phases = h.count * w.count;
    const std::ptrdiff_t rows = rows_in_strip(phases * pitch * sizeof(T), h.reach(), h.axis.output);
    const std::ptrdiff_t phase_size = (rows + h.reach()) * pitch + Vec<T>::size;
    const Scratch tap_block(count * sizeof(Tap<T>));
    auto* taps = static_cast<Tap<T>*>(tap_block.data());
    for (std::ptrdiff_t t = 0; t < count; ++t) {
        const std::ptrdiff_t kh = t / w.axis.kernel, kw = t % w.axis.kernel;
        const Bits<T> index = static_cast<Bits<T>>(t);
        taps[t].offset = (kh % h.count * w.count + kw % w.count) * phase_size + h.shift(kh) * pitch + w.shift(kw);
        std::memcpy(&taps[t].index, &index, sizeof(T));
    }
    const RowPhases<T> row_phases(w, pitch, phase_size);
    const double work = 3.0 * (rows * w.axis.output * (count + 2));
    for_each_strip<T>(
        g.planes, h.axis.output, rows, work, phases * phase_size + 2 * Vec<T>::size,
        [&](std::ptrdiff_t image, std::ptrdiff_t oh, std::ptrdiff_t n, T* source) {
            for (std::ptrdiff_t j = 0; j < h.count; ++j) {
                T* to = source + j * w.count * phase_size;
                for (std::ptrdiff_t q = oh; q < oh + n + h.reach(); ++q, to += pitch) {
                    const std::ptrdiff_t row = h.start(j) + q * h.axis.stride;
                    const bool inside = row >= 0 && row < h.axis.input;
                    const T* from = inside ? input + (image * h.axis.input + row) * w.axis.input : nullptr;
                    row_phases.unpack(from, padding, to);
                }
            }
            const std::ptrdiff_t at = (image * h.axis.output + oh) * w.axis.output;
            if (pitch == w.axis.output) {  // the rows of a phase follow each other without a gap, as in the output
                run(source, taps, count, n * pitch, at);
            } else {
                for (std::ptrdiff_t r = 0; r < n; ++r) {
                    run(source + r * pitch, taps, count, w.axis.output, at + r * w.axis.output);
                }
            }
            finish(image * h.axis.output + oh, n);
        });
}

}  // namespace
}  // namespace mt
