// Tiles of a matrix product, which is what both matmul and convolution are on a GPU:
//
//   output(m, n) = Σ_k a(m, k) * b(n, k)        0 <= m < M, 0 <= n < N, 0 <= k < K
//
// A block of threads computes a tile of the output. It walks along k; each step brings a slice of both operands to
// shared memory, from where each element is read many times. A kernel consists of
//
//   an operand for a and one for b    where the element (row, k) lies: Strided here, windows of images in conv2d.cu;
//                                     what is m for a and n for b is called the row, what is k the depth
//   a tile                            the loop, and who computes what: Simt on the ordinary units, Tf32 on tensor cores
//   an output                         where the sums go, and what is added: Matrix here, images in conv2d.cu
//
// An operand has
//   row(i), depth(k)      what is worth knowing of a row and of a depth, found once and used for many elements
//   at(row, depth)        the address of their element, or null where it counts as zero: outside the matrix, or padding
//   ALONG_DEPTH           whether neighbours along the depth, rather than along the rows, are neighbours in memory
//   VECTOR                how many elements, in that direction, lie side by side and aligned, all inside or all outside
#pragma once

// ---- integer division ------------------------------------------------------------------------------------------------

// n / divisor and n % divisor for 0 <= n < 2^31 by a multiplication. With inverse = floor((2^32 - 1) / divisor) the
// product's upper half is the quotient or one less.
struct Divider {
    int divisor;
    u32 inverse;

    __device__ __forceinline__ explicit Divider(int d) : divisor(d), inverse(0xFFFFFFFFu / u32(d)) {}

    __device__ __forceinline__ int divide(int n, int& remainder) const {
        int quotient = int(__umulhi(u32(n), inverse));
        remainder = n - quotient * divisor;
        if (remainder >= divisor) {
            ++quotient;
            remainder -= divisor;
        }
        return quotient;
    }
};

__device__ __forceinline__ int tiles(int size, int tile) { return size / tile + (size % tile != 0); }

// ---- operands --------------------------------------------------------------------------------------------------------

// A matrix in memory: element (row, depth) is data[row * row_stride + depth * depth_stride].
template <class T, bool AlongDepth, int Vector>
struct Strided {
    static constexpr bool ALONG_DEPTH = AlongDepth;
    static constexpr int VECTOR = Vector;
    typedef int Row;
    typedef int Depth;

    const T* data;
    i64 row_stride, depth_stride;
    int rows, depths;

    __device__ __forceinline__ Row row(int i) const { return i; }
    __device__ __forceinline__ Depth depth(int k) const { return k; }
    __device__ __forceinline__ const T* at(Row row, Depth depth) const {
        return row < rows && depth < depths ? data + (row * row_stride + depth * depth_stride) : nullptr;
    }
};

// The share of one thread in bringing ROWS x DEPTH elements of an operand: COUNT vectors. Lanes go along what is
// contiguous in memory, so that a warp reads whole sectors; either the row or the depth is the same for all vectors.
template <class Operand, int ROWS, int DEPTH, int THREADS>
struct Share {
    static constexpr bool ALONG = Operand::ALONG_DEPTH;
    static constexpr int V = Operand::VECTOR;
    static constexpr int COUNT = ROWS * DEPTH / (THREADS * V);
    static_assert(COUNT * THREADS * V == ROWS * DEPTH, "each thread brings as much as every other");
    static_assert(ALONG ? THREADS * V % DEPTH == 0 : THREADS * V % ROWS == 0, "whole rows, or whole columns, at a time");

    const Operand& operand;
    typename Operand::Row rows[ALONG ? COUNT : 1];

    __device__ __forceinline__ Share(const Operand& operand, int first_row) : operand(operand) {
#pragma unroll
        for (int i = 0; i < (ALONG ? COUNT : 1); ++i) rows[i] = operand.row(first_row + row(i));
    }

