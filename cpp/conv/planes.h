// Shifted planes: the one form in which all three kernels read an image.
//
// A block of channels of one image (or of a few small images side by side) is copied so that every tap of the kernel
// becomes a constant distance, and the output pixels it meets are contiguous. For each channel, each vertical phase of
// the stride and each column tap there is a plane of [rows][images][output columns]:
//
//   plane(c, phase, b)[row][n][j] = source[n][c][step*row + begin(phase)][step*j + first + b*spacing], zeros outside
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
#include "memory.h"
#include "simd.h"

namespace mt {
namespace {

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

// Copies every step-th element.
template <class T>
MT_INLINE void copy_every(Index step, const T* from, Index count, T* to) {
    for (Index j = 0; j < count; ++j) to[j] = from[j * step];
}

// The layout of the planes, chosen by the shape alone, and the tables that go with it. The planes themselves are in a
// workspace that each thread has for itself.
template <class T>
class Planes {
  public:
    const Axis rows, columns;
    const Index images;    // side by side in a plane
    const Index band;      // output rows that one filling serves
    const Index height;    // rows of a plane
    const Index pitch;     // from row to row
    const Index plane;     // elements of a plane
    const Index channel;   // elements of a channel
    const Index channels;  // at most, in one filling

    Planes(const Axis& rows, const Axis& columns, Index images, Index channels)
        : rows(rows),
          columns(columns),
          images(choose_images(rows.outputs * columns.outputs, images)),
          band(even_part(rows.outputs, ceil_div(rows.outputs * columns.outputs, band_pixels))),
          height(band + rows.shift_range),
          pitch(this->images * columns.outputs),
          plane(height * pitch),
          channel(rows.phases * columns.taps * plane),
          channels(even_part(channels, ceil_div(channels, larger(1, block_elements / larger(1, channel))))),
          tables_(sizeof(Index) * this->channels * taps() + sizeof(ColumnCopy) * columns.taps) {
        fill_offsets();
        fill_copies();
    }

    Index taps() const { return rows.taps * columns.taps; }
    Index pixels() const { return band * pitch; }
    // offsets()[k] is the distance of tap k = (c, a, b).
    const Index* offsets() const { return static_cast<const Index*>(tables_.data()); }
    Index workspace() const { return split() + split_height() * columns.phases * phase_width(); }

    // What lies outside of the source is never written: the workspace must be zero before its first use.
    void clear(T* workspace) const { std::memset(workspace, 0, sizeof(T) * split()); }

    // Fills the planes for output rows [top, top + band). `source` is the first of the channels in the first of the
    // images, which may be fewer than the planes have room for: the others keep what they had.
    void fill(T* workspace, const T* source, Index image_pitch, Index images, Index channels, Index top) const {
        for (Index phase = 0; phase < rows.phases; ++phase) {
            // Row r of a plane holds the source row step*r + start; rows [begin, end) are inside the source.
            const Index start = rows.step * (top + rows.lowest_shift) + rows.begin(phase);
            const Index begin = smaller(height, start < 0 ? ceil_div(-start, rows.step) : 0);
            const Index end = larger(begin, smaller(height, ceil_div(rows.source - start, rows.step)));
            for (Index c = 0; c < channels; ++c) {
                T* planes = workspace + c * channel + phase * columns.taps * plane;
                if (band < rows.outputs) {  // else these rows are zero since the beginning, as the columns are
                    clear_rows(planes, 0, begin);
                    clear_rows(planes, end, height);
                }
                const T* from = source + (c * rows.source + start + begin * rows.step) * columns.source;
                for (Index n = 0; n < images && begin < end; ++n) {
                    fill_image(from + n * image_pitch, planes + begin * pitch + n * columns.outputs, end - begin,
                               workspace + split());
                }
            }
        }
    }

  private:
    // Small enough for the L2 cache, with room for weights; enough pixels to make good use of each weight.
    static constexpr Index block_elements = (Index{256} << 10) / sizeof(T);
    static constexpr Index band_pixels = 1024;
    // Vectors that are read from a plane may reach beyond its end, by less than their size.
    static constexpr Index slack = Vec<T>::size;

    // With few pixels to an image, too many would be in partly filled vectors.
    static Index choose_images(Index pixels, Index images) {
        constexpr Index few = 6 * Vec<T>::size;
        return pixels < few ? smaller(images, ceil_div(few, pixels)) : 1;
    }

    struct ColumnCopy {
        Index from, to, count;  // of a source row (split into phases, if there are any) and of a plane's row
    };

    Index split() const { return round_up(channels * channel + slack, 16); }
    // A source with a horizontal stride is first split into its phases.
    Index phase_width() const { return ceil_div(columns.source, columns.step); }
    Index split_height() const { return columns.step > 1 ? height : 0; }
    ColumnCopy* copies() const {
        return reinterpret_cast<ColumnCopy*>(static_cast<Index*>(tables_.data()) + channels * taps());
    }

    void fill_offsets() {
        Index* offsets = static_cast<Index*>(tables_.data());
        for (Index a = 0; a < rows.taps; ++a) {
            const Index row = a % rows.phases * columns.taps * plane + (rows.shift(a) - rows.lowest_shift) * pitch;
            for (Index b = 0; b < columns.taps; ++b) offsets[a * columns.taps + b] = row + b * plane;
        }
        const Index known = taps();
        for (Index k = known; k < channels * known; ++k) offsets[k] = offsets[k - known] + channel;
    }

    void fill_copies() {
        for (Index b = 0; b < columns.taps; ++b) {
            const Index phase = b % columns.phases, shift = columns.shift(b);
            const Index length = ceil_div(columns.source - columns.begin(phase), columns.step);
            const Index begin = larger(0, -shift), end = smaller(columns.outputs, length - shift);
            copies()[b] = {phase * phase_width() + begin + shift, begin, larger(0, end - begin)};
        }
    }

    void clear_rows(T* planes, Index begin, Index end) const {
        if (begin == end) return;
        for (Index b = 0; b < columns.taps; ++b) {
            std::memset(planes + b * plane + begin * pitch, 0, sizeof(T) * (end - begin) * pitch);
        }
    }

    void fill_image(const T* from, T* to, Index rows_inside, T* split) const {
        Index from_pitch = rows.step * columns.source;
        if (columns.step > 1) {
            split_columns(from, from_pitch, rows_inside, split);
            from = split;
            from_pitch = columns.phases * phase_width();
        }
        for (Index b = 0; b < columns.taps; ++b, to += plane) {
            const ColumnCopy& copy = copies()[b];
            copy_rows(from + copy.from, from_pitch, to + copy.to, pitch, rows_inside, copy.count);
        }
    }

    // Splits rows into the phases of their columns: [row][phase][column / step].
    void split_columns(const T* from, Index from_pitch, Index rows, T* to) const {
        const Index width = phase_width();
        for (Index phase = 0; phase < columns.phases; ++phase) {
            const Index begin = columns.begin(phase), count = ceil_div(columns.source - begin, columns.step);
            for (Index row = 0; row < rows; ++row) {
                const T* elements = from + row * from_pitch + begin;
                T* place = to + (row * columns.phases + phase) * width;
                switch (columns.step) {  // for the usual strides the compiler can vectorise
                    case 2:
                        copy_every(2, elements, count, place);
                        break;
                    case 4:
                        copy_every(4, elements, count, place);
                        break;
                    default:
                        copy_every(columns.step, elements, count, place);
                }
            }
        }
    }

    const Scratch tables_;
};

}  // namespace
}  // namespace mt
