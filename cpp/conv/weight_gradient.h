// The gradient of the weight:
//
//   grad_weight[g][o][c][a][b] = Σ_{n,i,j} grad_output[n][g][o][i][j] * input[n][g][c][rows(i, a)][columns(j, b)]
//
// For each block of images and band of rows, grad_output is transposed to [pixel][o], so that a vector holds output
// channels, and every tap multiplies its element of the planes with that vector. The pixels of the whole batch are cut
// into chunks by shape alone; their partial sums are added in order.
#pragma once

#include "conv/planes.h"
#include "memory.h"
#include "parallel.h"

namespace mt {
namespace {

template <class T>
struct WeightGradient {
    Index images, groups, channels, outputs;  // channels and outputs of one group
    Axis rows, columns;
    const T* input;        // (images, groups*channels, rows.source, columns.source)
    const T* grad_output;  // (images, groups*outputs, rows.outputs, columns.outputs)
    T* grad_weight;        // (groups*outputs, channels, rows.taps, columns.taps)

    Index taps() const { return rows.taps * columns.taps; }
    Index depth() const { return channels * taps(); }
};

#if defined(MT_ISA_AVX512) || defined(MT_ISA_NEON)
constexpr int taps_per_tile = 8, widest_tile = 3;  // vectors of output channels
#else
constexpr int taps_per_tile = 6, widest_tile = 2;
#endif

// sums[tap][o] += Σ_p planes[offsets[tap] + p] * grad_output[p][o]
template <class T, int NV>
void accumulate_tile(const T* planes, const Index* offsets, const T* grad_output, Index pixels, T* sums) {
    using V = Vec<T>;
    V sum[taps_per_tile][NV];
    const T* tap[taps_per_tile];
    for (int k = 0; k < taps_per_tile; ++k) {
        tap[k] = planes + offsets[k];
        for (int v = 0; v < NV; ++v) sum[k][v] = V::zero();
    }
    for (Index p = 0; p < pixels; ++p, grad_output += NV * V::size) {
        V grad[NV];
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) grad[v] = V::load(grad_output + v * V::size);
#pragma GCC unroll 8
        for (int k = 0; k < taps_per_tile; ++k) {
            const V pixel = V::set1(tap[k][p]);
#pragma GCC unroll 4
            for (int v = 0; v < NV; ++v) sum[k][v] = fma(pixel, grad[v], sum[k][v]);
        }
    }
#pragma GCC unroll 8
    for (int k = 0; k < taps_per_tile; ++k) {
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v, sums += V::size) (V::load(sums) + sum[k][v]).store(sums);
    }
}

// How the work is cut, by its shape alone.
template <class T>
struct WeightBlocking {
    PlaneLayout layout;
    Index vectors, panel, panels;      // a panel is a number of vectors of output channels
    Index channel_blocks, block_taps;  // taps of a channel block, padded to whole tiles
    Index bands, units;                // blocks of images x bands of rows
    Index chunk, chunks;               // of units

    Index pixels() const { return layout.band * layout.pitch(); }
    Index plane_elements() const { return round_up(layout.channels * layout.channel(), 16); }
    Index sum_elements() const { return channel_blocks * block_taps * panel; }  // partial sums of an item
};

template <class T>
WeightBlocking<T> choose_blocking(const WeightGradient<T>& work) {
    constexpr Index items = 8;  // enough for the threads of small machines
    WeightBlocking<T> b;
    b.layout = choose_layout<T>(work.rows, work.columns, work.images, work.channels);
    const Index vectors = ceil_div(work.outputs, Vec<T>::size);
    b.vectors = 1;
    for (Index v = 2; v <= widest_tile; ++v) {
        if (round_up(vectors, v) <= round_up(vectors, b.vectors)) b.vectors = v;
    }
    b.panel = b.vectors * Vec<T>::size;
    b.panels = ceil_div(vectors, b.vectors);
    b.channel_blocks = ceil_div(work.channels, b.layout.channels);
    b.block_taps = round_up(b.layout.channels * work.taps(), taps_per_tile);
    b.bands = ceil_div(work.rows.outputs, b.layout.band);
    b.units = ceil_div(work.images, b.layout.images) * b.bands;
    b.chunk = even_part(b.units, ceil_div(items, work.groups * b.panels));
    b.chunks = ceil_div(b.units, b.chunk);
    return b;
}

// Transposes `images` x `rows` rows of `channels` channels to [row][image][column][panel], zero where there is none.
template <class T>
void pack_grad_output(const WeightGradient<T>& work, const WeightBlocking<T>& b, const T* from, Index images,
                      Index rows, Index channels, T* packed) {
    const Index columns = work.columns.outputs, channel = work.rows.outputs * columns;
    if (images < b.layout.images || channels < b.panel) {
        std::memset(packed, 0, sizeof(T) * rows * b.layout.pitch() * b.panel);
    }
    for (Index i = 0; i < rows; ++i) {
        for (Index n = 0; n < images; ++n) {
            const T* row = from + n * work.groups * work.outputs * channel + i * columns;
            T* to = packed + (i * b.layout.pitch() + n * columns) * b.panel;
            for (Index j = 0; j < columns; ++j, to += b.panel) {
                for (Index o = 0; o < channels; ++o) to[o] = row[o * channel + j];
            }
        }
    }
}

