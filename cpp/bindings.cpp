// The Python module minitorch._C: the only file that knows Python. Arguments are NumPy arrays of exactly the dtype and
// layout that a kernel takes; minitorch/backends/cpu.py converts, allocates the outputs and words the errors. What is
// checked here is only that a wrong call can't touch memory outside of its arrays.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "dispatch.h"
#include "parallel.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace mt {
namespace {

// `.noconvert()` on each argument of these types: nanobind would otherwise copy an array of another dtype, and a kernel
// would write its output into the copy.
template <class T>
using Input = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Output = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

void require(bool condition, const char* message) {
    if (!condition) throw nb::value_error(message);
}

// The float32 or float64 half of a family's table.
template <class T, class Table>
const auto& half(const Table* table) {
    if constexpr (std::is_same_v<T, float>) {
        return table->f32;
    } else {
        return table->f64;
    }
}

// ---- elementwise ----------------------------------------------------------------------------------------------------

template <class T>
void define_elementwise(nb::module_& m) {
    m.def(
        "relu",
        [](Input<T> input, Output<T> output) {
            require(input.size() == output.size(), "relu: the arrays differ in size");
            const nb::gil_scoped_release released;
            half<T>(kernels().elementwise).relu(input.data(), output.data(), output.size());
        },
        "input"_a.noconvert(), "output"_a.noconvert());
    m.def(
        "relu_backward",
        [](Input<T> grad_output, Input<T> output, Output<T> grad_input) {
            require(grad_output.size() == output.size() && output.size() == grad_input.size(),
                    "relu_backward: the arrays differ in size");
            const nb::gil_scoped_release released;
            half<T>(kernels().elementwise)
                .relu_backward(grad_output.data(), output.data(), grad_input.data(), output.size());
        },
        "grad_output"_a.noconvert(), "output"_a.noconvert(), "grad_input"_a.noconvert());
}

// ---- conv -----------------------------------------------------------------------------------------------------------

using Pair = std::pair<std::ptrdiff_t, std::ptrdiff_t>;  // height, width

// Checks one axis: `output` is the number of places for the kernel.
void require_axis(std::ptrdiff_t input, std::ptrdiff_t kernel, std::ptrdiff_t output, std::ptrdiff_t stride,
                  std::ptrdiff_t padding, std::ptrdiff_t dilation) {
    constexpr std::ptrdiff_t limit = std::ptrdiff_t{1} << 31;
    require(1 <= stride && stride < limit && 0 <= padding && padding < limit && 1 <= dilation && dilation < limit &&
                1 <= kernel && kernel < limit,
            "conv2d: the stride, padding, dilation or kernel size is out of range");
    const std::ptrdiff_t room = input + 2 * padding - dilation * (kernel - 1) - 1;
    require(room >= 0 && output == room / stride + 1, "conv2d: the output size doesn't fit the input size");
}

template <class X, class W, class Y>
ConvGeometry conv_geometry(const X& input, const W& weight, const Y& output, Pair stride, Pair padding, Pair dilation,
                           std::ptrdiff_t groups) {
    require(input.ndim() == 4 && weight.ndim() == 4 && output.ndim() == 4, "conv2d: the arrays need 4 dimensions");
    const auto size = [](const auto& array, int i) { return static_cast<std::ptrdiff_t>(array.shape(i)); };
    const ConvGeometry g = {size(input, 0),
                            size(input, 1),
                            size(input, 2),
                            size(input, 3),
                            size(output, 1),
                            size(output, 2),
                            size(output, 3),
                            size(weight, 2),
                            size(weight, 3),
                            {stride.first, stride.second},
                            {padding.first, padding.second},
                            {dilation.first, dilation.second},
                            groups};
    require(groups >= 1 && g.channels % groups == 0 && g.outputs % groups == 0 && size(output, 0) == g.images &&
                size(weight, 0) == g.outputs && size(weight, 1) == g.channels / groups,
            "conv2d: the arrays differ in batch size or channels");
    require_axis(g.height, g.kernel_height, g.out_height, g.stride[0], g.padding[0], g.dilation[0]);
    require_axis(g.width, g.kernel_width, g.out_width, g.stride[1], g.padding[1], g.dilation[1]);
    return g;
}

template <class T>
void define_conv(nb::module_& m) {
    m.def(
        "conv2d",
        [](Input<T> input, Input<T> weight, std::optional<Input<T>> bias, Output<T> output, Pair stride, Pair padding,
           Pair dilation, std::ptrdiff_t groups) {
            const ConvGeometry g = conv_geometry(input, weight, output, stride, padding, dilation, groups);
            require(!bias || bias->size() == weight.shape(0), "conv2d: the bias differs from the weight in size");
            const nb::gil_scoped_release released;
            half<T>(kernels().conv)
                .forward(g, input.data(), weight.data(), bias ? bias->data() : nullptr, output.data());
        },
        "input"_a.noconvert(), "weight"_a.noconvert(), "bias"_a.noconvert().none(), "output"_a.noconvert(), "stride"_a,
        "padding"_a, "dilation"_a, "groups"_a);
    m.def(
        "conv2d_backward_input",
        [](Input<T> grad_output, Input<T> weight, Output<T> grad_input, Pair stride, Pair padding, Pair dilation,
           std::ptrdiff_t groups) {
            const ConvGeometry g = conv_geometry(grad_input, weight, grad_output, stride, padding, dilation, groups);
            const nb::gil_scoped_release released;
            half<T>(kernels().conv).backward_input(g, grad_output.data(), weight.data(), grad_input.data());
        },
        "grad_output"_a.noconvert(), "weight"_a.noconvert(), "grad_input"_a.noconvert(), "stride"_a, "padding"_a,
        "dilation"_a, "groups"_a);
    m.def(
        "conv2d_backward_weight",
        [](Input<T> input, Input<T> grad_output, Output<T> grad_weight, Pair stride, Pair padding, Pair dilation,
           std::ptrdiff_t groups) {
            const ConvGeometry g = conv_geometry(input, grad_weight, grad_output, stride, padding, dilation, groups);
            const nb::gil_scoped_release released;
            half<T>(kernels().conv).backward_weight(g, input.data(), grad_output.data(), grad_weight.data());
        },
        "input"_a.noconvert(), "grad_output"_a.noconvert(), "grad_weight"_a.noconvert(), "stride"_a, "padding"_a,
        "dilation"_a, "groups"_a);
}

// ---- gemm -----------------------------------------------------------------------------------------------------------

template <class T>
using Matrices = nb::ndarray<const T, nb::device::cpu>;  // of any strides

// The strides of an operand's leading dimensions, aligned with those of the output; 0 where it is broadcast.
template <class T>
void batch_strides(const Matrices<T>& operand, const Output<T>& output, std::ptrdiff_t* strides) {
    require(operand.ndim() <= output.ndim(), "matmul: an operand has more dimensions than the output");
    const size_t missing = output.ndim() - operand.ndim();
    for (size_t d = 0; d + 2 < output.ndim(); ++d) {
        const size_t size = d < missing ? 1 : operand.shape(d - missing);
        require(size == 1 || size == output.shape(d), "matmul: the leading dimensions differ");
        strides[d] = size == 1 ? 0 : operand.stride(d - missing);
    }
}

template <class T>
void define_gemm(nb::module_& m) {
    m.def(
        "matmul",
        [](Matrices<T> a, Matrices<T> b, std::optional<Input<T>> bias, bool relu, Output<T> output) {
            constexpr size_t max_dims = 64;  // NumPy's limit
            require(a.ndim() >= 2 && b.ndim() >= 2 && output.ndim() <= max_dims, "matmul: wrong number of dimensions");
            const size_t row = a.ndim() - 2, column = b.ndim() - 1, batch_dims = output.ndim() - 2;
            std::ptrdiff_t batch[max_dims], a_batch[max_dims], b_batch[max_dims];
            batch_strides(a, output, a_batch);
            batch_strides(b, output, b_batch);
            for (size_t d = 0; d < batch_dims; ++d) batch[d] = output.shape(d);
            const GemmShape shape{static_cast<std::ptrdiff_t>(a.shape(row)),
                                  static_cast<std::ptrdiff_t>(b.shape(column)),
                                  static_cast<std::ptrdiff_t>(a.shape(row + 1)), static_cast<int>(batch_dims), batch};
            require(b.shape(column - 1) == a.shape(row + 1) && output.shape(batch_dims) == a.shape(row) &&
                        output.shape(batch_dims + 1) == b.shape(column) && (!bias || bias->size() == b.shape(column)),
                    "matmul: the shapes don't match");
            const nb::gil_scoped_release released;
            half<T>(kernels().gemm)
                .gemm(shape, {a.data(), a.stride(row), a.stride(row + 1), a_batch},
                      {b.data(), b.stride(column - 1), b.stride(column), b_batch}, bias ? bias->data() : nullptr, relu,
                      output.data());
        },
        "a"_a.noconvert(), "b"_a.noconvert(), "bias"_a.noconvert().none(), "relu"_a, "output"_a.noconvert());
}

// Defines the functions of every family, as overloads for float32 and float64.
template <class T>
void define_families(nb::module_& m) {
    define_elementwise<T>(m);
    define_conv<T>(m);
    define_gemm<T>(m);
}

}  // namespace
}  // namespace mt

NB_MODULE(_C, m) {
    m.attr("isa") = mt::kernels().isa;
    m.def("get_num_threads", &mt::num_threads);
    m.def(
        "set_num_threads",
        [](int n) {
            mt::require(n >= 1, "set_num_threads: the number of threads must be at least 1");
            mt::set_num_threads(n);
        },
        "n"_a);
    mt::define_families<float>(m);
    mt::define_families<double>(m);
}
