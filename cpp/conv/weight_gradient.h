// The gradient of the weight:
//
//   grad_weight[g][o][c][a][b] = Σ_{n,i,j} grad_output[n][g][o][i][j] * input[n][g][c][rows(i, a)][columns(j, b)]
//
// For each block of images and band of rows, every tap's view of the planes is multiplied with grad_output, which has
// been transposed for that unless its channels are few; see weight_tile.h. The pixels of the whole batch are cut into
// chunks by shape alone; their partial sums are added in order.
#pragma once

#include "conv/planes.h"
#include "conv/weight_tile.h"
#include "memory.h"
#include "parallel.h"

namespace mt {
namespace {

template <class T>
struct WeightGradient {
    const Axis rows, columns;
    Index images, groups, channels, outputs;  // channels and outputs of one group
    const T* input;                           // (images, groups*channels, rows.source, columns.source)
    const T* grad_output;                     // (images, groups*outputs, rows.outputs, columns.outputs)
    T* grad_weight;                           // (groups*outputs, channels, rows.taps, columns.taps)

    WeightGradient(const Axis& rows, const Axis& columns) : rows(rows), columns(columns) {}
    Index depth() const { return channels * rows.taps * columns.taps; }
};

template <class T>
class WeightGradientComputer {
  public:
    explicit WeightGradientComputer(const WeightGradient<T>& work)
        : work_(work), planes_(work.rows, work.columns, work.images, work.channels) {
        constexpr Index enough_items = 8;      // for the threads of small machines
        constexpr Index enough_outputs = 128;  // in an item, to be worth filling planes for
        // Vectors of output channels, unless they would stay partly empty for want of channels.
        if (work.outputs < Vec<T>::size && planes_.images == 1) {
            with_tile_rows(tile_rows(work.outputs), [&](auto rows) { use_tile<DotTile<T, rows.value>>(false); });
        } else {
            const Index vectors = ceil_div(work.outputs, Vec<T>::size);
            use_tile<OuterTile<T, 1>>(true);
            if (round_up(vectors, 2) == vectors) use_tile<OuterTile<T, 2>>(true);
            if (tile_registers == 24 && round_up(vectors, 3) <= round_up(vectors, panel_ / Vec<T>::size)) {
                use_tile<OuterTile<T, 3>>(true);
            }
        }
        panels_ = ceil_div(work.outputs, panel_);
        block_depth_ = round_up(planes_.channels * planes_.taps(), tile_taps_);
        bands_ = ceil_div(work.rows.outputs, planes_.band);
        units_ = ceil_div(work.images, planes_.images) * bands_;
        Index parts = ceil_div(work.outputs, enough_outputs);
        chunk_ = even_part(units_, ceil_div(enough_items, work.groups * parts));
        chunks_ = ceil_div(units_, chunk_);
        parts = larger(parts, ceil_div(enough_items, work.groups * chunks_));
        panel_block_ = even_part(panels_, parts);
        panel_blocks_ = ceil_div(panels_, panel_block_);
        sums_ = ceil_div(work.channels, planes_.channels) * block_depth_ * panel_;
    }

    void run() const {
        const Index items = chunks_ * work_.groups * panel_blocks_;
        const Index workers = smaller(items, num_threads());
        const Index transposed = transposed_ ? planes_.pixels() * panel_ * panel_block_ : 0;
        const Index workspace = round_up(planes_.workspace() + transposed, 16);
        const Scratch offsets_memory(sizeof(Index) * block_depth_);
        const Scratch memory(sizeof(T) * (workers * workspace + chunks_ * work_.groups * panels_ * sums_));
        Index* offsets = static_cast<Index*>(offsets_memory.data());
        T* workspaces = static_cast<T*>(memory.data());
        T* sums = workspaces + workers * workspace;
        // The last tile's surplus taps compute something that nobody reads.
        for (Index k = 0; k < block_depth_; ++k) {
            offsets[k] = k < planes_.channels * planes_.taps() ? planes_.offsets()[k] : 0;
        }
        const double item_work = work_.depth() * panel_ * panel_block_ * planes_.pixels() * chunk_ / 8.0;
        parallel_for(workers, item_work * items / workers, [&](Index begin, Index end) {
            for (Index worker = begin; worker < end; ++worker) {
                T* mine = workspaces + worker * workspace;
                planes_.clear(mine);
                for (Index item = items * worker / workers; item < items * (worker + 1) / workers; ++item) {
                    compute(item, offsets, mine, sums);
                }
            }
        });
        add_chunks(sums);
    }

  private:
    template <class Tile>
    void use_tile(bool transposed) {
        accumulate_ = Tile::accumulate;
        panel_ = Tile::panel;
        tile_taps_ = Tile::taps;
        transposed_ = transposed;
    }

