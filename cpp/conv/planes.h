// Shifted planes: the one form in which all three kernels read an image.
//
// A block of channels of one image (or of a few small images side by side) is copied so that every tap of the kernel
// becomes a constant distance, and the output pixels it meets are contiguous. For each channel, each vertical stride
// phase and each column tap there is a plane of [rows][images][output columns]:
//
//   plane(c, phase, b)[row][n][j] = source[n][c][step*row + residue][step*j + first + b*spacing], zeros outside
//
// Rows need no copy each: tap a reads the same plane shift(a) rows further down. So
//
//   source seen by tap (c, a, b) at the output pixel p = (i, n, j)  =  planes[offset(c, a, b) + p]
//
// with p running over [0, outputs*images*columns) without gaps, whatever the stride, dilation and padding. That is the
// im2col matrix with its rows overlapping: KH times smaller, and written for one cache-sized block at a time.
#pragma once

#include <cstring>

#include "conv/axis.h"
#include "simd.h"

namespace mt {
namespace {

struct PlaneLayout {
    Axis rows, columns;
    Index images;    // side by side in a plane
    Index band;      // output rows that the planes serve
    Index channels;  // at most, in one block

    Index pitch() const { return images * columns.outputs; }
    Index height() const { return band + rows.highest_shift() - rows.lowest_shift(); }
    Index plane() const { return height() * pitch(); }
    Index channel() const { return rows.phases() * columns.taps * plane(); }
    Index offset(Index c, Index a, Index b) const {
        return c * channel() + (rows.phase(a) * columns.taps + b) * plane() +
               (rows.shift(a) - rows.lowest_shift()) * pitch();
    }
    void fill_offsets(Index* offsets) const {
        for (Index c = 0; c < channels; ++c) {
            for (Index a = 0; a < rows.taps; ++a) {
                for (Index b = 0; b < columns.taps; ++b) *offsets++ = offset(c, a, b);
            }
        }
    }
    // Elements of workspace in which a source is split into its column phases, if there are several.
    Index split() const {
        return columns.step == 1 ? 0 : height() * columns.phases() * ceil_div(columns.source, columns.step);
    }
};

// Small enough for the L2 cache, with room for weights; enough pixels to make good use of each weight.
template <class T>
PlaneLayout choose_layout(const Axis& rows, const Axis& columns, Index images, Index channels) {
    constexpr Index plane_elements = (Index{256} << 10) / sizeof(T);
    constexpr Index band_pixels = 1024;
    constexpr Index few_pixels = 6 * Vec<T>::size;  // of which too many would be in partly filled vectors
    PlaneLayout layout{rows, columns, 1, rows.outputs, 1};
    const Index pixels = rows.outputs * columns.outputs;
    if (pixels < few_pixels) layout.images = smaller(images, ceil_div(few_pixels, pixels));
    layout.band = even_part(rows.outputs, ceil_div(pixels, band_pixels));
    const Index fitting = larger(1, plane_elements / larger(1, layout.channel()));
    layout.channels = even_part(channels, ceil_div(channels, fitting));
    return layout;
}

// Copies a rows x columns matrix.
template <class T>
void copy_rows(const T* from, Index from_pitch, T* to, Index to_pitch, Index rows, Index columns) {
    using V = Vec<T>;
    const Index whole = columns - columns % V::size;
    const int rest = static_cast<int>(columns % V::size);
    for (Index row = 0; row < rows; ++row, from += from_pitch, to += to_pitch) {
        for (Index j = 0; j < whole; j += V::size) V::load(from + j).store(to + j);
        if (rest) V::load_partial(from + whole, rest).store_partial(to + whole, rest);
    }
}

// Splits rows into column phases: [phase][row][column / step].
template <class T>
void split_columns(const Axis& columns, const T* from, Index from_pitch, Index rows, T* to) {
    const Index width = ceil_div(columns.source, columns.step);
    for (Index phase = 0; phase < columns.phases(); ++phase) {
        const T* row = from + columns.residue(phase);
        const Index count = ceil_div(columns.source - columns.residue(phase), columns.step);
        for (Index r = 0; r < rows; ++r, row += from_pitch, to += width) {
            for (Index j = 0; j < count; ++j) to[j] = row[j * columns.step];
        }
    }
}

// Fills the planes of `channels` channels for output rows [top, top + band). The columns outside of the source are
// never written: the planes must be zero before their first use.
template <class T>
class PlaneFiller {
  public:
    PlaneFiller(const PlaneLayout& layout, T* planes, T* split) : layout_(layout), planes_(planes), split_(split) {}

    // source is the first channel of the first image; images may be fewer than the layout's, the others keep what
    // they had.
    void fill(const T* source, Index image_pitch, Index images, Index channel_pitch, Index channels, Index top) const {
        const Axis& rows = layout_.rows;
        for (Index c = 0; c < channels; ++c) {
            for (Index phase = 0; phase < rows.phases(); ++phase) {
                T* planes = planes_ + c * layout_.channel() + phase * layout_.columns.taps * layout_.plane();
                // Plane row r holds source row step*(top + lowest_shift + r) + residue, for those inside the source.
                const Index start = rows.step * (top + rows.lowest_shift()) + rows.residue(phase);
                const Index begin = smaller(layout_.height(), start < 0 ? ceil_div(-start, rows.step) : 0);
                const Index end = larger(begin, smaller(layout_.height(), ceil_div(rows.source - start, rows.step)));
                clear_rows(planes, 0, begin);
                clear_rows(planes, end, layout_.height());
                const Index row = start + begin * rows.step;
                for (Index n = 0; n < images && begin < end; ++n) {
                    const T* from = source + n * image_pitch + c * channel_pitch + row * layout_.columns.source;
                    fill_image(from, planes + begin * layout_.pitch() + n * layout_.columns.outputs, end - begin);
                }
            }
        }
    }

  private:
    void clear_rows(T* planes, Index begin, Index end) const {
        if (begin == end) return;
        for (Index b = 0; b < layout_.columns.taps; ++b) {
            std::memset(planes + b * layout_.plane() + begin * layout_.pitch(), 0,
                        sizeof(T) * (end - begin) * layout_.pitch());
        }
    }

    void fill_image(const T* from, T* to, Index rows) const {
        const Axis& columns = layout_.columns;
        const Index width = ceil_div(columns.source, columns.step);  // of a source row in its phase
        Index from_pitch = layout_.rows.step * columns.source;
        if (columns.step > 1) {
            split_columns(columns, from, from_pitch, rows, split_);
            from = split_;
            from_pitch = width;
        }
        for (Index b = 0; b < columns.taps; ++b, to += layout_.plane()) {
            const Index phase = columns.phase(b), shift = columns.shift(b);
            const Index length = ceil_div(columns.source - columns.residue(phase), columns.step);
            const Index begin = larger(0, -shift), end = smaller(columns.outputs, length - shift);
            if (begin >= end) continue;
            copy_rows(from + phase * rows * width + begin + shift, from_pitch, to + begin, layout_.pitch(), rows,
                      end - begin);
        }
    }

    PlaneLayout layout_;
    T* planes_;
    T* split_;
};

}  // namespace
}  // namespace mt
