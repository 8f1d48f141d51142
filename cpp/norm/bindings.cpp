#include <nanobind/stl/optional.h>

#include <cstddef>
#include <optional>

#include "bindings.h"
#include "dispatch.h"

namespace mt {
namespace {

template <class X>
ChannelShape channel_shape(const X& array) {
    require(array.ndim() == 3, "standardize: the arrays need 3 dimensions");
    return {static_cast<std::ptrdiff_t>(array.shape(0)), static_cast<std::ptrdiff_t>(array.shape(1)),
            static_cast<std::ptrdiff_t>(array.shape(2))};
}

template <class X>
WindowShape window_shape(const X& array, std::ptrdiff_t before, std::ptrdiff_t after) {
    require(array.ndim() == 3, "local_response: the arrays need 3 dimensions");
    const auto channels = static_cast<std::ptrdiff_t>(array.shape(1));
    require(0 <= before && 0 <= after && before <= channels && after <= channels,
            "local_response: the window is wider than there are channels");
    return {static_cast<std::ptrdiff_t>(array.shape(0)), channels, static_cast<std::ptrdiff_t>(array.shape(2)), before,
            after};
}

template <class X, class... Others>
void require_same_size(const X& array, const Others&... others) {
    require(((array.size() == others.size()) && ...), "norm: the arrays differ in size");
}

template <class T>
void define_standardize(nb::module_& m) {
    m.def(
        "standardize",
        [](Input<T> input, T eps, Output<T> normalized, Output<T> scale, std::optional<Output<T>> mean,
           Output<T> variance) {
            const ChannelShape shape = channel_shape(input);
            require_same_size(input, normalized);
            const auto fits = [&](const Output<T>& a) {
                return static_cast<std::ptrdiff_t>(a.size()) == shape.channels;
            };
            require(fits(scale) && fits(variance) && (!mean || fits(*mean)),
                    "standardize: one scale, mean and variance for each channel, please");
            const Statistics<T> statistics{scale.data(), mean ? mean->data() : nullptr, variance.data()};
            const nb::gil_scoped_release released;
            half<T>(kernels().norm).standardize(shape, input.data(), eps, normalized.data(), statistics);
        },
        "input"_a.noconvert(), "eps"_a, "normalized"_a.noconvert(), "scale"_a.noconvert(), "mean"_a.noconvert().none(),
        "variance"_a.noconvert());
    m.def(
        "standardize_backward",
        [](Input<T> grad_normalized, Input<T> normalized, Input<T> scale, bool centred, Output<T> grad_input) {
            const ChannelShape shape = channel_shape(normalized);
            require_same_size(normalized, grad_normalized, grad_input);
            require(static_cast<std::ptrdiff_t>(scale.size()) == shape.channels,
                    "standardize_backward: one scale for each channel, please");
            const nb::gil_scoped_release released;
            half<T>(kernels().norm)
                .standardize_backward(shape, grad_normalized.data(), normalized.data(), scale.data(), centred,
                                      grad_input.data());
        },
        "grad_normalized"_a.noconvert(), "normalized"_a.noconvert(), "scale"_a.noconvert(), "centred"_a,
        "grad_input"_a.noconvert());
}

template <class T>
void define_affine(nb::module_& m) {
    m.def(
        "affine",
        [](Input<T> input, Input<T> weight, std::optional<Input<T>> bias, Output<T> output) {
            const ChannelShape shape = channel_shape(input);
            require_same_size(input, output);
            const auto fits = [&](const Input<T>& a) {
                return static_cast<std::ptrdiff_t>(a.size()) == shape.channels;
            };
            require(fits(weight) && (!bias || fits(*bias)), "affine: one weight and bias for each channel, please");
            const T* summands = bias ? bias->data() : nullptr;
            const nb::gil_scoped_release released;
            half<T>(kernels().norm).affine(shape, input.data(), weight.data(), summands, output.data());
        },
        "input"_a.noconvert(), "weight"_a.noconvert(), "bias"_a.noconvert().none(), "output"_a.noconvert());
    m.def(
        "affine_backward",
        [](Input<T> grad_output, Input<T> input, Input<T> weight, Output<T> grad_input, Output<T> grad_weight,
           Output<T> grad_bias) {
            const ChannelShape shape = channel_shape(input);
            require_same_size(input, grad_output, grad_input);
            require_same_size(weight, grad_weight, grad_bias);
            require(static_cast<std::ptrdiff_t>(weight.size()) == shape.channels,
                    "affine_backward: one weight for each channel, please");
            const nb::gil_scoped_release released;
            half<T>(kernels().norm)
                .affine_backward(shape, grad_output.data(), input.data(), weight.data(), grad_input.data(),
                                 grad_weight.data(), grad_bias.data());
        },
        "grad_output"_a.noconvert(), "input"_a.noconvert(), "weight"_a.noconvert(), "grad_input"_a.noconvert(),
        "grad_weight"_a.noconvert(), "grad_bias"_a.noconvert());
}

template <class T>
void define_local_response(nb::module_& m) {
    m.def(
        "local_response",
        [](Input<T> input, std::ptrdiff_t before, std::ptrdiff_t after, T factor, T beta, T k, Output<T> output,
           Output<T> base) {
            const WindowShape shape = window_shape(input, before, after);
            require_same_size(input, output, base);
            const nb::gil_scoped_release released;
            half<T>(kernels().norm).local_response(shape, input.data(), factor, beta, k, output.data(), base.data());
        },
        "input"_a.noconvert(), "before"_a, "after"_a, "factor"_a, "beta"_a, "k"_a, "output"_a.noconvert(),
        "base"_a.noconvert());
    m.def(
        "local_response_backward",
        [](Input<T> grad_output, Input<T> input, Input<T> base, std::ptrdiff_t before, std::ptrdiff_t after, T factor,
           T beta, Output<T> grad_input) {
            const WindowShape shape = window_shape(input, before, after);
            require_same_size(input, grad_output, base, grad_input);
            const nb::gil_scoped_release released;
            half<T>(kernels().norm)
                .local_response_backward(shape, grad_output.data(), input.data(), base.data(), factor, beta,
                                         grad_input.data());
        },
        "grad_output"_a.noconvert(), "input"_a.noconvert(), "base"_a.noconvert(), "before"_a, "after"_a, "factor"_a,
        "beta"_a, "grad_input"_a.noconvert());
}

}  // namespace

void bind_norm(nb::module_& m) {
    define_standardize<float>(m);
    define_standardize<double>(m);
    define_affine<float>(m);
    define_affine<double>(m);
    define_local_response<float>(m);
    define_local_response<double>(m);
}

}  // namespace mt
