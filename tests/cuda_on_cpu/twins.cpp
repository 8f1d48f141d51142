// What tensor cores do, as device.cuh asks for it in PTX: the same on a CPU, lane by lane.
#include "shim.h"

float to_tf32(float x) {
    const unsigned bits = __float_as_uint(x);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) return __uint_as_float(0x7FFFFFFF);  // NaN
    return __uint_as_float((bits + 0x1000) & 0xFFFFE000);
}

namespace {
struct Fragments {
    float* d;
    const float *a, *b;
};
// The tensor cores don't look at the last 13 bits of their factors.
float truncated(float x) { return __uint_as_float(__float_as_uint(x) & 0xFFFFE000); }
}  // namespace

void mma_tf32_16x8x8(float (&d)[4], const float (&a)[4], const float (&b)[2], int line) {
    Fragments mine{d, a, b};
    const mt::Combine multiply = [](void* const payloads[32], unsigned mask) {
        if (mask != 0xFFFFFFFF) mt::fail("mma needs all lanes of a warp");
        float a[16][8], b[8][8];
        for (int lane = 0; lane < 32; ++lane) {
            const auto* part = static_cast<const Fragments*>(payloads[lane]);
            const int g = lane / 4, t = lane % 4;
            for (int i = 0; i < 4; ++i) a[g + i % 2 * 8][t + i / 2 * 4] = truncated(part->a[i]);
            for (int i = 0; i < 2; ++i) b[t + i * 4][g] = truncated(part->b[i]);
        }
        for (int lane = 0; lane < 32; ++lane) {
            float* d = static_cast<Fragments*>(payloads[lane])->d;
            for (int i = 0; i < 4; ++i) {
                const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
                for (int k = 0; k < 8; ++k) d[i] += a[row][k] * b[k][column];
            }
        }
    };
    mt::warp_collective(0xFFFFFFFF, line, multiply, &mine);
}
