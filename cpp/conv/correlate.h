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
    Index images, groups, channels, outputs;  // channels and outputs of one group
    Axis rows, columns;
    const T* source;  // (images, groups*channels, rows.source, columns.source)
    const T* weight;
    Index weight_output, weight_channel, kernel_width;  // from m to m, from c to c, from row to row of a kernel
    Index weight_group;
    const T* bias;  // (groups*outputs) or null
    T* out;         // at i = j = 0 of the first image
    Index out_image, out_channel, out_row, out_column;

    Index taps() const { return rows.taps * columns.taps; }
};

// How the work is cut, by its shape alone.
template <class T>
struct Blocking {
    PlaneLayout layout;
    Index panel;        // output channels in a register tile
    Index panels;       // of one group
    Index panel_block;  // panels of one item
    Index channel_blocks;
    Index image_blocks, bands, panel_blocks;  // with the groups, the items that are computed in parallel
    bool direct;                              // tiles are written to the output, else to a buffer

    Index pixels() const { return layout.band * layout.pitch(); }
    Index plane_elements() const { return layout.channels * layout.channel() + tile_vectors(1) * Vec<T>::size; }
    Index buffer_elements() const { return direct ? 0 : panel_block * panel * pixels(); }
};

template <class T>
Blocking<T> choose_blocking(const Correlation<T>& work) {
    constexpr Index items = 8;  // enough for the threads of small machines
    Blocking<T> b;
    b.panel = tile_rows(work.outputs);
    b.panels = ceil_div(work.outputs, b.panel);
    b.layout = choose_layout<T>(work.rows, work.columns, work.images, work.channels);
    b.image_blocks = ceil_div(work.images, b.layout.images);
    b.bands = ceil_div(work.rows.outputs, b.layout.band);
    b.channel_blocks = larger(1, ceil_div(work.channels, b.layout.channels));
    b.panel_block = even_part(b.panels, ceil_div(items, work.groups * b.image_blocks * b.bands));
    b.panel_blocks = ceil_div(b.panels, b.panel_block);
    b.direct = b.layout.images == 1 && work.out_column == 1 && work.out_row == work.columns.outputs;
    return b;
}

// Packs the weights as [group][channel block][panel][channel][tap][panel row], rows beyond the last channel zero.
template <class T>
void pack_weights(const Correlation<T>& work, const Blocking<T>& b, T* packed) {
    const Index depth = work.channels * work.taps();
    parallel_for(work.groups * b.panels, 0.5 * depth * b.panel, [&](Index begin, Index end) {
        for (Index item = begin; item < end; ++item) {
            const Index group = item / b.panels, panel = item % b.panels;
            const Index m0 = panel * b.panel, rows = smaller(b.panel, work.outputs - m0);
            const T* weight = work.weight + group * work.weight_group + m0 * work.weight_output;
            for (Index block = 0; block < b.channel_blocks; ++block) {
                const Index c0 = block * b.layout.channels, c1 = smaller(work.channels, c0 + b.layout.channels);
                T* to = packed + (group * depth + c0 * work.taps()) * b.panels * b.panel +
                        panel * (c1 - c0) * work.taps() * b.panel;
                for (Index c = c0; c < c1; ++c) {
                    for (Index y = 0; y < work.rows.taps; ++y) {
                        const Index kh = work.rows.first_tap + y * work.rows.tap_spacing;
                        const T* from = weight + c * work.weight_channel + kh * work.kernel_width;
                        for (Index x = 0; x < work.columns.taps; ++x, to += b.panel) {
                            const Index kw = work.columns.first_tap + x * work.columns.tap_spacing;
                            for (Index m = 0; m < rows; ++m) to[m] = from[m * work.weight_output + kw];
                            for (Index m = rows; m < b.panel; ++m) to[m] = 0;
                        }
                    }
                }
            }
        }
    });
}

// Writes a buffer of [panel row][output row][image][output column] to where the pixels belong.
template <class T>
void scatter(const Correlation<T>& work, const Blocking<T>& b, const T* buffer, T* out, Index images, Index channels,
             Index rows) {
    const Index columns = work.columns.outputs;
    for (Index m = 0; m < channels; ++m) {
        const T* from = buffer + m * b.pixels();
        for (Index i = 0; i < rows; ++i) {
            for (Index n = 0; n < images; ++n) {
                T* to = out + n * work.out_image + m * work.out_channel + i * work.out_row;
                const T* row = from + i * b.layout.pitch() + n * columns;
                for (Index j = 0; j < columns; ++j) to[j * work.out_column] = row[j];
            }
        }
    }
}

