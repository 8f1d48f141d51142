// Winograd's convolution: the correlation of correlate.h for 3×3 and 5×5 taps next to each other, in float32.
//
// In transformed form (winograd_matrices.h) a convolution is, for each of the 49 points of a tile, a product of
// matrices:
//
//   sums[point][tile][output] = Σ_c values[point][tile][c] * taps[point][c][output]
//
// The taps are transformed once. The tiles are cut into blocks; a thread transforms a block of the source, multiplies,
// and transforms the sums back while they are in its cache.
#pragma once

#include "conv/correlate.h"
#include "conv/winograd_choice.h"
#include "conv/winograd_strips.h"
#include "gemm/microkernel.h"

namespace mt {
namespace {

template <int K>
class WinogradCorrelator {
    using V = Vec<float>;
    static constexpr Index outputs = winograd_size + 1 - K;  // rows, and columns, of a tile

  public:
    explicit WinogradCorrelator(const Correlation<float>& work)
        : work_(work),
          rotated_(work.rows.spacing < 0),
          top_(work.rows.first - (rotated_ ? K - 1 : 0)),
          left_(work.columns.first - (rotated_ ? K - 1 : 0)),
          channels_(round_up(work.channels, strip_lanes)),
          outputs_(round_up(work.outputs, strip_lanes)),
          panels_(ceil_div(work.outputs, TileSize<float>::columns)),
          many_taps_(winograd_values * tap_pitch() > (Index{1} << 20)),
          tiling_(outputs, work.images, work.rows.outputs, work.columns.outputs, block_tiles()) {
        const Index blocks = ceil_div(tiling_.count * tiling_.longest, block_tiles());
        block_ = even_part(tiling_.count, round_up(blocks, threads_));  // no number depends on it
        blocks_ = ceil_div(tiling_.count, block_);
        value_pitch_ = {block_ * tiling_.longest * channels_ + strip_lanes, channels_};
        pass_ = smaller(outputs_, many_taps_ ? outputs_ : 2 * TileSize<float>::columns);
        sum_pitch_ = {block_ * tiling_.longest * pass_ + strip_lanes, pass_};
    }

    // False if numbers turned out not to be safe: then `out` is still to be computed.
    bool run() const {
        const Index taps_size = work_.groups * winograd_values * tap_pitch();
        const Scratch memory(workspace_bytes(taps_size + threads_ * workspace()));
        float* taps = static_cast<float*>(memory.data());
        const Workspaces workspaces{threads_, workspace(), taps + taps_size};
        const Seen of_taps = for_workers(workspaces, work_.groups * panels_, 2.0 * tap_pitch(),
                                         [&](Index item, float* mine) { return transform_taps(item, taps, mine); });
        const double work = 2.0 * work_.channels * work_.outputs * block_;
        const Seen of_source = for_workers(workspaces, work_.groups * blocks_, work,
                                           [&](Index item, float* mine) { return compute(item, taps, mine); });
        return of_source.finite && safe_magnitudes(of_taps.largest, of_source.largest);
    }

  private:
    // If a cache doesn't hold the taps, they are worth many tiles; else the block's values and sums had better stay in
    // the cache, the sums of a few outputs at a time.
    Index block_tiles() const { return many_taps_ ? many_tiles(channels_, outputs_) : 24; }

    // Elements between the taps of two points: [panel][channel][TileSize::columns].
    Index tap_pitch() const { return panels_ * work_.channels * TileSize<float>::columns; }
    // Elements of two arrays of pixels: as many rows as a tile has, and one strip of columns.
    Index pixels() const {
        return winograd_size * strip_columns(tiling_.longest, outputs, winograd_size) * strip_lanes;
    }
    Index workspace() const { return winograd_values * (value_pitch_.point + sum_pitch_.point) + 2 * pixels(); }

    // One item: a panel of outputs.
    Seen transform_taps(Index item, float* taps, float* workspace) const {
        constexpr Index width = TileSize<float>::columns;
        const Index group = item / panels_, panel = item % panels_;
        taps += group * winograd_values * tap_pitch() + panel * work_.channels * width;
        float* room = workspace + winograd_values * strip_lanes;
        V largest = V::zero();
        for (Index first = panel * width; first < smaller(outputs_, (panel + 1) * width); first += strip_lanes) {
            const float* weight = work_.weight + group * work_.weight_group + first * work_.weight_output;
            const int here = static_cast<int>(smaller(strip_lanes, work_.outputs - first));
            for (Index c = 0; c < work_.channels; ++c) {
                const Strided<float> kernels{weight + c * work_.weight_channel, work_.weight_output, 1};
                pack_panel(kernels, here, K * K, workspace, strip_lanes);
                if (rotated_) reverse(workspace);
                transform_strip<TapTransform<K>, 1>(workspace, 1, room, taps + c * width + first % width,
                                                    {tap_pitch(), 0}, largest);
            }
        }
        return {reduce_max(largest), true};
    }

    // Rotates a kernel by half a turn.
    static void reverse(float* pixels) {
        for (Index i = 0; i < K * K / 2; ++i) {
            float *a = pixels + i * strip_lanes, *b = pixels + (K * K - 1 - i) * strip_lanes;
            const V first = V::load(a);
            V::load(b).store(a);
            first.store(b);
        }
    }

