// Strips: rows of Winograd tiles next to each other, of a vector of channels. The channels are the lanes, so that a
// transform is arithmetic on whole vectors.
//
//   pixels  [row][column][lane]       a strip of an image, with zeros outside; neighbouring tiles overlap
//   values  [point][tile][lane]       its tiles transformed; the pitches of points and tiles are the caller's
#pragma once

#include <cstring>

#include "conv/axis.h"
#include "conv/winograd_matrices.h"
#include "gemm/pack.h"
#include "simd.h"

namespace mt {
namespace {

constexpr Index strip_lanes = Vec<float>::size;
constexpr Index winograd_values = winograd_size * winograd_size;  // of a tile

// A part of an image: its pixel (0, 0) is the image's (top, left), which may lie outside.
struct Window {
    Index top, left, rows, columns;
};

// The tiles of all images, a strip after the other. A strip has at most `longest` tiles, all of one row of an image.
struct Tiling {
    Index size;             // output pixels of a tile's row
    Index across, down;     // tiles of an image
    Index longest, strips;  // tiles of a strip, strips of a row
    Index count;            // of strips in all

    struct Strip {
        Index image, top, left, tiles;  // (top, left) is the first output pixel
    };

    Tiling(Index size, Index images, Index rows, Index columns, Index longest)
        : size(size),
          across(ceil_div(columns, size)),
          down(ceil_div(rows, size)),
          longest(even_part(across, ceil_div(across, longest))),
          strips(ceil_div(across, this->longest)),
          count(images * down * strips) {}

    Strip strip(Index i) const {
        const Index first = i % strips * longest, row = i / strips;
        return {row / down, row % down * size, first * size, smaller(longest, across - first)};
    }
    Index tiles_before(Index strip) const { return strip / strips * across + strip % strips * longest; }
};

// Where the values of the tiles lie.
struct ValuePitch {
    Index point, tile;
};

// Reads `channels` (at most `strip_lanes`) channels of an image of height x width.
inline void read_window(const float* image, Index height, Index width, Index channels, const Window& w, float* pixels) {
    const Index begin = smaller(w.columns, larger(0, -w.left));
    const Index end = larger(begin, smaller(w.columns, width - w.left));
    for (Index row = 0; row < w.rows; ++row, pixels += w.columns * strip_lanes) {
        const Index y = w.top + row;
        if (y < 0 || y >= height || begin == end) {
            std::memset(pixels, 0, sizeof(float) * w.columns * strip_lanes);
            continue;
        }
        std::memset(pixels, 0, sizeof(float) * begin * strip_lanes);
        const Strided<float> source{image + y * width + w.left + begin, height * width, 1};
        pack_panel(source, static_cast<int>(channels), end - begin, pixels + begin * strip_lanes, strip_lanes);
        std::memset(pixels + end * strip_lanes, 0, sizeof(float) * (w.columns - end) * strip_lanes);
    }
}

// Writes `count` pixels, one after the other, to `channels` channels that are `pitch` apart.
inline void write_pixels(const float* pixels, Index count, Index channels, float* to, Index pitch) {
    using V = Vec<float>;
    for (Index first = 0; first < count; first += strip_lanes) {
        const int here = static_cast<int>(smaller(strip_lanes, count - first));
        V square[strip_lanes];
#pragma GCC unroll 16
        for (int i = 0; i < strip_lanes; ++i)
            square[i] = i < here ? V::load(pixels + (first + i) * strip_lanes) : V::zero();
        transpose_square<float>(square);
#pragma GCC unroll 16
        for (int channel = 0; channel < strip_lanes; ++channel) {
            if (channel < channels) square[channel].store_partial(to + channel * pitch + first, here);
        }
    }
}

// write(row, Σ_k matrix[row][k] * read(k)) for each row of the matrix.
template <class Transform, class Read, class Write>
MT_INLINE void transform(const Read& read, const Write& write) {
    using V = Vec<float>;
    constexpr auto& matrix = Transform::matrix;
    V in[matrix.columns];
#pragma GCC unroll 8
    for (int k = 0; k < matrix.columns; ++k) in[k] = read(k);
#pragma GCC unroll 8
    for (int row = 0; row < matrix.rows; ++row) {
        V sum = V::zero();
#pragma GCC unroll 8
        for (int k = 0; k < matrix.columns; ++k) {
            if (matrix.at[row][k] != 0) sum = fma(V::set1(static_cast<float>(matrix.at[row][k])), in[k], sum);
        }
        write(row, sum);
    }
}

// The width of a strip of tiles that begin `step` columns after each other.
constexpr Index strip_columns(Index tiles, Index step, Index width) { return (tiles - 1) * step + width; }

// Transforms pixels to values. `room` is for winograd_size rows of pixels. `largest` learns of the pixels' magnitudes.
template <class Transform, int Step>
void transform_strip(const float* pixels, Index tiles, float* room, float* values, ValuePitch pitch,
                     Vec<float>& largest) {
    using V = Vec<float>;
    const Index row = strip_columns(tiles, Step, Transform::matrix.columns) * strip_lanes;
    V most = largest;
    for (Index x = 0; x < row; x += strip_lanes) {
        transform<Transform>(
            [&](int k) {
                const V pixel = V::load(pixels + k * row + x);
                most = max(abs(pixel), most);
                return pixel;
            },
            [&](int i, V sum) { sum.store(room + i * row + x); });
    }
    largest = most;
    for (Index tile = 0; tile < tiles; ++tile, values += pitch.tile) {
        for (Index i = 0; i < winograd_size; ++i) {
            const float* from = room + i * row + tile * Step * strip_lanes;
            float* to = values + i * winograd_size * pitch.point;
            transform<Transform>([&](int k) { return V::load(from + k * strip_lanes); },
                                 [&](int j, V sum) { sum.store(to + j * pitch.point); });
        }
    }
}

// Transforms values to pixels, which don't overlap. `room` is for winograd_size rows of pixels.
template <class Transform>
void restore_strip(const float* values, ValuePitch pitch, Index tiles, float* room, float* pixels) {
    using V = Vec<float>;
    const Index width = Transform::matrix.rows * strip_lanes, row = tiles * width;
    for (Index tile = 0; tile < tiles; ++tile, values += pitch.tile) {
        for (Index i = 0; i < winograd_size; ++i) {
            const float* from = values + i * winograd_size * pitch.point;
            float* to = room + i * row + tile * width;
            transform<Transform>([&](int k) { return V::load(from + k * pitch.point); },
                                 [&](int j, V sum) { sum.store(to + j * strip_lanes); });
        }
    }
    for (Index x = 0; x < row; x += strip_lanes) {
        transform<Transform>([&](int k) { return V::load(room + k * row + x); },
                             [&](int i, V sum) { sum.store(pixels + i * row + x); });
    }
}

}  // namespace
}  // namespace mt