// One item: a block of images, a group, a band of output rows and a block of panels.
template <class T>
void correlate_item(const Correlation<T>& work, const Blocking<T>& b, Index item, const T* packed, const Index* offsets,
                    T* scratch) {
    const PlaneLayout& layout = b.layout;

    const Index band = item / b.panel_blocks % b.bands;
    const Index group = item / b.panel_blocks / b.bands % work.groups;
    const Index n0 = item / b.panel_blocks / b.bands / work.groups * layout.images;
    const Index images = smaller(layout.images, work.images - n0);
    const Index top = band * layout.band, rows = smaller(layout.band, work.rows.outputs - top);
    const Index panel0 = item % b.panel_blocks * b.panel_block;
    const Index panel1 = smaller(b.panels, panel0 + b.panel_block);
    const Index m0 = panel0 * b.panel, m1 = smaller(work.outputs, panel1 * b.panel);
    const Index source_channel = work.rows.source * work.columns.source;
    const T* source = work.source + (n0 * work.groups + group) * work.channels * source_channel;
    T* out = work.out + n0 * work.out_image + (group * work.outputs + m0) * work.out_channel + top * work.out_row;
    T* buffer = scratch + b.plane_elements();
    const PlaneFiller<T> planes(layout, scratch, buffer + b.buffer_elements());

    for (Index block = 0; block < b.channel_blocks; ++block) {
        const Index c0 = block * layout.channels, channels = smaller(layout.channels, work.channels - c0);
        planes.fill(source + c0 * source_channel, work.groups * work.channels * source_channel, images, source_channel,
                    channels, top);
        Tile<T> tile;
        tile.depth = channels * work.taps();
        tile.weights =
            packed + (group * work.channels + c0) * work.taps() * b.panels * b.panel + panel0 * tile.depth * b.panel;
        tile.planes = scratch;
        tile.offsets = offsets;
        tile.out = b.direct ? out : buffer;
        tile.out_pitch = b.direct ? work.out_channel : b.pixels();
        tile.accumulate = block > 0;
        for (Index m = m0; m < m1; m += b.panel) {
            tile.bias = work.bias ? work.bias + group * work.outputs + m : nullptr;
            tile.rows = smaller(b.panel, m1 - m);
            compute_panel(tile, b.panel, rows * layout.pitch());
            tile.weights += tile.depth * b.panel;
            tile.out += b.panel * tile.out_pitch;
        }
    }
    if (!b.direct) scatter(work, b, buffer, out, images, m1 - m0, rows);
}

template <class T>
void correlate(const Correlation<T>& work) {
    if (work.images == 0 || work.groups * work.outputs == 0 || work.rows.outputs == 0 || work.columns.outputs == 0) {
        return;
    }
    const Blocking<T> b = choose_blocking(work);
    const Index items = b.image_blocks * work.groups * b.bands * b.panel_blocks;
    const Index workers = smaller(items, num_threads());
    const Index per_worker = round_up(b.plane_elements() + b.buffer_elements() + b.layout.split(), 16);
    const Index weights = work.groups * b.panels * b.panel * work.channels * work.taps();
    const Scratch offsets_memory(sizeof(Index) * b.layout.channels * work.taps());
    const Scratch memory(sizeof(T) * (workers * per_worker + weights));
    Index* offsets = static_cast<Index*>(offsets_memory.data());
    T* scratch = static_cast<T*>(memory.data());
    T* packed = scratch + workers * per_worker;
    b.layout.fill_offsets(offsets);
    pack_weights(work, b, packed);
    const double item_work = work.taps() * work.channels * b.pixels() * b.panel_block * b.panel / 8.0;
    parallel_for(workers, item_work * items / workers, [&](Index begin, Index end) {
        for (Index worker = begin; worker < end; ++worker) {
            T* mine = scratch + worker * per_worker;
            std::memset(mine, 0, sizeof(T) * b.plane_elements());
            for (Index item = items * worker / workers; item < items * (worker + 1) / workers; ++item) {
                correlate_item(work, b, item, packed, offsets, mine);
            }
        }
    });
}

}  // namespace
}  // namespace mt
