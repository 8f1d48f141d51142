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
//   row(i), depth(k)        what is worth knowing of a row and of a depth, found once and used for many elements
//   at(row, depth)          the address of their element
//   inside(row, depth)      whether there is such an element; else, outside the matrix or in padding, it counts as zero
//   ALONG_DEPTH             whether neighbours along the depth, rather than along the rows, are neighbours in memory
//   VECTOR                  how many elements, in that direction, lie side by side and aligned, all inside or all outside
//   TABULATED               whether rows (if ALONG_DEPTH) or depths (if not) are costly to find: then each is found only
//                           once for all threads, in a table in shared memory
//   row_stride, rows        if ALONG_DEPTH and not TABULATED: the distance in memory of rows, and how many there are
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
    static constexpr bool TABULATED = false;

    const T* data;
    i64 row_stride, depth_stride;  // with vectors, 1 in their direction
    int rows, depths;

    struct __align__(16) Row {
        const T* address;
        bool inside;
    };
    struct Depth {
        i64 offset;
        bool inside;
    };
    __device__ __forceinline__ Row row(int i) const {
        return {data + (Vector > 1 && !AlongDepth ? i : i * row_stride), i < rows};
    }
    __device__ __forceinline__ Depth depth(int k) const {
        return {Vector > 1 && AlongDepth ? k : k * depth_stride, k < depths};
    }
    __device__ __forceinline__ const T* at(const Row& row, const Depth& depth) const {
        return row.address + depth.offset;
    }
    __device__ __forceinline__ bool inside(const Row& row, const Depth& depth) const {
        return row.inside && depth.inside;
    }
};

template <bool First, class A, class B>
struct Either {
    typedef A Type;
};
template <class A, class B>
struct Either<false, A, B> {
    typedef B Type;
};

// The share of one thread in bringing ROWS x DEPTH elements of an operand: COUNT vectors. Lanes go along what is
// contiguous in memory, so that a warp reads whole sectors; either the row or the depth is the same for all vectors.
// Slices take turns in SLOTS slots.
template <class Operand, int ROWS, int DEPTH, int THREADS, int SLOTS>
struct Share {
    static constexpr bool ALONG = Operand::ALONG_DEPTH, TABULATED = Operand::TABULATED;
    static constexpr int V = Operand::VECTOR;
    static constexpr int COUNT = ROWS * DEPTH / (THREADS * V);
    static_assert(COUNT * THREADS * V == ROWS * DEPTH, "each thread brings as much as every other");
    static_assert(ALONG ? THREADS * V % DEPTH == 0 : THREADS * V % ROWS == 0, "whole rows, or whole columns, at a time");
    static_assert(DEPTH <= THREADS, "a thread finds at most one depth");
    typedef typename Operand::Row Row;
    typedef typename Operand::Depth Depth;

    const Operand& operand;
    const int first_row;
    Row first;  // of this thread's vectors

    // A barrier must be passed between this and the first use.
    __device__ __forceinline__ Share(const Operand& operand, int first_row)
        : operand(operand), first_row(first_row), first(operand.row(first_row + row(0))) {
        if constexpr (ALONG && TABULATED)
            for (int i = threadIdx.x; i < ROWS; i += THREADS) table()[i] = operand.row(first_row + i);
    }

    // To be called for the slice that begins at depth k, and then a barrier to be passed, before its first use.
    __device__ __forceinline__ void prepare(int k, int slot) const {
        if constexpr (!ALONG && TABULATED)
            if (threadIdx.x < DEPTH) table()[slot * DEPTH + threadIdx.x] = operand.depth(k + threadIdx.x);
    }

    // The place of vector i in the slice.
    static __device__ __forceinline__ int row(int i) {
        return ALONG ? threadIdx.x / (DEPTH / V) + i * (THREADS * V / DEPTH) : threadIdx.x % (ROWS / V) * V;
    }
    static __device__ __forceinline__ int depth(int i) {
        return ALONG ? threadIdx.x % (DEPTH / V) * V : threadIdx.x / (ROWS / V) + i * (THREADS * V / ROWS);
    }

    // Calls bring(i, address, inside) for each vector i of the slice that begins at depth k.
    template <class Bring>
    __device__ __forceinline__ void each(int k, int slot, const Bring& bring) const {
        if constexpr (TABULATED) {
            // Several at a time: on sm_90, after each switch from asynchronous copies to reading shared memory the
            // compiler must put some empty instructions.
            constexpr int GROUP = COUNT < 4 ? COUNT : 4;
            const Depth depth = ALONG ? operand.depth(k + Share::depth(0)) : Depth();
#pragma unroll
            for (int i = 0; i < COUNT; i += GROUP) {
                Known known[GROUP];
#pragma unroll
                for (int j = 0; j < GROUP; ++j)
                    known[j] = table()[ALONG ? Share::row(i + j) : slot * DEPTH + Share::depth(i + j)];
#pragma unroll
                for (int j = 0; j < GROUP; ++j) {
                    if constexpr (ALONG) {
                        bring(i + j, operand.at(known[j], depth), operand.inside(known[j], depth));
                    } else {
                        bring(i + j, operand.at(first, known[j]), operand.inside(first, known[j]));
                    }
                }
            }
        } else if constexpr (ALONG) {
            const Depth depth = operand.depth(k + Share::depth(0));
#pragma unroll
            for (int i = 0; i < COUNT; ++i) {
                const int distance = Share::row(i) - Share::row(0);
                bring(i, operand.at(first, depth) + distance * operand.row_stride,
                      depth.inside && first_row + Share::row(0) + distance < operand.rows);
            }
        } else {
#pragma unroll
            for (int i = 0; i < COUNT; ++i) {
                const Depth depth = operand.depth(k + Share::depth(i));
                bring(i, operand.at(first, depth), operand.inside(first, depth));
            }
        }
    }

   private:
    typedef typename Either<ALONG, Row, Depth>::Type Known;

    static __device__ __forceinline__ Known* table() {
        __shared__ Known known[ALONG ? ROWS : SLOTS * DEPTH];
        return known;
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
