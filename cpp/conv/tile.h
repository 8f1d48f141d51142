// The register tile of the forward convolution and the input gradient: MR output channels x NV vectors of pixels.
//
//   out[m][p] = start[m][p] + Σ_k weights[k][m] * planes[offsets[k] + p]
//
// The planes are read where they lie, with unaligned loads; only the weights are packed.
#pragma once

#include "conv/axis.h"
#include "simd.h"

namespace mt {
namespace {

template <class T>
struct Tile {
    Index depth;           // number of k
    const T* weights;      // [depth][MR]
    const T* planes;       // at the first pixel
    const Index* offsets;  // [depth]
    T* out;                // at the first pixel of the first channel
    Index out_pitch;       // from channel to channel
    const T* bias;         // what a sum starts from: bias[m], zero if null,
    bool accumulate;       // or what `out` holds
    Index rows;            // channels to write, at most MR
    int last;              // pixels in the last vector
};

template <class T, int MR, int NV>
void compute_tile(const Tile<T>& t) {
    using V = Vec<T>;
    V sum[MR][NV];
    for (int m = 0; m < MR; ++m) {
        for (int v = 0; v < NV; ++v) sum[m][v] = V::zero();
    }
    const T* weights = t.weights;
    for (Index k = 0; k < t.depth; ++k, weights += MR) {
        const T* pixels = t.planes + t.offsets[k];
        __builtin_prefetch(weights + t.depth * MR);  // the next panel's: all of them together exceed the L2 cache
        V pixel[NV];
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) pixel[v] = V::load(pixels + v * V::size);
#pragma GCC unroll 8
        for (int m = 0; m < MR; ++m) {
            const V weight = V::set1(weights[m]);
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) sum[m][v] = fma(weight, pixel[v], sum[m][v]);
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < MR; ++m) {
        if (m >= t.rows) break;
        T* out = t.out + m * t.out_pitch;
        const V bias = t.bias ? V::set1(t.bias[m]) : V::zero();
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) {
            const int lanes = v == NV - 1 ? t.last : V::size;
            const V start = t.accumulate ? V::load_partial(out + v * V::size, lanes) : bias;
            (sum[m][v] + start).store_partial(out + v * V::size, lanes);
        }
    }
}

// How many vectors of accumulators leave room for the operands.
#if defined(MT_ISA_AVX512) || defined(MT_ISA_NEON)
constexpr int tile_registers = 24;
#else
constexpr int tile_registers = 12;
#endif

// The width of the tile with MR channels, in vectors.
constexpr int tile_vectors(Index mr) { return mr <= 2 ? 6 : tile_registers / static_cast<int>(mr); }

// The height of the tiles for `channels` output channels: the least padding, but tall tiles load less per product.
inline Index tile_rows(Index channels) {
    constexpr Index heights[][2] = {{8, 40}, {6, 40}, {4, 42}, {2, 60}, {1, 100}};  // rows, relative cost of a row
    Index best = 6;
    Index best_cost = 0;
    for (const auto& [rows, cost] : heights) {
        if (tile_vectors(rows) < 2) continue;
        const Index total = ceil_div(channels, rows) * rows * cost;
        if (best_cost == 0 || total < best_cost) {
            best = rows;
            best_cost = total;
        }
    }
    return best;
}

// Computes `pixels` pixels of one panel of MR channels, t.last excepted, as tiles of nearly equal width.
template <class T, int MR>
void compute_panel(Tile<T> t, Index pixels) {
    using V = Vec<T>;
    constexpr int widest = tile_vectors(MR);
    const Index vectors = ceil_div(pixels, V::size), tiles = ceil_div(vectors, widest);
    const T* planes = t.planes;
    T* out = t.out;
    for (Index i = 0; i < tiles; ++i) {
        const Index begin = vectors * i / tiles, end = vectors * (i + 1) / tiles;
        t.planes = planes + begin * V::size;
        t.out = out + begin * V::size;
        t.last = static_cast<int>(smaller(V::size, pixels - (end - 1) * V::size));
        switch (end - begin) {
            case 1:
                compute_tile<T, MR, 1>(t);
                break;
            case 2:
                compute_tile<T, MR, 2>(t);
                break;
            case 3:
                compute_tile<T, MR, smaller(widest, 3)>(t);
                break;
            case 4:
                compute_tile<T, MR, smaller(widest, 4)>(t);
                break;
            case 5:
                compute_tile<T, MR, smaller(widest, 5)>(t);
                break;
            default:
                compute_tile<T, MR, smaller(widest, 6)>(t);
                break;
        }
    }
}

template <int N>
struct Constant {
    static constexpr int value = N;
};

// Calls body with the height of a tile, as tile_rows chose it, for a compile-time constant.
template <class Body>
void with_tile_rows(Index rows, const Body& body) {
    switch (rows) {
        case 1:
            return body(Constant<1>());
        case 2:
            return body(Constant<2>());
        case 4:
            return body(Constant<4>());
        case 6:
            return body(Constant<6>());
        default:
            return body(Constant<8>());
    }
}

}  // namespace
}  // namespace mt
