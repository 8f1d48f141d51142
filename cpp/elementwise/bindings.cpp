#include <cstdint>

#include "bindings.h"
#include "dispatch.h"

namespace mt {
namespace {

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
    m.def(
        "dropout",
        [](Input<T> input, double p, std::uint64_t seed, std::uint64_t offset, Output<T> output) {
            require(input.size() == output.size(), "dropout: the arrays differ in size");
            require(0 <= p && p <= 1, "dropout: p is not a probability");
            const nb::gil_scoped_release released;
            half<T>(kernels().elementwise).dropout(input.data(), p, seed, offset, output.data(), output.size());
        },
        "input"_a.noconvert(), "p"_a, "seed"_a, "offset"_a, "output"_a.noconvert());
}

}  // namespace

void bind_elementwise(nb::module_& m) {
    define_elementwise<float>(m);
    define_elementwise<double>(m);
    m.def(
        "philox",
        [](std::uint64_t seed, std::uint64_t offset, Output<std::uint32_t> words) {
            const nb::gil_scoped_release released;
            kernels().elementwise->philox(seed, offset, words.data(), words.size());
        },
        "seed"_a, "offset"_a, "words"_a.noconvert());
}

}  // namespace mt