    // The place of vector i in the slice.
    static __device__ __forceinline__ int row(int i) {
        return ALONG ? threadIdx.x / (DEPTH / V) + i * (THREADS * V / DEPTH) : threadIdx.x % (ROWS / V) * V;
    }
    static __device__ __forceinline__ int depth(int i) {
        return ALONG ? threadIdx.x % (DEPTH / V) * V : threadIdx.x / (ROWS / V) + i * (THREADS * V / ROWS);
    }

    // Where vector i of the slice that begins at depth k lies, or null.
    __device__ __forceinline__ auto at(int i, int k) const {
        return operand.at(rows[ALONG ? i : 0], operand.depth(k + depth(i)));
    }
};

// ---- outputs ---------------------------------------------------------------------------------------------------------

// activation(sum + bias), row by row in C order. A null bias is none.
template <class T>
struct Matrix {
    T* data;        // (rows, columns)
    const T* bias;  // (columns,)
    bool relu;
    int rows, columns;

    struct Column {
        int n;
        T bias;
    };
    __device__ __forceinline__ Column column(int n) const {
        return {n, bias != nullptr && n < columns ? bias[n] : T(0)};
    }
    __device__ __forceinline__ void put(int m, Column column, T sum) const {
        if (m < rows && column.n < columns) data[i64(m) * columns + column.n] = finished(sum, column.bias);
    }
    __device__ __forceinline__ T finished(T sum, T bias) const {
        sum += bias;
        return relu && sum <= T(0) ? T(0) : sum;  // NaN stays NaN
    }
};

// ---- tiles -----------------------------------------------------------------------------------------------------------

template <class T, int N>
struct __align__(sizeof(T) * N) Vector {
    T of[N];
};

// BM x BN outputs by ordinary multiply-adds, TM x TN of them a thread. While one slice of depth BK is multiplied, the
// next is on its way from global memory to registers; the slices take turns in two buffers.
template <class T, int BM, int BN, int BK, int TM, int TN>
struct Simt {
    static constexpr int ROWS = BM, COLUMNS = BN, DEPTH = BK, THREADS = (BM / TM) * (BN / TN);
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
        typedef Share<Operand, SIZE, BK, THREADS> Part;
        static constexpr int V = Operand::VECTOR;
        Vector<T, V> values[Part::COUNT];

