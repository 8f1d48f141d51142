#include <nanobind/stl/pair.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "bindings.h"
#include "dispatch.h"

namespace mt {
namespace {

using Pair = std::pair<std::ptrdiff_t, std::ptrdiff_t>;  // height, width

// The kernels look only at elements inside the arrays, whatever the numbers, as long as these don't overflow.
PoolAxis pool_axis(std::size_t input, std::size_t output, std::ptrdiff_t kernel, std::ptrdiff_t stride,
                   std::ptrdiff_t padding, std::ptrdiff_t dilation) {
    constexpr std::ptrdiff_t limit = std::ptrdiff_t{1} << 31;
    const auto fits = [](std::ptrdiff_t least, std::ptrdiff_t x) { return least <= x && x < limit; };
    require(
        fits(1, kernel) && fits(1, stride) && fits(0, padding) && fits(1, dilation) && input < limit && output < limit,
        "pooling: the kernel size, stride, padding or dilation is out of range");
    return {static_cast<std::ptrdiff_t>(input), static_cast<std::ptrdiff_t>(output), kernel, stride, padding, dilation};
}

template <class X, class Y>
PoolGeometry pool_geometry(const X& input, const Y& output, Pair kernel, Pair stride, Pair padding, Pair dilation) {
    require(input.ndim() == 4 && output.ndim() == 4, "pooling: the arrays need 4 dimensions");
    require(input.shape(0) == output.shape(0) && input.shape(1) == output.shape(1),
            "pooling: the arrays differ in batch size or channels");
    return {static_cast<std::ptrdiff_t>(input.shape(0) * input.shape(1)),
            pool_axis(input.shape(2), output.shape(2), kernel.first, stride.first, padding.first, dilation.first),
            pool_axis(input.shape(3), output.shape(3), kernel.second, stride.second, padding.second, dilation.second)};
}

template <class T, class Index>
const MaxPoolKernels<T, Index>& max_pool_kernels() {
    if constexpr (std::is_same_v<Index, std::uint8_t>) {
        return half<T>(kernels().pool).max_u8;
    } else {
        return half<T>(kernels().pool).max_i32;
    }
}

template <class T, class Index>
void define_max_pool(nb::module_& m) {
    m.def(
        "max_pool2d",
        [](Input<T> input, Output<T> output, Output<Index> indices, Pair kernel_size, Pair stride, Pair padding,
           Pair dilation) {
            const PoolGeometry g = pool_geometry(input, output, kernel_size, stride, padding, dilation);
            require(indices.size() == output.size(), "max_pool2d: output and indices differ in size");
            require(g.h.kernel * g.w.kernel <= std::ptrdiff_t{1} << (8 * sizeof(Index) - std::is_signed_v<Index>),
                    "max_pool2d: the dtype of the indices is too small for the kernel");
            const nb::gil_scoped_release released;
            max_pool_kernels<T, Index>().forward(g, input.data(), output.data(), indices.data());
        },
        "input"_a.noconvert(), "output"_a.noconvert(), "indices"_a.noconvert(), "kernel_size"_a, "stride"_a,
        "padding"_a, "dilation"_a);
    m.def(
        "max_pool2d_backward",
        [](Input<T> grad_output, Input<Index> indices, Output<T> grad_input, Pair kernel_size, Pair stride,
           Pair padding, Pair dilation) {
            const PoolGeometry g = pool_geometry(grad_input, grad_output, kernel_size, stride, padding, dilation);
            require(indices.size() == grad_output.size(), "max_pool2d_backward: gradient and indices differ in size");
            const nb::gil_scoped_release released;
            max_pool_kernels<T, Index>().backward(g, grad_output.data(), indices.data(), grad_input.data());
        },
        "grad_output"_a.noconvert(), "indices"_a.noconvert(), "grad_input"_a.noconvert(), "kernel_size"_a, "stride"_a,
        "padding"_a, "dilation"_a);
    m.def(
        "max_pool2d_gather",
        [](Input<T> input, Input<Index> indices, Output<T> output, Pair kernel_size, Pair stride, Pair padding,
           Pair dilation) {
            const PoolGeometry g = pool_geometry(input, output, kernel_size, stride, padding, dilation);
            require(indices.size() == output.size(), "max_pool2d_gather: output and indices differ in size");
            const nb::gil_scoped_release released;
            max_pool_kernels<T, Index>().gather(g, input.data(), indices.data(), output.data());
        },
        "input"_a.noconvert(), "indices"_a.noconvert(), "output"_a.noconvert(), "kernel_size"_a, "stride"_a,
        "padding"_a, "dilation"_a);
}

// `divisor` is 0 where it is the number of elements in a window.
template <class T>
void define_avg_pool(nb::module_& m) {
    m.def(
        "avg_pool2d",
        [](Input<T> input, Output<T> output, Pair kernel_size, Pair stride, Pair padding, bool count_include_pad,
           double divisor) {
            const PoolGeometry g = pool_geometry(input, output, kernel_size, stride, padding, {1, 1});
            const nb::gil_scoped_release released;
            half<T>(kernels().pool).avg_forward(g, {count_include_pad, divisor}, input.data(), output.data());
        },
        "input"_a.noconvert(), "output"_a.noconvert(), "kernel_size"_a, "stride"_a, "padding"_a, "count_include_pad"_a,
        "divisor"_a);
    m.def(
        "avg_pool2d_backward",
        [](Input<T> grad_output, Output<T> grad_input, Pair kernel_size, Pair stride, Pair padding,
           bool count_include_pad, double divisor) {
            const PoolGeometry g = pool_geometry(grad_input, grad_output, kernel_size, stride, padding, {1, 1});
            const nb::gil_scoped_release released;
            half<T>(kernels().pool)
                .avg_backward(g, {count_include_pad, divisor}, grad_output.data(), grad_input.data());
        },
        "grad_output"_a.noconvert(), "grad_input"_a.noconvert(), "kernel_size"_a, "stride"_a, "padding"_a,
        "count_include_pad"_a, "divisor"_a);
}

template <class T>
void define_pool(nb::module_& m) {
    define_max_pool<T, std::uint8_t>(m);
    define_max_pool<T, std::int32_t>(m);
    define_avg_pool<T>(m);
}

}  // namespace

void bind_pool(nb::module_& m) {
    define_pool<float>(m);
    define_pool<double>(m);
}

}  // namespace mt
