#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <cstddef>
#include <optional>
#include <utility>

#include "bindings.h"
#include "dispatch.h"

namespace mt {
namespace {

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
                           std::ptrdiff_t groups, bool winograd) {
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
                            groups,
                            winograd};
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
           Pair dilation, std::ptrdiff_t groups, bool winograd) {
            const ConvGeometry g = conv_geometry(input, weight, output, stride, padding, dilation, groups, winograd);
            require(!bias || bias->size() == weight.shape(0), "conv2d: the bias differs from the weight in size");
            const nb::gil_scoped_release released;
            half<T>(kernels().conv)
                .forward(g, input.data(), weight.data(), bias ? bias->data() : nullptr, output.data());
        },
        "input"_a.noconvert(), "weight"_a.noconvert(), "bias"_a.noconvert().none(), "output"_a.noconvert(), "stride"_a,
        "padding"_a, "dilation"_a, "groups"_a, "winograd"_a = true);
    m.def(
        "conv2d_backward_input",
        [](Input<T> grad_output, Input<T> weight, Output<T> grad_input, Pair stride, Pair padding, Pair dilation,
           std::ptrdiff_t groups, bool winograd) {
            const ConvGeometry g =
                conv_geometry(grad_input, weight, grad_output, stride, padding, dilation, groups, winograd);
            const nb::gil_scoped_release released;
            half<T>(kernels().conv).backward_input(g, grad_output.data(), weight.data(), grad_input.data());
        },
        "grad_output"_a.noconvert(), "weight"_a.noconvert(), "grad_input"_a.noconvert(), "stride"_a, "padding"_a,
        "dilation"_a, "groups"_a, "winograd"_a = true);
    m.def(
        "conv2d_backward_weight",
        [](Input<T> input, Input<T> grad_output, Output<T> grad_weight, Pair stride, Pair padding, Pair dilation,
           std::ptrdiff_t groups, bool winograd) {
            const ConvGeometry g =
                conv_geometry(input, grad_weight, grad_output, stride, padding, dilation, groups, winograd);
            const nb::gil_scoped_release released;
            half<T>(kernels().conv).backward_weight(g, input.data(), grad_output.data(), grad_weight.data());
        },
        "input"_a.noconvert(), "grad_output"_a.noconvert(), "grad_weight"_a.noconvert(), "stride"_a, "padding"_a,
        "dilation"_a, "groups"_a, "winograd"_a = true);
}

}  // namespace

void bind_conv(nb::module_& m) {
    define_conv<float>(m);
    define_conv<double>(m);
}

}  // namespace mt
