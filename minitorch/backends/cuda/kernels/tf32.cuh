// Tiles of a matrix product on tensor cores (see operand.cuh).
#pragma once

// BM x BN outputs on tensor cores, WM x WN of them a warp: float operands rounded to 10 bits of mantissa, float sums.
// STAGES slices of depth BK are in shared memory; STAGES - 1 of them may still be on their way there, by asynchronous
// copies that need no registers. A multiprocessor holds AtOnce blocks. Needs compute capability 8.0.
template <int BM, int BN, int BK, int WM, int WN, int STAGES, int AtOnce>
struct Tf32 {
    static constexpr int ROWS = BM, COLUMNS = BN, DEPTH = BK, THREADS = (BM / WM) * (BN / WN) * 32, BLOCKS = AtOnce;
    static constexpr int SUMS_PITCH = WN + 8;
    static_assert(WM % 32 == 0 && WN % 32 == 0, "sums are written by 32 rows and 32 columns");
    static_assert(THREADS * SUMS_PITCH <= STAGES * (BM + BN) * (BK + 4), "sums pass through the slices' memory");

    float sums[WM / 16][WN / 8][4];

    // A slice lies in shared memory in the order of global memory, as (SIZE, BK) or (BK, SIZE). The eight rows and four
    // depths that a warp reads at once are in 32 different banks: rows 4 apart (modulo 8), or depths 8 apart (modulo 32).
    template <class Operand, int SIZE>
    struct Slice {
        typedef Share<Operand, SIZE, BK, THREADS, STAGES> Part;
        static constexpr int PITCH = Operand::ALONG_DEPTH ? BK + 4 : SIZE + 8;
        static constexpr int FLOATS = Operand::ALONG_DEPTH ? SIZE * PITCH : BK * PITCH;
        static_assert(FLOATS <= SIZE * (BK + 4), "fits what the host reserves, whatever the order");

        static __device__ __forceinline__ int place(int row, int depth) {
            return Operand::ALONG_DEPTH ? row * PITCH + depth : depth * PITCH + row;
        }
        static __device__ __forceinline__ void copy(float* slice, const Part& part, int k, int slot) {
            part.each(k, slot, [&](int i, const float* address, bool inside) {
                copy_async<4 * Operand::VECTOR>(slice + place(Part::row(i), Part::depth(i)), address, inside);
            });
        }
        static __device__ __forceinline__ float at(const float* slice, int row, int depth) {
            return to_tf32(slice[place(row, depth)]);
        }
    };

    // This thread's place: its warp's corner of the tile, and its own in the fragments of mma_tf32_16x8x8.
    static __device__ __forceinline__ int warp_row() { return threadIdx.x / 32 / (BN / WN) * WM; }
    static __device__ __forceinline__ int warp_column() { return threadIdx.x / 32 % (BN / WN) * WN; }
    static __device__ __forceinline__ int group() { return threadIdx.x % 32 / 4; }
    static __device__ __forceinline__ int member() { return threadIdx.x % 4; }

    template <class A, class B>
    __device__ __forceinline__ void accumulate(const float* a, const float* b) {
        typedef Slice<A, BM> SliceA;
        typedef Slice<B, BN> SliceB;
        const int m = warp_row() + group(), n = warp_column() + group();
#pragma unroll
        for (int k = 0; k < BK; k += 8) {
            const int t = k + member();
            float a_values[WM / 16][4], b_values[WN / 8][2];
#pragma unroll
            for (int i = 0; i < WM / 16; ++i) {
                a_values[i][0] = SliceA::at(a, m + i * 16, t);
                a_values[i][1] = SliceA::at(a, m + i * 16 + 8, t);
                a_values[i][2] = SliceA::at(a, m + i * 16, t + 4);
                a_values[i][3] = SliceA::at(a, m + i * 16 + 8, t + 4);
            }
#pragma unroll
            for (int j = 0; j < WN / 8; ++j) {
                b_values[j][0] = SliceB::at(b, n + j * 8, t);
                b_values[j][1] = SliceB::at(b, n + j * 8, t + 4);
            }
#pragma unroll
            for (int i = 0; i < WM / 16; ++i)
#pragma unroll
                for (int j = 0; j < WN / 8; ++j) mma_tf32_16x8x8(sums[i][j], a_values[i], b_values[j]);
        }
    }

