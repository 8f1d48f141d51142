// Matrix products.
#include "operand.cuh"
#include "simt.cuh"
#include "tf32.cuh"
#include "tile.cuh"

// activation(a @ b + bias) for a batch of matrices: (…, M, K) x (…, K, N) -> (…, M, N).
struct Gemm {
    int M, N, K;
    int splits, chunk;               // the sum over k is cut into `splits` parts of `chunk` (a multiple of every DEPTH)
    i64 a_m, a_k, b_n, b_k;          // strides, in elements
    int sizes[4];                    // of the batch, outermost first; 1 where there are fewer dimensions
    i64 a_batch[4], b_batch[4];      // strides of the batch's dimensions, 0 where an operand is broadcast
    bool relu;
};

// What a block, or a part of one, works on.
struct Job {
    i64 a, b;            // offsets of the batch's matrices
    i64 output;          // number of the output's matrix: the batch, or with several splits (split, batch)
    int k_begin, k_end;
};

// `number` counts splits within batches.
__device__ __forceinline__ Job job(const Gemm& gemm, int number) {
    const int split = number % gemm.splits;
    const int batch = number / gemm.splits;
    Job job = {0, 0, batch, split * gemm.chunk, gemm.K};
    if (gemm.K - job.k_begin > gemm.chunk) job.k_end = job.k_begin + gemm.chunk;
    int rest = batch, batches = 1;
#pragma unroll
    for (int d = 3; d >= 0; --d) {
        if (gemm.sizes[d] == 1) continue;
        const int i = rest % gemm.sizes[d];
        rest /= gemm.sizes[d];
        batches *= gemm.sizes[d];
        job.a += i * gemm.a_batch[d];
        job.b += i * gemm.b_batch[d];
    }
    job.output += i64(split) * batches;
    return job;
}

//! instances: matmul<float,Large,true,true,4> matmul<float,Large,true,false,4>
//! instances: matmul<float,Large,false,true,4> matmul<float,Large,false,false,4>
//! instances: matmul<float,Large,true,true,1> matmul<float,Large,true,false,1>
//! instances: matmul<float,Large,false,true,1> matmul<float,Large,false,false,1>
//! instances: matmul<float,Medium,true,true,4> matmul<float,Medium,true,false,4>
//! instances: matmul<float,Medium,false,true,4> matmul<float,Medium,false,false,4>
//! instances: matmul<float,Medium,true,true,1> matmul<float,Medium,true,false,1>
//! instances: matmul<float,Medium,false,true,1> matmul<float,Medium,false,false,1>
//! instances: matmul<double,Medium,true,true,1> matmul<double,Medium,true,false,1>
//! instances: matmul<double,Medium,false,true,1> matmul<double,Medium,false,false,1>
//! instances: matmul<float,Small,true,true,1> matmul<float,Small,true,false,1>
//! instances: matmul<float,Small,false,true,1> matmul<float,Small,false,false,1>
//! instances: matmul<double,Small,true,true,1> matmul<double,Small,true,false,1>
//! instances: matmul<double,Small,false,true,1> matmul<double,Small,false,false,1>
//! instances(80): matmul<float,TensorHuge,true,true,4> matmul<float,TensorHuge,true,false,4>
//! instances(80): matmul<float,TensorHuge,false,true,4> matmul<float,TensorHuge,false,false,4>
//! instances(80): matmul<float,TensorLarge,true,true,4> matmul<float,TensorLarge,true,false,4>
//! instances(80): matmul<float,TensorLarge,false,true,4> matmul<float,TensorLarge,false,false,4>
//! instances(80): matmul<float,TensorCompact,true,true,4> matmul<float,TensorCompact,true,false,4>
//! instances(80): matmul<float,TensorCompact,false,true,4> matmul<float,TensorCompact,false,false,4>
//! instances(80): matmul<float,TensorMedium,true,true,4> matmul<float,TensorMedium,true,false,4>
//! instances(80): matmul<float,TensorMedium,false,true,4> matmul<float,TensorMedium,false,false,4>
//! instances(80): matmul<float,TensorMedium,true,true,1> matmul<float,TensorMedium,true,false,1>
//! instances(80): matmul<float,TensorMedium,false,true,1> matmul<float,TensorMedium,false,false,1>

