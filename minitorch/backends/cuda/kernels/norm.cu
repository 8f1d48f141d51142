// Numbers of mean 0 and variance 1, and the gradient: the groups of an array (P, O, R), each by itself.
//
// A short group is read once: its threads hold it in registers while they find the mean, then the squared distances
// from it, and write. Of a long one, every block does so for its part (`moments`); a warp puts the parts' means and
// squares together, in order (`combine_moments`); and the elements are read once more. The distances from the mean are
// squared, not the elements: where the mean is large, ⟨x²⟩ - ⟨x⟩² would lose all digits.

#include "groups.cuh"

//! instances: standardize<float,4,2> standardize<float,4,8> standardize<float,1,8> standardize<float,1,32>
//! instances: standardize<double,2,4> standardize<double,2,16> standardize<double,1,8> standardize<double,1,32>
//! instances: moments<float,4,8> moments<float,1,32> moments<double,2,16> moments<double,1,32>
//! instances: combine_moments<float> combine_moments<double>
//! instances: standardize_long<float,4> standardize_long<float,1> standardize_long<double,2> standardize_long<double,1>
//! instances: backward<float,4,2> backward<float,4,8> backward<float,1,8> backward<float,1,32>
//! instances: backward<double,2,4> backward<double,2,16> backward<double,1,8> backward<double,1,32>
//! instances: affine<float,4> affine<float,1> affine<double,2> affine<double,1>
//! instances: gradient_sums<float,4> gradient_sums<float,1> gradient_sums<double,2> gradient_sums<double,1>
//! instances: backward_long<float,4> backward_long<float,1> backward_long<double,2> backward_long<double,1>

// How many blocks a multiprocessor should have room for, whose threads hold so many elements: the compiler, left alone,
// would rather spill a few registers than have fewer.
template <class T>
constexpr int held_blocks(int elements) {
    return elements * sizeof(T) <= 64 ? 3 : 1;
}

// Up to `packs` packs of a group: what one thread holds of it.
template <class T, int pack, int packs>
class Held {
  public:
    __device__ __forceinline__ Held(const T* from, const Groups& g, const Share& share)
        : count_(int(share.packs(g))) {
        Walk walk(g, share.group, share.begin);
#pragma unroll
        for (int k = 0; k < packs; ++k) {
            if (k < count_) values_[k] = load<T, pack>(from + walk.at());
            walk.next();
        }
    }

    __device__ __forceinline__ void store_to(T* to, const Groups& g, const Share& share) const {
        Walk walk(g, share.group, share.begin);
#pragma unroll
        for (int k = 0; k < packs; ++k) {
            if (k < count_) store(to + walk.at(), values_[k]);
            walk.next();
        }
    }

    // Calls body(element) for all elements.
    template <class Body>
    __device__ __forceinline__ void for_each(const Body& body) {
#pragma unroll
        for (int k = 0; k < packs; ++k) {
#pragma unroll
            for (int v = 0; v < pack; ++v) {
                if (k < count_) body(values_[k].lane[v]);
            }
        }
    }

    // Calls body(element, other) for all elements and those at the same places in `others`.
    template <class Body>
    __device__ __forceinline__ void for_each_with(const Held& others, const Body& body) {
#pragma unroll
        for (int k = 0; k < packs; ++k) {
#pragma unroll
            for (int v = 0; v < pack; ++v) {
                if (k < count_) body(values_[k].lane[v], others.values_[k].lane[v]);
            }
        }
    }

  private:
    const int count_;
    Pack<T, pack> values_[packs];
};

// Takes the mean of the `count` held elements away from them; returns it and the sum of what is left, squared.
template <class T, int pack, int packs>
__device__ __forceinline__ void centre(Held<T, pack, packs>& held, i64 count, bool centred, int width, T& mean,
                                       T& squares) {
    T sum = 0;
    if (centred) {
        held.for_each([&](T x) { sum += x; });
        sum = sum_over(sum, width);
    }
    mean = centred ? sum / T(count) : T(0);
    squares = 0;
    held.for_each([&](T& x) {
        x -= mean;
        squares += x * x;
    });
    squares = sum_over(squares, width);
}

// Writes the statistics of a group and returns its scale, (σ² + eps)^(-1/2). A mean that counts as 0 isn't wanted.
template <class T>
__device__ __forceinline__ T write_statistics(i64 group, bool writes, T mean, T variance, T eps,
                                              T* __restrict__ scales, T* __restrict__ means,
                                              T* __restrict__ variances) {
    const T scale = 1 / square_root(variance + eps);
    if (writes) {
        scales[group] = scale;
        variances[group] = variance;
        if (means) means[group] = mean;
    }
    return scale;
}