    template <class A, class B>
    __device__ __forceinline__ void multiply(const A& a, const B& b, int m0, int n0, int k_begin, int k_end) {
        typedef Slice<A, BM> SliceA;
        typedef Slice<B, BN> SliceB;
        MT_DYNAMIC_SHARED(float, shared);  // STAGES slices of a, then STAGES slices of b
        float* const a_slices = shared;
        float* const b_slices = shared + STAGES * SliceA::FLOATS;
        const typename SliceA::Part a_part(a, m0);
        const typename SliceB::Part b_part(b, n0);
#pragma unroll
        for (int i = 0; i < WM / 16; ++i)
#pragma unroll
            for (int j = 0; j < WN / 8; ++j)
#pragma unroll
                for (int q = 0; q < 4; ++q) sums[i][j][q] = 0.0f;

        const int steps = k_begin < k_end ? tiles(k_end - k_begin, BK) : 0;
        const auto prepare = [&](int step, int stage) {
            a_part.prepare(k_begin + step * BK, stage);
            b_part.prepare(k_begin + step * BK, stage);
        };
        // A group of copies is committed at each step, if need be an empty one: so the group of step s is always the
        // s-th, and it has arrived when all but the latest STAGES - 2 have.
        const auto copy = [&](int step, int stage) {
            if (step < steps) {
                SliceA::copy(a_slices + stage * SliceA::FLOATS, a_part, k_begin + step * BK, stage);
                SliceB::copy(b_slices + stage * SliceB::FLOATS, b_part, k_begin + step * BK, stage);
            }
            copy_async_commit();
        };
        // What is known of a slice is prepared a barrier before the slice is copied.
        for (int step = 0; step < STAGES; ++step) prepare(step, step);
        if constexpr (A::TABULATED || B::TABULATED) __syncthreads();
        for (int step = 0; step < STAGES - 1; ++step) copy(step, step);
        int now = 0, last = STAGES - 1;  // the stages of this step, and of the one before, which is free
        for (int step = 0; step < steps; ++step) {
            copy_async_wait<STAGES - 2>();
            __syncthreads();  // everybody's copies have arrived, and everybody has read the slice that is overwritten next
            copy(step + STAGES - 1, last);
            prepare(step + STAGES, now);
            accumulate<A, B>(a_slices + now * SliceA::FLOATS, b_slices + now * SliceB::FLOATS);
            last = now;
            now = now + 1 < STAGES ? now + 1 : 0;
        }
        copy_async_wait<0>();
    }

    // Each warp passes its sums through shared memory, 32 rows at a time, so that its threads write neighbours.
    template <class Output>
    __device__ __forceinline__ void write(const Output& output, int m0, int n0) const {
        MT_DYNAMIC_SHARED(float, shared);
        const int lane = threadIdx.x % 32;
        float* const own = shared + threadIdx.x / 32 * (32 * SUMS_PITCH);
        decltype(output.column(0)) columns[WN / 32];
#pragma unroll
        for (int j = 0; j < WN / 32; ++j) columns[j] = output.column(n0 + warp_column() + j * 32 + lane);
        __syncthreads();  // everybody has read the last slices
#pragma unroll
        for (int i = 0; i < WM / 16; i += 2) {
#pragma unroll
            for (int q = 0; q < 4; ++q)
#pragma unroll
                for (int j = 0; j < WN / 8; ++j) {
                    const Vector<float, 2> pair = {sums[i + q / 2][j][q % 2 * 2], sums[i + q / 2][j][q % 2 * 2 + 1]};
                    float* const to = own + (q * 8 + group()) * SUMS_PITCH + j * 8 + member() * 2;
                    *reinterpret_cast<Vector<float, 2>*>(to) = pair;
                }
            __syncwarp();
#pragma unroll 8
            for (int row = 0; row < 32; ++row)
#pragma unroll
                for (int j = 0; j < WN / 32; ++j)
                    output.put(m0 + warp_row() + i * 16 + row, columns[j], own[row * SUMS_PITCH + j * 32 + lane]);
            __syncwarp();
        }
    }

    // Calls visit(m, n) for every place that this thread writes.
    template <class Visit>
    static __device__ __forceinline__ void each_place(int m0, int n0, const Visit& visit) {
        const int m = m0 + warp_row(), n = n0 + warp_column() + threadIdx.x % 32;
#pragma unroll 1
        for (int i = 0; i < WM * (WN / 32); ++i) visit(m + i / (WN / 32), n + i % (WN / 32) * 32);
    }
};