template <class T>
void accumulate_block(const WeightBlocking<T>& b, const T* planes, const Index* offsets, Index taps,
                      const T* grad_output, Index pixels, T* sums) {
    for (Index k = 0; k < taps; k += taps_per_tile) {
        switch (b.vectors) {
            case 1:
                accumulate_tile<T, 1>(planes, offsets + k, grad_output, pixels, sums + k * b.panel);
                break;
            case 2:
                accumulate_tile<T, 2>(planes, offsets + k, grad_output, pixels, sums + k * b.panel);
                break;
            default:
                accumulate_tile<T, widest_tile>(planes, offsets + k, grad_output, pixels, sums + k * b.panel);
        }
    }
}

// One item: a chunk of the units, a group and a panel of output channels, for all taps.
template <class T>
void weight_gradient_item(const WeightGradient<T>& work, const WeightBlocking<T>& b, Index item, const Index* offsets,
                          T* scratch, T* sums) {
    const PlaneLayout& layout = b.layout;
    const Index panel = item % b.panels, group = item / b.panels % work.groups;
    const Index chunk = item / b.panels / work.groups;
    const Index o0 = panel * b.panel, outputs = smaller(b.panel, work.outputs - o0);
    const Index source_channel = work.rows.source * work.columns.source;
    const Index out_channel = work.rows.outputs * work.columns.outputs;
    T* packed = scratch + b.plane_elements();
    const PlaneFiller<T> planes(layout, scratch, packed + b.pixels() * b.panel);
    std::memset(sums, 0, sizeof(T) * b.sum_elements());
    for (Index unit = chunk * b.chunk; unit < smaller(b.units, (chunk + 1) * b.chunk); ++unit) {
        const Index n0 = unit / b.bands * layout.images, images = smaller(layout.images, work.images - n0);
        const Index top = unit % b.bands * layout.band, rows = smaller(layout.band, work.rows.outputs - top);
        const T* input = work.input + (n0 * work.groups + group) * work.channels * source_channel;
        const T* grad_output = work.grad_output + ((n0 * work.groups + group) * work.outputs + o0) * out_channel +
                               top * work.columns.outputs;
        pack_grad_output(work, b, grad_output, images, rows, outputs, packed);
        // A zero in grad_output doesn't cancel what an earlier image left behind, which may be infinite.
        if (images < layout.images) std::memset(scratch, 0, sizeof(T) * b.plane_elements());
        for (Index block = 0; block < b.channel_blocks; ++block) {
            const Index c0 = block * layout.channels, channels = smaller(layout.channels, work.channels - c0);
            planes.fill(input + c0 * source_channel, work.groups * work.channels * source_channel, images,
                        source_channel, channels, top);
            accumulate_block(b, scratch, offsets, channels * work.taps(), packed, rows * layout.pitch(),
                             sums + block * b.block_taps * b.panel);
        }
    }
}

// Adds the chunks' sums in order and writes them where they belong.
template <class T>
void add_chunks(const WeightGradient<T>& work, const WeightBlocking<T>& b, const T* sums) {
    const Index chunk_pitch = work.groups * b.panels * b.sum_elements();
    const Index in_block = b.layout.channels * work.taps();
    parallel_for(work.groups * work.outputs, work.depth() * b.chunks, [&](Index begin, Index end) {
        for (Index o = begin; o < end; ++o) {
            const Index group = o / work.outputs, in_group = o % work.outputs;
            const T* from = sums + (group * b.panels + in_group / b.panel) * b.sum_elements() + in_group % b.panel;
            T* to = work.grad_weight + o * work.depth();
            for (Index k = 0; k < work.depth(); ++k) {
                const T* partial = from + (k / in_block * b.block_taps + k % in_block) * b.panel;
                T sum = partial[0];
                for (Index chunk = 1; chunk < b.chunks; ++chunk) sum += partial[chunk * chunk_pitch];
                to[k] = sum;
            }
        }
    });
}

template <class T>
void weight_gradient(const WeightGradient<T>& work) {
    const Index size = work.groups * work.outputs * work.depth();
    if (size == 0) return;
    if (work.images == 0 || work.rows.outputs == 0 || work.columns.outputs == 0) {
        std::memset(work.grad_weight, 0, sizeof(T) * size);
        return;
    }
    const WeightBlocking<T> b = choose_blocking(work);
    const Index items = work.groups * b.panels * b.chunks;
    const Index workers = smaller(items, num_threads());
    const Index per_worker = round_up(b.plane_elements() + b.pixels() * b.panel + b.layout.split(), 16);
    const Scratch offsets_memory(sizeof(Index) * b.block_taps);
    const Scratch memory(sizeof(T) * (workers * per_worker + items * b.sum_elements()));
    Index* offsets = static_cast<Index*>(offsets_memory.data());
    T* scratch = static_cast<T*>(memory.data());
    T* sums = scratch + workers * per_worker;
    b.layout.fill_offsets(offsets);
    // The last tile's surplus taps compute something that nobody reads.
    for (Index k = b.layout.channels * work.taps(); k < b.block_taps; ++k) offsets[k] = 0;
    const double item_work = work.depth() * b.panel * b.pixels() * b.chunk / 8.0;
    parallel_for(workers, item_work * items / workers, [&](Index begin, Index end) {
        for (Index worker = begin; worker < end; ++worker) {
            T* mine = scratch + worker * per_worker;
            std::memset(mine, 0, sizeof(T) * b.plane_elements());
            for (Index item = items * worker / workers; item < items * (worker + 1) / workers; ++item) {
                weight_gradient_item(work, b, item, offsets, mine, sums + item * b.sum_elements());
            }
        }
    });
    add_chunks(work, b, sums);
}

}  // namespace
}  // namespace mt
