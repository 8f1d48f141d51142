// The weight's gradient by Winograd's convolution: in each tile the input is correlated with the gradients of the
// outputs, which play the part of the taps (winograd_matrices.h). The transformed products are added up over all tiles
// before they are transformed back:
//
//   sums[point][c][o] = Σ_tile values[point][tile][c] * grads[point][tile][o]
//
// That is done for a block of tiles after the other. All threads transform a block, then all multiply it.
#pragma once

#include "conv/weight_gradient.h"
#include "conv/winograd_choice.h"
#include "conv/winograd_strips.h"
#include "gemm/microkernel.h"

namespace mt {
namespace {

template <int K>
class WinogradGradient {
    using V = Vec<float>;
    static constexpr Index outputs = winograd_size + 1 - K;  // rows, and columns, of a tile of grad_output
    static constexpr Index panel_width = TileSize<float>::columns;

  public:
    explicit WinogradGradient(const WeightGradient<float>& work)
        : work_(work),
          channels_(round_up(work.channels, strip_lanes)),
          outputs_(round_up(work.outputs, panel_width)),
          tiling_(outputs, work.images, work.rows.outputs, work.columns.outputs, many_tiles(channels_, outputs_)),
          block_(larger(1, smaller(tiling_.count, many_tiles(channels_, outputs_) / tiling_.longest))),
          value_pitch_{block_ * tiling_.longest * channels_ + strip_lanes, channels_},
          grad_pitch_{block_ * tiling_.longest * outputs_ + strip_lanes, panel_width} {}

    // False if numbers turned out not to be safe: then grad_weight is still to be computed.
    bool run() const {
        const Index values_size = winograd_values * value_pitch_.point;
        const Index grads_size = winograd_values * grad_pitch_.point;
        const Index sums_size = winograd_values * work_.channels * outputs_;
        const Index threads = num_threads();
        const Scratch memory(workspace_bytes(values_size + grads_size + sums_size + threads * workspace()));
        float* values = static_cast<float*>(memory.data());
        float *grads = values + values_size, *sums = grads + grads_size;
        const Workspaces workspaces{threads, workspace(), sums + sums_size};
        Seen of_input{0, true}, of_grads{0, true}, of_result{0, true};
        for (Index group = 0; group < work_.groups; ++group) {
            for (Index strip0 = 0; strip0 < tiling_.count; strip0 += block_) {
                const Part part{group, strip0, smaller(block_, tiling_.count - strip0)};
                of_input = both(of_input, transform_input(part, values, workspaces));
                of_grads = both(of_grads, transform_grads(part, grads, workspaces));
                multiply(part, values, grads, sums, workspaces);
            }
            of_result = both(of_result, restore(group, sums, workspaces));
        }
        return of_result.finite && safe_magnitudes(of_input.largest, of_grads.largest);
    }

  private:
    // A block of strips of a group.
    struct Part {
        Index group, strip0, strips;
    };

    // Elements of two arrays of pixels, or of a panel of values for the innermost loop.
    Index pixels() const {
        return winograd_size * strip_columns(tiling_.longest, outputs, winograd_size) * strip_lanes;
    }
    Index workspace() const { return larger(2 * pixels(), TileSize<float>::rows * block_ * tiling_.longest); }

    Index tiles(const Part& part) const { return tile_of(part, part.strips); }
    Index tile_of(const Part& part, Index strip) const {
        return tiling_.tiles_before(part.strip0 + strip) - tiling_.tiles_before(part.strip0);
    }

    Seen transform_input(const Part& part, float* values, const Workspaces& workspaces) const {
        const Index height = work_.rows.source, width = work_.columns.source;
        const double work = winograd_values * tiling_.longest * channels_;
        return for_workers(workspaces, part.strips, work, [&](Index strip, float* room) {
            const Tiling::Strip s = tiling_.strip(part.strip0 + strip);
            const float* input = work_.input + (s.image * work_.groups + part.group) * work_.channels * height * width;
            const Window window{s.top + work_.rows.first, s.left + work_.columns.first, winograd_size,
                                strip_columns(s.tiles, outputs, winograd_size)};
            float* to = values + tile_of(part, strip) * value_pitch_.tile;
            V largest = V::zero();
            for (Index c = 0; c < work_.channels; c += strip_lanes) {
                read_window(input + c * height * width, height, width, smaller(strip_lanes, work_.channels - c), window,
                            room);
                transform_strip<TileTransform, outputs>(room, s.tiles, room + pixels(), to + c, value_pitch_, largest);
            }
            return Seen{reduce_max(largest), true};
        });
    }