        __device__ __forceinline__ void fetch(const Part& part, int k) {
#pragma unroll
            for (int i = 0; i < Part::COUNT; ++i) {
                const T* address = part.at(i, k);
                if (address != nullptr) {
                    values[i] = *reinterpret_cast<const Vector<T, V>*>(address);
                } else {
#pragma unroll
                    for (int v = 0; v < V; ++v) values[i].of[v] = T(0);
                }
            }
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
        const Share<A, BM, BK, THREADS> a_part(a, m0);
        const Share<B, BN, BK, THREADS> b_part(b, n0);
        Staged<A, BM> a_next;
        Staged<B, BN> b_next;
#pragma unroll
        for (int i = 0; i < TM; ++i)
#pragma unroll
            for (int j = 0; j < TN; ++j) sums[i][j] = T(0);
        if (k_begin >= k_end) return;

        a_next.fetch(a_part, k_begin);
        b_next.fetch(b_part, k_begin);
        a_next.store(a_slices[0]);
        b_next.store(b_slices[0]);
        __syncthreads();
        int now = 0;
        for (int k = k_begin + BK; k < k_end; k += BK, now ^= 1) {
            a_next.fetch(a_part, k);
            b_next.fetch(b_part, k);
            accumulate(a_slices[now], b_slices[now]);
            // Nobody still reads the other buffer: all have passed the barrier at the end of the last step.
            a_next.store(a_slices[now ^ 1]);
            b_next.store(b_slices[now ^ 1]);
            __syncthreads();
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
};

// BM x BN outputs on tensor cores, WM x WN of them a warp: float operands rounded to 10 bits of mantissa, float sums.
// STAGES slices of depth BK are in shared memory; STAGES - 1 of them may still be on their way there, by asynchronous
// copies that need no registers. Needs compute capability 8.0.
template <int BM, int BN, int BK, int WM, int WN, int STAGES>
struct Tf32 {
    static constexpr int ROWS = BM, COLUMNS = BN, DEPTH = BK, THREADS = (BM / WM) * (BN / WN) * 32;

    float sums[WM / 16][WN / 8][4];

    // A slice lies in shared memory in the order of global memory, as (SIZE, BK) or (BK, SIZE). The eight rows and four
    // depths that a warp reads at once are in 32 different banks: rows 4 apart (modulo 8), or depths 8 apart (modulo 32).
    template <class Operand, int SIZE>
    struct Slice {
        typedef Share<Operand, SIZE, BK, THREADS> Part;
        static constexpr int PITCH = Operand::ALONG_DEPTH ? BK + 4 : SIZE + 8;
        static constexpr int FLOATS = Operand::ALONG_DEPTH ? SIZE * PITCH : BK * PITCH;
        static_assert(FLOATS <= SIZE * (BK + 4), "fits what the host reserves, whatever the order");

        static __device__ __forceinline__ int place(int row, int depth) {
            return Operand::ALONG_DEPTH ? row * PITCH + depth : depth * PITCH + row;
        }
        static __device__ __forceinline__ void copy(float* slice, const Part& part, int k) {
#pragma unroll
            for (int i = 0; i < Part::COUNT; ++i) {
                const float* address = part.at(i, k);
                copy_async<4 * Operand::VECTOR>(slice + place(Part::row(i), Part::depth(i)),
                                                address != nullptr ? address : part.operand.data, address != nullptr);
            }
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

        // A group of copies is committed at each step, if need be an empty one: so the group of step s is always the
        // s-th, and it has arrived when all but the latest STAGES - 2 have.
        const int steps = k_begin < k_end ? tiles(k_end - k_begin, BK) : 0;
        const auto copy = [&](int step) {
            if (step < steps) {
                const int stage = step % STAGES, k = k_begin + step * BK;
                SliceA::copy(a_slices + stage * SliceA::FLOATS, a_part, k);
                SliceB::copy(b_slices + stage * SliceB::FLOATS, b_part, k);
            }
            copy_async_commit();
        };
        for (int step = 0; step < STAGES - 1; ++step) copy(step);
        for (int step = 0; step < steps; ++step) {
            copy_async_wait<STAGES - 2>();
            __syncthreads();  // everybody's copies have arrived, and everybody has read the slice that is overwritten next
            copy(step + STAGES - 1);
            const int stage = step % STAGES;
            accumulate<A, B>(a_slices + stage * SliceA::FLOATS, b_slices + stage * SliceB::FLOATS);
        }
        copy_async_wait<0>();
    }

    template <class Output>
    __device__ __forceinline__ void write(const Output& output, int m0, int n0) const {
        const int m = m0 + warp_row() + group(), n = n0 + warp_column() + member() * 2;
#pragma unroll
        for (int j = 0; j < WN / 8; ++j)
#pragma unroll
            for (int side = 0; side < 2; ++side) {
                const auto place = output.column(n + j * 8 + side);
#pragma unroll
                for (int i = 0; i < WM / 16; ++i) {
                    output.put(m + i * 16, place, sums[i][j][side]);
                    output.put(m + i * 16 + 8, place, sums[i][j][side + 2]);
                }
            }
    }
};

// The sizes in use; `tiles.py` reads them from here. For<T> is the tile for elements of type T.
struct Large { template <class T> using For = Simt<T, 128, 128, 16, 8, 8>; };
struct Medium { template <class T> using For = Simt<T, 64, 64, 16, 4, 4>; };
struct Narrow { template <class T> using For = Simt<T, 16, 128, 16, 2, 8>; };
struct TensorLarge { template <class T> using For = Tf32<128, 128, 32, 64, 32, 3>; };
struct TensorCompact { template <class T> using For = Tf32<128, 128, 16, 64, 32, 4>; };
struct TensorMedium { template <class T> using For = Tf32<64, 64, 32, 32, 32, 3>; };