// input (P, O, R) -> normalized (P, O, R); scales, means (or null: the mean counts as 0) and variances (O).
template <class T, int pack, int packs>
__global__ void __launch_bounds__(group_threads, held_blocks<T>(pack * packs))
    standardize(const T* __restrict__ input, T* __restrict__ normalized, T* __restrict__ scales, T* __restrict__ means,
                T* __restrict__ variances, const T eps, const Groups g) {
    const Share share(g, pack);
    Held<T, pack, packs> held(input, g, share);
    const i64 count = g.outer * g.inner;
    T mean, squares;
    centre(held, count, means != nullptr, g.width, mean, squares);
    const T scale =
        write_statistics(share.group, share.writes(g), mean, squares / T(count), eps, scales, means, variances);
    held.for_each([&](T& x) { x *= scale; });
    held.store_to(normalized, g, share);
}

// The mean, and the sum of squared distances from it, of every part of a long group: (P, O, R) -> (O, parts) each.
template <class T, int pack, int packs>
__global__ void __launch_bounds__(group_threads, held_blocks<T>(pack * packs))
    moments(const T* __restrict__ input, T* __restrict__ part_means, T* __restrict__ part_squares, const bool centred,
            const Groups g) {
    const Share share(g, pack);
    Held<T, pack, packs> held(input, g, share);
    const i64 count = share.end - share.part * g.chunk;
    T mean, squares;
    centre(held, count, centred, g.width, mean, squares);
    if (share.writes(g)) {
        part_means[share.result(g)] = mean;
        part_squares[share.result(g)] = squares;
    }
}

// The statistics of groups of `count` elements from those of their parts, of `chunk` elements each but the last one:
// with the mean μ of all, Σ(x - μ)² of a part is Σ(x - mean)² + n·(mean - μ)², if n elements are in it. A warp a group.
template <class T>
__global__ void __launch_bounds__(group_threads, busy_blocks)
    combine_moments(const T* __restrict__ part_means, const T* __restrict__ part_squares, T* __restrict__ scales,
                    T* __restrict__ means, T* __restrict__ variances, const T eps, i64 groups, i64 parts, i64 chunk,
                    i64 count) {
    const i64 group = blockIdx.x * i64(group_threads / 32) + threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    const i64 mine = group < groups ? parts : 0, first = group * parts;
    const auto size = [&](i64 part) { return double(min(chunk, count - part * chunk)); };
    double sum = 0, squares = 0;
    for (i64 part = lane; part < mine; part += 32) sum += size(part) * double(part_means[first + part]);
    const double mean = sum_over(sum, 32) / double(count);
    for (i64 part = lane; part < mine; part += 32) {
        const double apart = double(part_means[first + part]) - mean;
        squares += double(part_squares[first + part]) + size(part) * apart * apart;
    }
    const double variance = sum_over(squares, 32) / double(count);
    write_statistics(group, lane == 0 && group < groups, T(mean), T(variance), eps, scales, means, variances);
}

// Calls body(position) for the packs of a thread's share, `at_once` of them overlapping.
template <int at_once, class Body>
__device__ __forceinline__ void for_each_pack(const Groups& g, const Share& share, const Body& body) {
    Walk walk(g, share.group, share.begin);
    const i64 count = share.packs(g);
#pragma unroll at_once
    for (i64 k = 0; k < count; ++k) {
        body(walk.at());
        walk.next();
    }
}

// normalized = (input - mean)·scale with known statistics (O), or null for a mean of 0.
template <class T, int pack>
__global__ void __launch_bounds__(group_threads, busy_blocks)
    standardize_long(const T* __restrict__ input, T* __restrict__ normalized, const T* __restrict__ scales,
                     const T* __restrict__ means, const Groups g) {
    const Share share(g, pack);
    if (share.group >= g.groups) return;
    const T scale = scales[share.group], mean = means ? means[share.group] : T(0);
    for_each_pack<4>(g, share, [&](i64 at) {
        Pack<T, pack> x = load<T, pack>(input + at);
#pragma unroll
        for (int v = 0; v < pack; ++v) x.lane[v] = (x.lane[v] - mean) * scale;
        store(normalized + at, x);
    });
}

// scale·(g - ⟨g⟩ - x̂·⟨g·x̂⟩): the gradient that arrives at the elements of a group whose x̂ get the gradient g.
template <class T>
__device__ __forceinline__ T input_gradient(T grad, T normalized, T mean_grad, T mean_product, T scale) {
    return (grad - mean_grad - normalized * mean_product) * scale;
}

