// The engine of the forward convolution and of the input gradient:
//
//   out[n][g][m][i][j] = bias[g][m] + Σ_{c,a,b} w[g][m][c][a][b] * source[n][g][c][rows(i, a)][columns(j, b)]
#pragma once

#include "conv/planes.h"
#include "conv/tile.h"
#include "memory.h"
#include "parallel.h"

namespace mt {
namespace {

template <class T>
struct Correlation {
    const Axis rows, columns;
    Index images, groups, channels, outputs;  // channels and outputs of one group
    const T* source;                          // (images, groups*channels, rows.source, columns.source)
    const T* weight;
    Index weight_group, weight_output, weight_channel, weight_row;  // pitches: from m to m, from c to c, ...
    const T* bias;                                                  // (groups*outputs) or null
    T* out;                                                         // at n = g = m = i = j = 0
    Index out_image, out_channel, out_row, out_column;              // pitches

    Correlation(const Axis& rows, const Axis& columns) : rows(rows), columns(columns) {}
    Index depth() const { return channels * rows.taps * columns.taps; }
};

template <class T>
class Correlator {
  public:
    explicit Correlator(const Correlation<T>& work)
        : work_(work), planes_(work.rows, work.columns, work.images, work.channels) {
        constexpr Index enough_items = 8;  // for the threads of small machines
        panel_ = tile_rows(work.outputs);
        panels_ = ceil_div(work.outputs, panel_);
        bands_ = ceil_div(work.rows.outputs, planes_.band);
        const Index blocks = ceil_div(work.images, planes_.images) * work.groups * bands_;
        panel_block_ = even_part(panels_, ceil_div(enough_items, blocks));
        panel_blocks_ = ceil_div(panels_, panel_block_);
        items_ = blocks * panel_blocks_;
        direct_ = planes_.images == 1 && work.out_column == 1 && work.out_row == work.columns.outputs;
    }

    void run() const {
        const Index workers = smaller(items_, num_threads());
        const Index buffer = direct_ ? 0 : panel_block_ * panel_ * planes_.pixels();
        const Index workspace = round_up(planes_.workspace() + buffer, 16);
        const Scratch memory(sizeof(T) * (workers * workspace + work_.groups * panels_ * panel_ * work_.depth()));
        T* workspaces = static_cast<T*>(memory.data());
        T* packed = workspaces + workers * workspace;
        pack(packed);
        const double item_work = planes_.pixels() * panel_block_ * panel_ * work_.depth() / 8.0;
        parallel_for(workers, item_work * items_ / workers, [&](Index begin, Index end) {
            for (Index worker = begin; worker < end; ++worker) {
                T* mine = workspaces + worker * workspace;
                planes_.clear(mine);
                for (Index item = items_ * worker / workers; item < items_ * (worker + 1) / workers; ++item) {
                    compute(item, packed, mine);
                }
            }
        });
    }

  private:
    // Packs the weights as [group][channel block][panel][channel][tap][panel row]. Surplus rows repeat the last; what
    // they give is not written.
    void pack(T* packed) const {
        const Index taps = planes_.taps();
        parallel_for(work_.groups * panels_, 0.5 * work_.depth() * panel_, [&](Index begin, Index end) {
            for (Index item = begin; item < end; ++item) {
                const Index group = item / panels_, m0 = item % panels_ * panel_;
                const T* weight = work_.weight + group * work_.weight_group + m0 * work_.weight_output;
                for (Index c0 = 0; c0 < work_.channels; c0 += planes_.channels) {
                    const Index channels = smaller(planes_.channels, work_.channels - c0);
                    T* to = packed + (group * work_.channels + c0) * taps * panels_ * panel_ + m0 * channels * taps;
                    with_tile_rows(panel_, [&](auto panel) {
                        for (Index c = c0; c < c0 + channels; ++c, to += taps * panel_) {
                            pack_channel<panel.value>(weight + c * work_.weight_channel, work_.outputs - m0, to);
                        }
                    });
                }
            }
        });
    }

