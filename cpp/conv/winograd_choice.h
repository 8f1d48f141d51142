// When Winograd's convolution is used: where it is faster, and where its numbers are safe.
//
// Its rounding errors are larger than the direct sum's, and relative to the largest numbers of a tile. Infinities, NaN
// and numbers near the ends of the exponent's range would spread over the tile. So each thread notes what it has seen,
// and the whole is computed again by the direct engine if that wasn't safe.
#pragma once

#include "conv/nonfinite.h"
#include "conv/winograd_matrices.h"
#include "memory.h"
#include "parallel.h"
#include "simd.h"

namespace mt {
namespace {

// Whether an axis has K taps next to each other and visits every pixel.
inline bool has_taps(const Axis& axis, Index taps) {
    return axis.taps == taps && axis.step == 1 && (axis.spacing == 1 || axis.spacing == -1);
}

// What there is to compute for a group.
struct Work {
    Index images, rows, columns;  // of outputs
    Index channels, outputs;
};

// Whether it is faster than the direct engine. The unit is a multiply-add of that. A number that is transformed costs
// as much as many of them, mostly for its way to memory and back: `of_tile` if it belongs to a tile, `of_tap` if to a
// tap.
inline bool winograd_pays(int taps, const Work& work, double of_tile) {
    constexpr double of_tap = 50;
    const Index size = winograd_size + 1 - taps;
    const double tiles = 1.0 * work.images * ceil_div(work.rows, size) * ceil_div(work.columns, size);
    const double pairs = 1.0 * work.channels * work.outputs;
    const double direct = pairs * taps * taps * work.images * work.rows * work.columns;
    const double transforms = of_tap * pairs + of_tile * tiles * (work.channels + work.outputs);
    return direct > winograd_size * winograd_size * (1.25 * tiles * pairs + transforms);
}

// The bytes of so many numbers, rounded up to a power of two: so the workspaces of most layers are of few sizes, and
// the allocator keeps few blocks for them.
inline std::size_t workspace_bytes(Index numbers) {
    std::size_t bytes = 1 << 20;
    while (bytes < sizeof(float) * numbers) bytes *= 2;
    return bytes;
}

// How many tiles to transform at a time, at most, where they are multiplied with more than a cache holds: the more, the
// less often that is read. Bounded for thousands of channels.
inline Index many_tiles(Index channels, Index outputs) {
    constexpr Index elements = Index{1} << 23;
    return larger(24, smaller(144, elements / (winograd_size * winograd_size * (channels + outputs))));
}

// What a thread has seen of its numbers: the largest magnitude that it transformed, and whether what came out of it
// was finite. What once is infinite or NaN stays so, in an output of its tile that is always looked at: each pixel
// reaches the first row's value or only the last output, each tap the second point's.
struct Seen {
    float largest;
    bool finite;
};

inline Seen both(const Seen& a, const Seen& b) {
    return {a.largest > b.largest ? a.largest : b.largest, a.finite && b.finite};
}

// Whether products of numbers up to these stay clear of the denormals, which count as zero.
inline bool safe_magnitudes(float a, float b) {
    constexpr float least = 1.0f / (Index{1} << 40) / (Index{1} << 40);
    return a == 0 || b == 0 || (a >= least && b >= least && a * b >= least);
}

// A workspace of `size` numbers for each of so many threads. Their number is read once: somebody may change it.
struct Workspaces {
    const Index threads, size;
    float* data;
};

// Computes all items, with body(item, workspace) -> Seen.
template <class Body>
Seen for_workers(const Workspaces& workspaces, Index items, double work, const Body& body) {
    const Index workers = smaller(items, workspaces.threads);
    const Scratch memory(sizeof(Seen) * workers);
    Seen* seen = static_cast<Seen*>(memory.data());
    parallel_for(workers, work * items / workers, [&](Index begin, Index end) {
        for (Index worker = begin; worker < end; ++worker) {
            Seen mine{0, true};
            for (Index item = items * worker / workers; item < items * (worker + 1) / workers; ++item) {
                mine = both(mine, body(item, workspaces.data + worker * workspaces.size));
            }
            seen[worker] = mine;
        }
    });
    Seen all{0, true};
    for (Index worker = 0; worker < workers; ++worker) all = both(all, seen[worker]);
    return all;
}

// Where the argument above stands or falls with the points.
constexpr bool pixels_are_seen() {
    const auto tile = tile_matrix();
    for (int p = 0; p < winograd_size - 1; ++p) {
        if (tile.at[0][p] == 0) return false;
    }
    return winograd_points[0] == 0 && winograd_points[1] != 0;
}
static_assert(pixels_are_seen(), "an infinite pixel or tap might pass unnoticed");

}  // namespace
}  // namespace mt
