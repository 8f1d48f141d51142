// Adding and writing to places that an index names, of which some may be named more than once.
//
// Atomic additions would take the summands in another order every time, and so give other bits. Here the index comes
// sorted: `keys` are its elements in ascending order, `order` where they stood, those of equal elements ascending too.
// Then all that goes to one place stands together, as a run, and one thread takes a run from its beginning to its end.
// What that gives is to the bit what a loop over the index gives.

//! instances: index_add<float> index_add<double> index_add<i64> index_add<int> index_add<u8>
//! instances: index_put<u8> index_put<u16> index_put<u32> index_put<u64>

constexpr int scatter_threads = 256;

// output[o, index[k], i] += source[o, k, i], one k after the other: (outer, size, inner), (count,), (outer, count, inner).
// Neighbouring threads have neighbouring i, so that a warp reads and writes rows.
template <class T>
__global__ void __launch_bounds__(scatter_threads)
index_add(T* __restrict__ output, const i64* __restrict__ keys, const i64* __restrict__ order,
          const T* __restrict__ source, i64 outer, i64 size, i64 count, i64 inner) {
    const i64 thread = blockIdx.x * i64(scatter_threads) + threadIdx.x;
    const i64 i = thread % inner, first = thread / inner % count, o = thread / inner / count;
    if (o >= outer) return;
    const i64 key = keys[first];
    if (first > 0 && keys[first - 1] == key) return;  // not the beginning of a run
    T* place = output + (o * size + key) * inner + i;
    const T* column = source + o * count * inner + i;
    T sum = *place;
    for (i64 k = first; k < count && keys[k] == key; ++k) sum += column[order[k] * inner];
    *place = sum;
}

// output[index[k]] = source[k], of which the last one stays. T has the size of an element; what it means is not looked at.
template <class T>
__global__ void __launch_bounds__(scatter_threads)
index_put(T* __restrict__ output, const i64* __restrict__ keys, const i64* __restrict__ order,
          const T* __restrict__ source, i64 count) {
    const i64 k = blockIdx.x * i64(scatter_threads) + threadIdx.x;
    if (k >= count) return;
    if (k + 1 < count && keys[k + 1] == keys[k]) return;  // not the end of a run
    output[keys[k]] = source[order[k]];
}