    template <int MR>
    void pack_channel(const T* weight, Index rows, T* to) const {
        const T* row[MR];
        for (int m = 0; m < MR; ++m) row[m] = weight + smaller(m, rows - 1) * work_.weight_output;
        for (Index a = 0; a < work_.rows.taps; ++a) {
            const Index kernel_row = (work_.rows.first_tap + a * work_.rows.tap_spacing) * work_.weight_row;
            for (Index b = 0; b < work_.columns.taps; ++b, to += MR) {
                const Index tap = kernel_row + work_.columns.first_tap + b * work_.columns.tap_spacing;
#pragma GCC unroll 8
                for (int m = 0; m < MR; ++m) to[m] = row[m][tap];
            }
        }
    }

    // One item: a block of images, a group, a band of output rows and a block of panels.
    void compute(Index item, const T* packed, T* workspace) const {
        const Index m0 = item % panel_blocks_ * panel_block_ * panel_;
        const Index m1 = smaller(work_.outputs, m0 + panel_block_ * panel_);
        item /= panel_blocks_;
        const Index top = item % bands_ * planes_.band, rows = smaller(planes_.band, work_.rows.outputs - top);
        item /= bands_;
        const Index group = item % work_.groups;
        const Index n0 = item / work_.groups * planes_.images, images = smaller(planes_.images, work_.images - n0);

        const Index source_channel = work_.rows.source * work_.columns.source;
        const Index source_image = work_.groups * work_.channels * source_channel;
        const T* source = work_.source + n0 * source_image + group * work_.channels * source_channel;
        T* out =
            work_.out + n0 * work_.out_image + (group * work_.outputs + m0) * work_.out_channel + top * work_.out_row;
        T* buffer = workspace + planes_.workspace();
        packed += group * panels_ * panel_ * work_.depth();
        for (Index c0 = 0; c0 == 0 || c0 < work_.channels; c0 += planes_.channels) {
            const Index channels = smaller(planes_.channels, work_.channels - c0);
            planes_.fill(workspace, source + c0 * source_channel, source_image, images, channels, top);
            Tile<T> tile;
            tile.depth = channels * planes_.taps();
            tile.weights = packed + c0 * planes_.taps() * panels_ * panel_ + m0 * tile.depth;
            tile.planes = workspace;
            tile.offsets = planes_.offsets();
            tile.out = direct_ ? out : buffer;
            tile.out_pitch = direct_ ? work_.out_channel : planes_.pixels();
            tile.accumulate = c0 > 0;
            for (Index m = m0; m < m1; m += panel_) {
                tile.bias = work_.bias ? work_.bias + group * work_.outputs + m : nullptr;
                tile.rows = smaller(panel_, m1 - m);
                with_tile_rows(panel_, [&](auto panel) { compute_panel<T, panel.value>(tile, rows * planes_.pitch); });
                tile.weights += panel_ * tile.depth;
                tile.out += panel_ * tile.out_pitch;
            }
        }
        if (!direct_) scatter(buffer, out, m1 - m0, rows, images);
    }

    // Writes a buffer of [channel][row][image][column] to where the pixels belong.
    void scatter(const T* buffer, T* out, Index channels, Index rows, Index images) const {
        for (Index m = 0; m < channels; ++m) {
            for (Index i = 0; i < rows; ++i) {
                const T* from = buffer + m * planes_.pixels() + i * planes_.pitch;
                T* to = out + m * work_.out_channel + i * work_.out_row;
                for (Index n = 0; n < images; ++n, from += work_.columns.outputs, to += work_.out_image) {
                    for (Index j = 0; j < work_.columns.outputs; ++j) to[j * work_.out_column] = from[j];
                }
            }
        }
    }

    const Correlation<T> work_;
    const Planes<T> planes_;
    Index panel_;         // output channels in a register tile
    Index panels_;        // of one group
    Index panel_block_;   // panels of one item
    Index panel_blocks_;  // of one group
    Index bands_;         // of one image
    Index items_;
    bool direct_;  // tiles are written to the output, else to a buffer
};

}  // namespace
}  // namespace mt