    // The panels of the transformed gradients lie one after the other, as the innermost loop reads them.
    Seen transform_grads(const Part& part, float* grads, const Workspaces& workspaces) const {
        const Index height = work_.rows.outputs, width = work_.columns.outputs;
        const double work = winograd_values * tiling_.longest * outputs_;
        return for_workers(workspaces, part.strips, work, [&](Index strip, float* room) {
            const Tiling::Strip s = tiling_.strip(part.strip0 + strip);
            const float* grad =
                work_.grad_output + (s.image * work_.groups + part.group) * work_.outputs * height * width;
            const Window window{s.top, s.left, outputs, s.tiles * outputs};
            V largest = V::zero();
            for (Index o = 0; o < outputs_; o += strip_lanes) {
                const Index here = larger(0, smaller(strip_lanes, work_.outputs - o));
                float* to = grads + o / panel_width * panel_width * tiles(part) + o % panel_width +
                            tile_of(part, strip) * grad_pitch_.tile;
                read_window(grad + o * height * width, height, width, here, window, room);
                transform_strip<TapTransform<outputs>, outputs>(room, s.tiles, room + pixels(), to, grad_pitch_,
                                                                largest);
            }
            return Seen{reduce_max(largest), true};
        });
    }

    // Adds the products of a block to the sums.
    void multiply(const Part& part, const float* values, const float* grads, float* sums,
                  const Workspaces& workspaces) const {
        const Index depth = tiles(part);
        const Index step = even_part(work_.channels, ceil_div(work_.channels, TileSize<float>::rows));
        const Index bands = ceil_div(work_.channels, step);
        const double work = step * outputs_ * depth / 8.0;
        for_workers(workspaces, winograd_values * bands, work, [&](Index item, float* packed) {
            const Index point = item / bands, c = item % bands * step;
            const int rows = static_cast<int>(smaller(step, work_.channels - c));
            pack_panel<float>({values + point * value_pitch_.point + c, 1, channels_}, rows, depth, packed, rows);
            float* to = sums + (point * work_.channels + c) * outputs_;
            const float* panel = grads + point * grad_pitch_.point;
            for (Index o = 0; o < outputs_; o += panel_width, panel += depth * panel_width) {
                tile_kernel<float>(rows, panel_width)(depth, {packed, 1, rows}, panel, panel_width,
                                                      {to + o, outputs_, panel_width, part.strip0 > 0, nullptr, false});
            }
            return Seen{0, true};
        });
    }

    Seen restore(Index group, const float* sums, const Workspaces& workspaces) const {
        const Index bands = ceil_div(work_.outputs, strip_lanes);
        float* grad_weight = work_.grad_weight + group * work_.outputs * work_.depth();
        return for_workers(workspaces, bands * work_.channels, winograd_values * strip_lanes,
                           [&](Index item, float* room) {
                               const Index o = item / work_.channels * strip_lanes, c = item % work_.channels;
                               float* restored = room + winograd_values * strip_lanes;
                               restore_strip<OutputTransform<K>>(sums + c * outputs_ + o,
                                                                 {work_.channels * outputs_, 0}, 1, room, restored);
                               V check = V::zero();
                               for (Index i = 0; i < K * K; ++i) {
                                   check = fma(V::load(restored + i * strip_lanes), V::zero(), check);
                               }
                               write_pixels(restored, K * K, smaller(strip_lanes, work_.outputs - o),
                                            grad_weight + o * work_.depth() + c * K * K, work_.depth());
                               return Seen{0, is_finite(reduce_add(check))};
                           });
    }

    const WeightGradient<float> work_;
    const Index channels_, outputs_;  // of a group, padded to vectors and to panels
    const Tiling tiling_;
    const Index block_;  // strips that are transformed at a time
    const ValuePitch value_pitch_, grad_pitch_;
};

template <int K>
bool suits_winograd(const WeightGradient<float>& work) {
    const Work size{work.images, work.rows.outputs, work.columns.outputs, work.channels, work.outputs};
    return has_taps(work.rows, K) && has_taps(work.columns, K) && winograd_pays(K, size, 90);
}

// Computes grad_weight, unless that is better left to the direct engine.
inline bool weight_gradient_winograd(const WeightGradient<float>& work) {
    if (suits_winograd<3>(work)) return WinogradGradient<3>(work).run();
    if (suits_winograd<5>(work)) return WinogradGradient<5>(work).run();
    return false;
}

inline bool weight_gradient_winograd(const WeightGradient<double>&) { return false; }

}  // namespace
}  // namespace mt