    // One item: a chunk of the units, a group and a block of panels, for all taps.
    void compute(Index item, const Index* offsets, T* workspace, T* sums) const {
        const Index panel0 = item % panel_blocks_ * panel_block_, panel1 = smaller(panels_, panel0 + panel_block_);
        const Index group = item / panel_blocks_ % work_.groups, chunk = item / panel_blocks_ / work_.groups;
        const Index input_channel = work_.rows.source * work_.columns.source;
        const Index input_image = work_.groups * work_.channels * input_channel;
        const Index grad_channel = work_.rows.outputs * work_.columns.outputs;
        T* packed = workspace + planes_.workspace();
        sums += (chunk * work_.groups + group) * panels_ * sums_;
        std::memset(sums + panel0 * sums_, 0, sizeof(T) * (panel1 - panel0) * sums_);
        for (Index unit = chunk * chunk_; unit < smaller(units_, (chunk + 1) * chunk_); ++unit) {
            const Index n0 = unit / bands_ * planes_.images, images = smaller(planes_.images, work_.images - n0);
            const Index top = unit % bands_ * planes_.band, rows = smaller(planes_.band, work_.rows.outputs - top);
            const T* input = work_.input + n0 * input_image + group * work_.channels * input_channel;
            const T* grad_output = work_.grad_output + (n0 * work_.groups + group) * work_.outputs * grad_channel +
                                   top * work_.columns.outputs;
            if (transposed_) {
                for (Index panel = panel0; panel < panel1; ++panel) {
                    transpose(grad_output, panel, images, rows, packed + (panel - panel0) * planes_.pixels() * panel_);
                }
            }
            // A zero in grad_output doesn't cancel what an earlier image left behind, which may be infinite.
            if (images < planes_.images) planes_.clear(workspace);
            for (Index c0 = 0; c0 < work_.channels; c0 += planes_.channels) {
                const Index channels = smaller(planes_.channels, work_.channels - c0);
                planes_.fill(workspace, input + c0 * input_channel, input_image, images, channels, top);
                WeightTile<T> tile;
                tile.planes = workspace;
                tile.grad_pitch = grad_channel;
                tile.pixels = rows * planes_.pitch;
                for (Index panel = panel0; panel < panel1; ++panel) {
                    tile.outputs = smaller(panel_, work_.outputs - panel * panel_);
                    tile.grad_output = transposed_ ? packed + (panel - panel0) * planes_.pixels() * panel_
                                                   : grad_output + panel * panel_ * grad_channel;
                    tile.sums = sums + panel * sums_ + c0 / planes_.channels * block_depth_ * panel_;
                    accumulate(tile, offsets, channels * planes_.taps());
                }
            }
        }
    }

    // Adds the products of all taps of a channel block, tile by tile.
    void accumulate(WeightTile<T> tile, const Index* offsets, Index taps) const {
        for (Index k = 0; k < taps; k += tile_taps_) {
            tile.offsets = offsets + k;
            accumulate_(tile);
            tile.sums += tile_taps_ * panel_;
        }
    }

    // Transposes a panel of rows of grad_output to [row][image][column][panel], zero where there is none.
    void transpose(const T* grad_output, Index panel, Index images, Index rows, T* packed) const {
        const Index columns = work_.columns.outputs, channel = work_.rows.outputs * columns;
        const Index outputs = smaller(panel_, work_.outputs - panel * panel_);
        grad_output += panel * panel_ * channel;
        if (images < planes_.images || outputs < panel_) {
            std::memset(packed, 0, sizeof(T) * rows * planes_.pitch * panel_);
        }
        for (Index i = 0; i < rows; ++i) {
            T* to = packed + i * planes_.pitch * panel_;
            for (Index n = 0; n < images; ++n) {
                const T* from = grad_output + n * work_.groups * work_.outputs * channel + i * columns;
                for (Index j = 0; j < columns; ++j, to += panel_) {
                    for (Index o = 0; o < outputs; ++o) to[o] = from[o * channel + j];
                }
            }
        }
    }

    // Adds the chunks' sums in order, and transposes them to where they belong.
    void add_chunks(T* sums) const {
        constexpr Index tile = 64 / sizeof(T);  // taps that share a cache line of the result
        const Index chunk_pitch = work_.groups * panels_ * sums_;
        const Index blocks = sums_ / (block_depth_ * panel_), block_taps = planes_.channels * planes_.taps();
        const double item_work = block_taps * panel_ * (1.0 + 0.25 * chunks_);
        parallel_for(work_.groups * panels_ * blocks, item_work, [&](Index begin, Index end) {
            for (Index item = begin; item < end; ++item) {
                const Index k0 = item % blocks * block_taps, taps = smaller(block_taps, work_.depth() - k0);
                const Index o0 = item / blocks % panels_ * panel_, outputs = smaller(panel_, work_.outputs - o0);
                const Index group = item / blocks / panels_;
                T* total = sums + item * block_depth_ * panel_;
                for (Index chunk = 1; chunk < chunks_; ++chunk) {
                    const T* more = total + chunk * chunk_pitch;
                    for (Index i = 0; i < taps * panel_; ++i) total[i] += more[i];
                }
                T* to = work_.grad_weight + (group * work_.outputs + o0) * work_.depth() + k0;
                for (Index start = 0; start < taps; start += tile) {
                    for (Index o = 0; o < outputs; ++o) {
                        for (Index k = start; k < smaller(taps, start + tile); ++k) {
                            to[o * work_.depth() + k] = total[k * panel_ + o];
                        }
                    }
                }
            }
        });
    }

    const WeightGradient<T> work_;
    const Planes<T> planes_;
    void (*accumulate_)(const WeightTile<T>& tile);
    Index tile_taps_;
    bool transposed_;
    Index panel_, panels_;              // a panel is the output channels of a tile
    Index panel_block_, panel_blocks_;  // panels of an item
    Index block_depth_;                 // taps of a channel block, padded to whole tiles
    Index bands_, units_;               // a unit is a band of rows of a block of images
    Index chunk_, chunks_;              // of units
    Index sums_;                        // elements of an item's partial sums
};

}  // namespace
}  // namespace mt
