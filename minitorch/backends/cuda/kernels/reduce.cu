// Sums: of the groups of an array (P, O, R), and of the columns of matrices (A, R, K).
//
// Neither kernel adds more than a bounded number of elements one after the other, so that the error grows with the
// logarithm of how many there are. The blocks that share a long sum write one number each, in a row (or column) that the
// next launch sums. How a sum is divided depends on the array's shape alone.

#include "groups.cuh"

//! instances: sum_groups<float,1> sum_groups<float,4> sum_groups<double,1> sum_groups<double,2>
//! instances: sum_columns<float,1> sum_columns<float,4> sum_columns<double,1> sum_columns<double,2>

// Adds the `count` packs that next() points to, one after the other, to `sums`, lane by lane.
template <class T, int pack, class Next>
__device__ __forceinline__ void add_packs(Pack<T, pack>& sums, i64 count, const Next& next) {
    constexpr int in_flight = pack == 1 ? 8 : 4;  // loads that a thread asks for before it needs the first
    Pack<T, pack> values[in_flight];
    for (; count >= in_flight; count -= in_flight) {
#pragma unroll
        for (int k = 0; k < in_flight; ++k) values[k] = load<T, pack>(next());
#pragma unroll
        for (int v = 0; v < pack; ++v) {
#pragma unroll
            for (int half = in_flight / 2; half > 0; half /= 2) {
#pragma unroll
                for (int k = 0; k < half; ++k) values[k].lane[v] += values[k + half].lane[v];
            }
            sums.lane[v] += values[0].lane[v];
        }
    }
    for (; count > 0; --count) {
        const Pack<T, pack> value = load<T, pack>(next());
#pragma unroll
        for (int v = 0; v < pack; ++v) sums.lane[v] += value.lane[v];
    }
}

// output[o, part] = the sum of chunk `part` of group o: (P, O, R) -> (O, parts).
template <class T, int pack>
__global__ void __launch_bounds__(group_threads, busy_blocks)
    sum_groups(const T* __restrict__ input, T* __restrict__ output, const Groups g) {
    const Share share(g, pack);
    Walk walk(g, share.group, share.begin);
    Pack<T, pack> sums = {};
    add_packs(sums, share.packs(g), [&]() {
        const T* const here = input + walk.at();
        walk.next();
        return here;
    });
    const T sum = sum_over(sum_of(sums), g.width);
    if (share.writes(g)) output[share.result(g)] = sum;
}

// output[a, part, k] = Σ input[a, r, k] over chunk `part` of the rows: (A, R, K) -> (A, parts, K). The threads of a block
// stand in `width` columns, each of them `pack` elements wide, and group_threads / width rows. There are
// (A · K / pack / width) · parts blocks.
template <class T, int pack>
__global__ void __launch_bounds__(group_threads, busy_blocks)
    sum_columns(const T* __restrict__ input, T* __restrict__ output, i64 matrices, i64 rows, i64 columns, i64 chunk,
                u32 parts, int width) {
    __shared__ __align__(16) T shared_sums[group_threads * pack];
    const int height = group_threads / width, y = threadIdx.x / width;
    const i64 across = columns / pack;
    const u32 part = blockIdx.x % parts;
    const i64 number = blockIdx.x / parts * i64(width) + threadIdx.x % width;  // of all matrices' columns
    const i64 a = number < across ? 0 : number / across, k = (number - a * across) * pack;
    const i64 begin = part * chunk + y, end = min((part + 1) * chunk, rows);
    Pack<T, pack> sums = {};
    if (a < matrices && begin < end) {
        const T* at = input + (a * rows + begin) * columns + k;
        add_packs(sums, (end - begin + height - 1) / height, [&]() {
            const T* const here = at;
            at += height * columns;
            return here;
        });
    }
    // Of the rows of threads, the upper half is added to the lower, until one is left.
    Pack<T, pack>* const of_thread = reinterpret_cast<Pack<T, pack>*>(shared_sums);
    of_thread[threadIdx.x] = sums;
    for (int half = height / 2; half > 0; half /= 2) {
        __syncthreads();
        if (y < half) {
            const Pack<T, pack> other = of_thread[threadIdx.x + half * width];
#pragma unroll
            for (int v = 0; v < pack; ++v) sums.lane[v] += other.lane[v];
            of_thread[threadIdx.x] = sums;
        }
    }
    if (y == 0 && a < matrices) store(output + (a * parts + part) * columns + k, sums);
}
