// ReLU and its gradient, the Philox stream, dropout: functions of one element at a time.
//
// A thread has four neighbouring elements, which it reads and writes at once: 16 bytes of float an instruction are what
// the memory is fastest with. The last thread may have fewer, and a view may begin between two multiples of 16 bytes;
// then it takes them one by one.

//! instances: relu<float> relu<double> relu_backward<float> relu_backward<double>
//! instances: philox dropout<float> dropout<double>

template <class T>
struct alignas(4 * sizeof(T)) Four {
    T at[4];
};

template <class T>
__device__ __forceinline__ bool at_once(const T* array, i64 i, i64 n) {
    return i + 4 <= n && reinterpret_cast<u64>(array) % sizeof(Four<T>) == 0;
}

// The elements i ... i + 3 of an array of n, where i is a multiple of 4. What is behind the end is 0.
template <class T>
__device__ __forceinline__ Four<T> load_four(const T* from, i64 i, i64 n) {
    if (at_once(from, i, n)) return *reinterpret_cast<const Four<T>*>(from + i);
    Four<T> four;
#pragma unroll
    for (int k = 0; k < 4; ++k) four.at[k] = i + k < n ? from[i + k] : T(0);
    return four;
}

template <class T>
__device__ __forceinline__ void store_four(const Four<T>& four, T* to, i64 i, i64 n) {
    if (at_once(to, i, n)) {
        *reinterpret_cast<Four<T>*>(to + i) = four;
        return;
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
        if (i + k < n) to[i + k] = four.at[k];
    }
}

// The first of the four elements that this thread has.
__device__ __forceinline__ i64 first_of_four() { return 4 * (blockIdx.x * i64(blockDim.x) + threadIdx.x); }

// output[i] = max(input[i], 0); NaN stays NaN.
template <class T>
__global__ void relu(const T* __restrict__ input, T* __restrict__ output, i64 n) {
    const i64 i = first_of_four();
    if (i >= n) return;
    Four<T> x = load_four(input, i, n);
#pragma unroll
    for (int k = 0; k < 4; ++k) x.at[k] = x.at[k] <= T(0) ? T(0) : x.at[k];
    store_four(x, output, i, n);
}

// grad_input[i] = 0 where output[i] <= 0, else grad_output[i]: NaN lets the gradient pass.
template <class T>
__global__ void relu_backward(const T* __restrict__ grad_output, const T* __restrict__ output,
                              T* __restrict__ grad_input, i64 n) {
    const i64 i = first_of_four();
    if (i >= n) return;
    Four<T> grad = load_four(grad_output, i, n);
    const Four<T> y = load_four(output, i, n);
#pragma unroll
    for (int k = 0; k < 4; ++k) grad.at[k] = y.at[k] <= T(0) ? T(0) : grad.at[k];
    store_four(grad, grad_input, i, n);
}

// A block of four words of the stream Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
// 1, 2, 3", 2011). The key is the seed, the counter (block, 0), low words first.
__device__ __forceinline__ Four<u32> philox_block(u64 seed, u64 block) {
    u32 x0 = u32(block), x1 = u32(block >> 32), x2 = 0, x3 = 0;
    u32 key0 = u32(seed), key1 = u32(seed >> 32);
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        const u64 product0 = u64(x0) * 0xD2511F53u, product1 = u64(x2) * 0xCD9E8D57u;
        x0 = u32(product1 >> 32) ^ x1 ^ key0;
        x1 = u32(product1);
        x2 = u32(product0 >> 32) ^ x3 ^ key1;
        x3 = u32(product0);
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return {{x0, x1, x2, x3}};
}

// In a captured graph the seed is in cells[0], and the offset counts from cells[1]: each launch of the graph goes on in
// the stream. Otherwise there are no cells.
__device__ __forceinline__ void read_cells(const u64* cells, u64& seed, u64& offset) {
    if (cells == nullptr) return;
    seed = cells[0];
    offset += cells[1];
}

// words[i] = word i of the stream that begins at block number `offset`.
__global__ void philox(u64 seed, u64 offset, const u64* __restrict__ cells, u32* __restrict__ words, i64 n) {
    const i64 i = first_of_four();
    read_cells(cells, seed, offset);
    if (i < n) store_four(philox_block(seed, offset + u64(i / 4)), words, i, n);
}

// output[i] = input[i] * scale where word i of the stream is at least the threshold, else 0. Of a word the upper 24
// bits count: `least` = ceil(p * 2^24) keeps an element with probability 1 - p.
template <class T>
__global__ void dropout(const T* __restrict__ input, T* __restrict__ output, i64 n, u64 seed, u64 offset,
                        const u64* __restrict__ cells, u32 least, T scale) {
    const i64 i = first_of_four();
    if (i >= n) return;
    read_cells(cells, seed, offset);
    Four<T> x = load_four(input, i, n);
    const Four<u32> words = philox_block(seed, offset + u64(i / 4));
#pragma unroll
    for (int k = 0; k < 4; ++k) x.at[k] = (words.at[k] >> 8) >= least ? x.at[k] * scale : T(0);
    store_four(x, output, i, n);
}