    // One item: a block of strips of a group.
    Seen compute(Index item, const float* taps, float* workspace) const {
        const Index group = item / blocks_, strip0 = item % blocks_ * block_;
        const Index strip1 = smaller(tiling_.count, strip0 + block_);
        const Index tiles0 = tiling_.tiles_before(strip0), tiles = tiling_.tiles_before(strip1) - tiles0;
        float* values = workspace;
        float* sums = values + winograd_values * value_pitch_.point;
        float* room = sums + winograd_values * sum_pitch_.point;
        V largest = V::zero(), check = V::zero();
        for (Index i = strip0; i < strip1; ++i) {
            float* to = values + (tiling_.tiles_before(i) - tiles0) * value_pitch_.tile;
            transform_source(tiling_.strip(i), group, to, room, largest);
        }
        taps += group * winograd_values * tap_pitch();
        for (Index m0 = 0; m0 < work_.outputs; m0 += pass_) {
            const Index m1 = smaller(outputs_, m0 + pass_);
            multiply(values, taps + m0 * work_.channels, tiles, m1 - m0, sums);
            for (Index i = strip0; i < strip1; ++i) {
                const float* from = sums + (tiling_.tiles_before(i) - tiles0) * sum_pitch_.tile;
                restore_outputs(tiling_.strip(i), group, m0, m1, from, room, check);
            }
        }
        return {reduce_max(largest), is_finite(reduce_add(check))};
    }

    void transform_source(const Tiling::Strip& s, Index group, float* values, float* room, V& largest) const {
        const Index height = work_.rows.source, width = work_.columns.source;
        const float* source = work_.source + (s.image * work_.groups + group) * work_.channels * height * width;
        const Window window{s.top + top_, s.left + left_, winograd_size,
                            strip_columns(s.tiles, outputs, winograd_size)};
        for (Index c = 0; c < work_.channels; c += strip_lanes) {
            read_window(source + c * height * width, height, width, smaller(strip_lanes, work_.channels - c), window,
                        room);
            transform_strip<TileTransform, outputs>(room, s.tiles, room + pixels(), values + c, value_pitch_, largest);
        }
    }

    // The sums of `outputs` outputs, which begin with a panel.
    void multiply(const float* values, const float* taps, Index tiles, Index outputs, float* sums) const {
        constexpr Index width = TileSize<float>::columns;
        const Index step = even_part(tiles, ceil_div(tiles, TileSize<float>::rows));
        for (Index point = 0; point < winograd_values; ++point) {
            for (Index first = 0; first < outputs; first += width) {
                const float* panel = taps + point * tap_pitch() + first * work_.channels;
                // The next panel comes while this one is used.
                const float* next = panel + width * work_.channels;
                const Index share = even_part(width * work_.channels, ceil_div(tiles, step));
                const int columns = static_cast<int>(smaller(width, outputs - first));
                for (Index tile = 0; tile < tiles; tile += step, next += share) {
                    for (Index i = 0; i < share; i += strip_lanes) __builtin_prefetch(next + i, 0, 2);
                    const Strided<float> rows{values + point * value_pitch_.point + tile * channels_, channels_, 1};
                    float* to = sums + point * sum_pitch_.point + tile * pass_ + first;
                    tile_kernel<float>(static_cast<int>(smaller(step, tiles - tile)), columns)(
                        work_.channels, rows, panel, width, {to, pass_, columns, false, nullptr, false});
                }
            }
        }
    }

    void restore_outputs(const Tiling::Strip& s, Index group, Index m0, Index m1, const float* sums, float* room,
                         V& check) const {
        float* restored = room + pixels();
        const Index rows = smaller(outputs, work_.rows.outputs - s.top);
        const Index columns = smaller(s.tiles * outputs, work_.columns.outputs - s.left);
        for (Index m = m0; m < smaller(m1, work_.outputs); m += strip_lanes) {
            const Index here = smaller(strip_lanes, work_.outputs - m), output = group * work_.outputs + m;
            restore_strip<OutputTransform<outputs>>(sums + m - m0, sum_pitch_, s.tiles, room, restored);
            const V bias = work_.bias ? V::load_partial(work_.bias + output, static_cast<int>(here)) : V::zero();
            for (Index row = 0; row < rows; ++row) {
                float* pixels = restored + row * s.tiles * outputs * strip_lanes;
                for (Index x = 0; x < columns * strip_lanes; x += strip_lanes) {
                    const V pixel = V::load(pixels + x);
                    check = fma(pixel, V::zero(), check);
                    (pixel + bias).store(pixels + x);
                }
                write_pixels(pixels, columns, here,
                             work_.out + s.image * work_.out_image + output * work_.out_channel +
                                 (s.top + row) * work_.out_row + s.left,
                             work_.out_channel);
            }
        }
    }

    const Correlation<float> work_;
    const Index threads_ = num_threads();
    const bool rotated_;              // taps are read backwards, as in the input gradient
    const Index top_, left_;          // of the source's window for the first tile
    const Index channels_, outputs_;  // of a group, padded to vectors
    const Index panels_;              // of outputs, as wide as a register tile
    const bool many_taps_;            // more than 4 MB
    const Tiling tiling_;
    Index block_, blocks_;  // strips of an item
    Index pass_;            // outputs whose sums are computed before they are transformed
    ValuePitch value_pitch_, sum_pitch_;
};

template <int K>
bool suits_winograd(const Correlation<float>& work) {
    const Work size{work.images, work.rows.outputs, work.columns.outputs, work.channels, work.outputs};
    return has_taps(work.rows, K) && has_taps(work.columns, K) && winograd_pays(K, size, 30);
}

// Computes `out`, unless that is better left to the other engine.
inline bool correlate_winograd(const Correlation<float>& work) {
    if (suits_winograd<3>(work)) return WinogradCorrelator<3>(work).run();
    if (suits_winograd<5>(work)) return WinogradCorrelator<5>(work).run();
    return false;
}

inline bool correlate_winograd(const Correlation<double>&) { return false; }

}  // namespace
}  // namespace mt