// grad_normalized, normalized (P, O, R), scales (O) -> grad_input (P, O, R). Without `centred`, ⟨g⟩ counts as 0.
template <class T, int pack, int packs>
__global__ void __launch_bounds__(group_threads, held_blocks<T>(pack * packs))
    backward(const T* __restrict__ grad_normalized, const T* __restrict__ normalized, const T* __restrict__ scales,
             T* __restrict__ grad_input, const bool centred, const Groups g) {
    const Share share(g, pack);
    Held<T, pack, packs> grads(grad_normalized, g, share), others(normalized, g, share);
    T sum = 0, products = 0;
    grads.for_each_with(others, [&](T grad, T x) {
        sum += grad;
        products += grad * x;
    });
    const T count = T(g.outer * g.inner);
    const T mean_grad = centred ? sum_over(sum, g.width) / count : T(0);
    const T mean_product = sum_over(products, g.width) / count;
    const T scale = share.group < g.groups ? scales[share.group] : T(0);
    grads.for_each_with(others, [&](T& grad, T x) { grad = input_gradient(grad, x, mean_grad, mean_product, scale); });
    grads.store_to(grad_input, g, share);
}

// Σg and Σg·x of every part of a group: -> sums (2, O, parts).
template <class T, int pack>
__global__ void __launch_bounds__(group_threads, busy_blocks)
    gradient_sums(const T* __restrict__ grad_normalized, const T* __restrict__ normalized, T* __restrict__ sums,
                  const Groups g) {
    const Share share(g, pack);
    Pack<T, pack> sum = {}, products = {};
    for_each_pack<2>(g, share, [&](i64 at) {
        const Pack<T, pack> grad = load<T, pack>(grad_normalized + at), x = load<T, pack>(normalized + at);
#pragma unroll
        for (int v = 0; v < pack; ++v) {
            sum.lane[v] += grad.lane[v];
            products.lane[v] += grad.lane[v] * x.lane[v];
        }
    });
    const T all = sum_over(sum_of(sum), g.width), all_products = sum_over(sum_of(products), g.width);
    if (share.writes(g)) {
        sums[share.result(g)] = all;
        sums[g.groups * g.parts + share.result(g)] = all_products;
    }
}

// The same as `backward`, with known sums (2, O).
template <class T, int pack>
__global__ void __launch_bounds__(group_threads, busy_blocks)
    backward_long(const T* __restrict__ grad_normalized, const T* __restrict__ normalized,
                  const T* __restrict__ scales, const T* __restrict__ sums, T* __restrict__ grad_input,
                  const bool centred, const Groups g) {
    const Share share(g, pack);
    if (share.group >= g.groups) return;
    const T count = T(g.outer * g.inner), scale = scales[share.group];
    const T mean_grad = centred ? sums[share.group] / count : T(0);
    const T mean_product = sums[g.groups + share.group] / count;
    for_each_pack<2>(g, share, [&](i64 at) {
        Pack<T, pack> grad = load<T, pack>(grad_normalized + at);
        const Pack<T, pack> x = load<T, pack>(normalized + at);
#pragma unroll
        for (int v = 0; v < pack; ++v) {
            grad.lane[v] = input_gradient(grad.lane[v], x.lane[v], mean_grad, mean_product, scale);
        }
        store(grad_input + at, grad);
    });
}

// Quotients of numbers below 2^32 take a fraction of the time.
__device__ __forceinline__ i64 quotient(i64 a, i64 b) {
    return ((a | b) >> 32) == 0 ? i64(u32(a) / u32(b)) : a / b;
}

// output = input·weight + bias (or null for none), with one of each for every channel: (P, O, R), (O), (O) -> (P, O, R).
// `packs` is how many there are; one lies within a channel, or where R is 1, in neighbouring channels.
template <class T, int pack>
__global__ void __launch_bounds__(group_threads)
    affine(const T* __restrict__ input, const T* __restrict__ weight, const T* __restrict__ bias,
           T* __restrict__ output, i64 packs, i64 channels, i64 inner) {
    const i64 number = blockIdx.x * i64(group_threads) + threadIdx.x;
    if (number >= packs) return;
    const i64 row = inner == 1 ? number * pack : quotient(number * pack, inner);
    const i64 channel = row - quotient(row, channels) * channels;
    Pack<T, pack> x = load<T, pack>(input + number * pack);
#pragma unroll
    for (int v = 0; v < pack; ++v) {
        const i64 c = inner == 1 ? channel + v : channel;
        x.lane[v] *= weight[c];
        if (bias) x.lane[v] += bias[c];
    }
    store(output + number * pack, x);
}