// A block a tile of a matrix of a split. AlongA and AlongB: whether k is the contiguous dimension of a and of b; V: how
// many elements each reads at once. With several splits, output is (splits, …, M, N) and add_splits follows.
template <class T, class Size, bool AlongA, bool AlongB, int V>
__global__ void __launch_bounds__(Size::template For<T>::THREADS, Size::template For<T>::BLOCKS)
    matmul(const T* a, const T* b, const T* bias, T* output, Gemm gemm) {
    typedef typename Size::template For<T> Tile;
    const int tiles_m = tiles(gemm.M, Tile::ROWS), tiles_n = tiles(gemm.N, Tile::COLUMNS);
    const int m0 = blockIdx.x % tiles_m * Tile::ROWS;
    const int n0 = blockIdx.x / tiles_m % tiles_n * Tile::COLUMNS;
    const Job work = job(gemm, blockIdx.x / tiles_m / tiles_n);

    const Strided<T, AlongA, V> a_matrix = {a + work.a, gemm.a_m, gemm.a_k, gemm.M, gemm.K};
    const Strided<T, AlongB, V> b_matrix = {b + work.b, gemm.b_n, gemm.b_k, gemm.N, gemm.K};
    Tile tile;
    tile.multiply(a_matrix, b_matrix, m0, n0, work.k_begin, work.k_end);
    const bool whole = gemm.splits == 1;
    T* const to = output + work.output * gemm.M * gemm.N;
    tile.write(Matrix<T>{to, whole ? bias : nullptr, whole && gemm.relu, gemm.M, gemm.N}, m0, n0);
}

//! instances: vector_product<float,true> vector_product<float,false>
//! instances: vector_product<double,true> vector_product<double,false>

// The same where N = 1: a is a matrix, b a vector, and each element of a is used once, so that nothing is worth keeping
// in shared memory but the partial sums. 256 threads are ROWS rows of LANES; lanes are adjacent along what is contiguous.
// bias is (1,) or, where a and b have changed places because M was 1, (M,): bias_stride is 0 or 1.
template <class T, bool Along>
__global__ void __launch_bounds__(256)
    vector_product(const T* a, const T* b, const T* bias, T* output, int bias_stride, Gemm gemm) {
    constexpr int LANES = Along ? 32 : 8, ROWS = 256 / LANES;
    __shared__ T partial[LANES][ROWS + 1];
    const int lane = Along ? threadIdx.x % LANES : threadIdx.x / ROWS;
    const int row = Along ? threadIdx.x / LANES : threadIdx.x % ROWS;
    const int blocks = tiles(gemm.M, ROWS);
    const int m = blockIdx.x % blocks * ROWS + row;
    const Job work = job(gemm, blockIdx.x / blocks);

    T sum = T(0);
    if (m < gemm.M) {
        a += work.a + m * gemm.a_m;
        b += work.b;
#pragma unroll 4
        for (int k = work.k_begin + lane; k < work.k_end; k += LANES) sum += a[k * gemm.a_k] * b[k * gemm.b_k];
    }
    partial[lane][row] = sum;
    for (int half = LANES / 2; half > 0; half /= 2) {
        __syncthreads();
        if (lane < half) partial[lane][row] += partial[lane + half][row];
    }
    if (lane == 0 && m < gemm.M) {
        const bool whole = gemm.splits == 1;
        const Matrix<T> to = {output + work.output * gemm.M, nullptr, whole && gemm.relu, gemm.M, 1};
        to.put(m, {0, whole && bias != nullptr ? bias[m * bias_stride] : T(0)}, partial[0][row]);
    }
}

//! instances: add_splits<float> add_splits<double>

// output = activation(Σ_s parts[s] + bias): parts (splits, count), output (count,), bias (columns,) along the fastest
// dimension. Eight threads an element add every eighth part; then their sums are added, always in the same order.
template <class T>
__global__ void __launch_bounds__(256)
    add_splits(const T* parts, const T* bias, T* output, i64 count, int splits, int columns, bool relu) {
    constexpr int LANES = 8, ELEMENTS = 32;
    __shared__ T partial[LANES][ELEMENTS];
    const int lane = threadIdx.x / ELEMENTS, element = threadIdx.x % ELEMENTS;
    const i64 i = i64(blockIdx.x) * ELEMENTS + element;
    T sum = T(0);
    if (i < count)
        for (int split = lane; split < splits; split += LANES) sum += parts[split * count + i];
    partial[lane][element] = sum;
    __syncthreads();
    if (lane == 0 && i < count) {
        for (int other = 1; other < LANES; ++other) sum += partial[other][element];
        const Matrix<T> to = {output, nullptr, relu, 1, 1};
        output[i] = to.finished(sum, bias != nullptr ? bias[i % columns] : T(0));
    }
}
