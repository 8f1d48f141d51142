#include "elementwise/elementwise.h"

#include "parallel.h"
#include "simd.h"

namespace mt {
namespace {

template <class T>
void relu(const T* input, T* output, std::ptrdiff_t n) {
    using V = Vec<T>;
    parallel_for(n, 1, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        std::ptrdiff_t i = begin;
        for (; i + V::size <= end; i += V::size) max(V::zero(), V::load(input + i)).store(output + i);
        const int rest = static_cast<int>(end - i);
        max(V::zero(), V::load_partial(input + i, rest)).store_partial(output + i, rest);
    });
}

template <class T>
void relu_backward(const T* grad_output, const T* output, T* grad_input, std::ptrdiff_t n) {
    using V = Vec<T>;
    parallel_for(n, 1.5, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        std::ptrdiff_t i = begin;
        for (; i + V::size <= end; i += V::size) {
            select(gt(V::load(output + i), V::zero()), V::load(grad_output + i), V::zero()).store(grad_input + i);
        }
        const int rest = static_cast<int>(end - i);
        const auto positive = gt(V::load_partial(output + i, rest), V::zero());
        select(positive, V::load_partial(grad_output + i, rest), V::zero()).store_partial(grad_input + i, rest);
    });
}

template <class T>
constexpr ElementwiseKernels<T> elementwise_kernels{relu<T>, relu_backward<T>};

}  // namespace

const ElementwiseTable MT_TABLE(elementwise) = {elementwise_kernels<float>, elementwise_kernels<double>};

}  // namespace mt
