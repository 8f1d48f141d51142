// Tiles of a matrix product on the ordinary arithmetic units (see operand.cuh).
#pragma once

template <class T, int N>
struct __align__(sizeof(T) * N) Vector {
    T of[N];
};

// BM x BN outputs by ordinary multiply-adds, TM x TN of them a thread. While one slice of depth BK is multiplied, the
// next is on its way from global memory to registers; the slices take turns in two buffers. A multiprocessor holds
// AtOnce blocks, which bounds the registers: one multiplies while another waits at its barrier or writes.
template <class T, int BM, int BN, int BK, int TM, int TN, int AtOnce>
struct Simt {
    static constexpr int ROWS = BM, COLUMNS = BN, DEPTH = BK, THREADS = (BM / TM) * (BN / TN), BLOCKS = AtOnce;
    // Neighbouring threads read neighbouring 16 bytes of shared memory: no bank conflicts. So a thread's rows come in
    // groups of 16 bytes, which lie as far apart as all threads together are wide; and so do its columns.
    static constexpr int WIDE = 16 / sizeof(T);
    static constexpr int GM = TM < WIDE ? TM : WIDE, GN = TN < WIDE ? TN : WIDE;
    static constexpr int PAD = WIDE;  // keeps 16-byte alignment and spreads what is stored along k over the banks

    T sums[TM][TN];

    static __device__ __forceinline__ int row(int i) {
        return i / GM * (BM / TM * GM) + threadIdx.x / (BN / TN) * GM + i % GM;
    }
    static __device__ __forceinline__ int column(int j) {
        return j / GN * (BN / TN * GN) + threadIdx.x % (BN / TN) * GN + j % GN;
    }

    // One thread's part of the next slice, in registers.
    template <class Operand, int SIZE>
    struct Staged {
        typedef Share<Operand, SIZE, BK, THREADS, 2> Part;
        static constexpr int V = Operand::VECTOR;
        Vector<T, V> values[Part::COUNT];

        __device__ __forceinline__ void fetch(const Part& part, int k, int slot) {
            part.each(k, slot, [&](int i, const T* address, bool inside) {
#pragma unroll
                for (int v = 0; v < V; ++v) values[i].of[v] = T(0);
                if (inside) values[i] = *reinterpret_cast<const Vector<T, V>*>(address);
            });
        }

        // The slice lies in shared memory as (BK, SIZE): what a step of k needs is contiguous.
        __device__ __forceinline__ void store(T (&slice)[BK][SIZE + PAD]) const {
#pragma unroll
            for (int i = 0; i < Part::COUNT; ++i) {
                if constexpr (Operand::ALONG_DEPTH) {
#pragma unroll
                    for (int v = 0; v < V; ++v) slice[Part::depth(i) + v][Part::row(i)] = values[i].of[v];
                } else {
                    *reinterpret_cast<Vector<T, V>*>(&slice[Part::depth(i)][Part::row(i)]) = values[i];
                }
            }
        }
    };

    __device__ __forceinline__ void accumulate(const T (&a)[BK][BM + PAD], const T (&b)[BK][BN + PAD]) {
#pragma unroll
        for (int k = 0; k < BK; ++k) {
            T a_values[TM], b_values[TN];
#pragma unroll
            for (int i = 0; i < TM; i += GM)
                *reinterpret_cast<Vector<T, GM>*>(&a_values[i]) = *reinterpret_cast<const Vector<T, GM>*>(&a[k][row(i)]);
#pragma unroll
            for (int j = 0; j < TN; j += GN)
                *reinterpret_cast<Vector<T, GN>*>(&b_values[j]) =
                    *reinterpret_cast<const Vector<T, GN>*>(&b[k][column(j)]);
#pragma unroll
            for (int i = 0; i < TM; ++i)
#pragma unroll
                for (int j = 0; j < TN; ++j) sums[i][j] += a_values[i] * b_values[j];
        }
    }

    // The sums over k_begin <= k < k_end of the tile whose first row is m0 and whose first column is n0.
    template <class A, class B>
    __device__ __forceinline__ void multiply(const A& a, const B& b, int m0, int n0, int k_begin, int k_end) {
        __shared__ __align__(16) T a_slices[2][BK][BM + PAD];
        __shared__ __align__(16) T b_slices[2][BK][BN + PAD];
        const typename Staged<A, BM>::Part a_part(a, m0);
        const typename Staged<B, BN>::Part b_part(b, n0);
        Staged<A, BM> a_next;
        Staged<B, BN> b_next;
#pragma unroll
        for (int i = 0; i < TM; ++i)
#pragma unroll
            for (int j = 0; j < TN; ++j) sums[i][j] = T(0);
        if (k_begin >= k_end) return;

        // What is known of a slice is prepared a barrier before the slice is fetched.
        const auto fetch = [&](int k, int slot) {
            a_next.fetch(a_part, k, slot);
            b_next.fetch(b_part, k, slot);
            a_part.prepare(k + BK, slot ^ 1);
            b_part.prepare(k + BK, slot ^ 1);
        };
        const auto store = [&](int slot) {
            a_next.store(a_slices[slot]);
            b_next.store(b_slices[slot]);
            __syncthreads();
        };
        a_part.prepare(k_begin, 0);
        b_part.prepare(k_begin, 0);
        if constexpr (A::TABULATED || B::TABULATED) __syncthreads();
        fetch(k_begin, 0);
        store(0);
        int now = 0;
        for (int k = k_begin + BK; k < k_end; k += BK, now ^= 1) {
            fetch(k, now ^ 1);
            accumulate(a_slices[now], b_slices[now]);
            store(now ^ 1);  // nobody still reads that buffer: all have passed the barrier of the last step
        }
        accumulate(a_slices[now], b_slices[now]);
    }

    template <class Output>
    __device__ __forceinline__ void write(const Output& output, int m0, int n0) const {
#pragma unroll
        for (int j = 0; j < TN; ++j) {
            const auto place = output.column(n0 + column(j));
#pragma unroll
            for (int i = 0; i < TM; ++i) output.put(m0 + row(i), place, sums[i][j]);
        }
    }

    // Calls visit(m, n) for every place that this thread writes.
    template <class Visit>
    static __device__ __forceinline__ void each_place(int m0, int n0, const Visit& visit) {
#pragma unroll 1
        for (int i = 0; i < TM * TN; ++i) visit(m0 + row(i / TN), n0 + column(i % TN));
    }
};
