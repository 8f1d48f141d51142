// The two register tiles of the weight gradient. Both compute, for a few taps k and a few output channels o,
//
//   sums[k][o] += Σ_p planes[offsets[k] + p] * grad_output[o][p]
//
// One has output channels in its vectors; it is the faster where there are enough of them to fill a vector. The other
// has pixels, and needs no transposed copy of grad_output.
#pragma once

#include "conv/tile.h"

namespace mt {
namespace {

template <class T>
struct WeightTile {
    const T* planes;
    const Index* offsets;  // of the tile's taps
    const T* grad_output;  // see the tiles
    Index grad_pitch;
    Index outputs;  // channels of grad_output
    Index pixels;
    T* sums;  // [tap][panel]
};

// Vectors of output channels: grad_output is transposed, [pixel][NV vectors].
template <class T, int NV>
struct OuterTile {
    static constexpr int panel = NV * Vec<T>::size;
    static constexpr int taps = smaller(8, tile_registers / NV);

    static void accumulate(const WeightTile<T>& t) {
        using V = Vec<T>;
        V sum[taps][NV];
        const T* tap[taps];
        for (int k = 0; k < taps; ++k) {
            tap[k] = t.planes + t.offsets[k];
            for (int v = 0; v < NV; ++v) sum[k][v] = V::zero();
        }
        const T* grad_output = t.grad_output;
        for (Index p = 0; p < t.pixels; ++p, grad_output += panel) {
            V grad[NV];
#pragma GCC unroll 4
            for (int v = 0; v < NV; ++v) grad[v] = V::load(grad_output + v * V::size);
#pragma GCC unroll 8
            for (int k = 0; k < taps; ++k) {
                const V pixel = V::set1(tap[k][p]);
#pragma GCC unroll 4
                for (int v = 0; v < NV; ++v) sum[k][v] = fma(pixel, grad[v], sum[k][v]);
            }
        }
        T* sums = t.sums;
#pragma GCC unroll 8
        for (int k = 0; k < taps; ++k) {
#pragma GCC unroll 4
            for (int v = 0; v < NV; ++v, sums += V::size) (V::load(sums) + sum[k][v]).store(sums);
        }
    }
};

// Vectors of pixels: grad_output as it is, [MR channels][pixel].
template <class T, int MR>
struct DotTile {
    static constexpr int panel = MR;
    static constexpr int taps = tile_vectors(MR);

    static void accumulate(const WeightTile<T>& t) {
        using V = Vec<T>;
        V sum[MR][taps];
        const T* grad[MR];
        const T* tap[taps];
        for (int m = 0; m < MR; ++m) {
            // Surplus channels repeat the last; nobody reads what they give.
            grad[m] = t.grad_output + smaller(m, t.outputs - 1) * t.grad_pitch;
            for (int k = 0; k < taps; ++k) sum[m][k] = V::zero();
        }
        for (int k = 0; k < taps; ++k) tap[k] = t.planes + t.offsets[k];
        const auto step = [&](auto load) {
            V pixel[taps];
#pragma GCC unroll 8
            for (int k = 0; k < taps; ++k) pixel[k] = load(tap[k]);
#pragma GCC unroll 8
            for (int m = 0; m < MR; ++m) {
                const V g = load(grad[m]);
#pragma GCC unroll 8
                for (int k = 0; k < taps; ++k) sum[m][k] = fma(g, pixel[k], sum[m][k]);
            }
        };
        Index p = 0;
        for (; p + V::size <= t.pixels; p += V::size) {
            step([p](const T* from) { return V::load(from + p); });
        }
        const int rest = static_cast<int>(t.pixels - p);
        if (rest > 0) step([p, rest](const T* from) { return V::load_partial(from + p, rest); });
#pragma GCC unroll 8
        for (int m = 0; m < MR; ++m) {
#pragma GCC unroll 8
            for (int k = 0; k < taps; ++k) t.sums[k * MR + m] += reduce_add(sum[m][k]);
        }
    }
};

}  // namespace
}  // namespace mt
