#include "elementwise/elementwise.h"

#include <cstring>

#include "elementwise/philox.h"
#include "parallel.h"
#include "simd.h"

namespace mt {
namespace {

// 0 where x <= 0 (also for x = -0), else x: NaN stays NaN.
template <class T>
Vec<T> positive_part(Vec<T> x) {
    return select(ge(Vec<T>::zero(), x), Vec<T>::zero(), x);
}

template <class T>
void relu(const T* input, T* output, std::ptrdiff_t n) {
    using V = Vec<T>;
    parallel_for(n, 1, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        std::ptrdiff_t i = begin;
        for (; i + V::size <= end; i += V::size) positive_part(V::load(input + i)).store(output + i);
        const int rest = static_cast<int>(end - i);
        positive_part(V::load_partial(input + i, rest)).store_partial(output + i, rest);
    });
}

template <class T>
void relu_backward(const T* grad_output, const T* output, T* grad_input, std::ptrdiff_t n) {
    using V = Vec<T>;
    parallel_for(n, 1.5, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        std::ptrdiff_t i = begin;
        for (; i + V::size <= end; i += V::size) {
            select(ge(V::zero(), V::load(output + i)), V::zero(), V::load(grad_output + i)).store(grad_input + i);
        }
        const int rest = static_cast<int>(end - i);
        const auto blocked = ge(V::zero(), V::load_partial(output + i, rest));
        select(blocked, V::zero(), V::load_partial(grad_output + i, rest)).store_partial(grad_input + i, rest);
    });
}

// Calls body(first, n, words) for the words [first, first + n) of the Philox stream, in groups of up to philox_words.
template <class Body>
void for_each_group(std::uint64_t seed, std::uint64_t offset, std::ptrdiff_t n, const Body& body) {
    constexpr double work = 12 * philox_words;
    parallel_for((n + philox_words - 1) / philox_words, work, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        std::uint32_t words[philox_words];
        for (std::ptrdiff_t group = begin; group < end; ++group) {
            const std::ptrdiff_t first = group * philox_words, rest = n - first;
            philox_group(seed, offset + static_cast<std::uint64_t>(group) * philox_blocks, words);
            body(first, rest < philox_words ? static_cast<int>(rest) : philox_words, words);
        }
    });
}

void philox(std::uint64_t seed, std::uint64_t offset, std::uint32_t* words, std::ptrdiff_t n) {
    for_each_group(seed, offset, n, [=](std::ptrdiff_t first, int count, const std::uint32_t* group) {
        std::memcpy(words + first, group, count * sizeof(*words));
    });
}

template <class T>
void dropout(const T* input, double p, std::uint64_t seed, std::uint64_t offset, T* output, std::ptrdiff_t n) {
    // (word >> 8) * 2^-24 >= p in whole numbers: a product with a power of two is exact.
    const auto least = static_cast<std::uint32_t>(__builtin_ceil(p * (1 << 24)));
    const T scale = static_cast<T>(1 / (1 - p));
    for_each_group(seed, offset, n, [=](std::ptrdiff_t first, int count, const std::uint32_t* words) {
        for (int i = 0; i < count; ++i) output[first + i] = (words[i] >> 8) >= least ? input[first + i] * scale : T(0);
    });
}

template <class T>
constexpr ElementwiseKernels<T> elementwise_kernels{relu<T>, relu_backward<T>, dropout<T>};

}  // namespace

const ElementwiseTable MT_TABLE(elementwise) = {elementwise_kernels<float>, elementwise_kernels<double>, philox};

}  // namespace mt
