#include <cstddef>
#include <cstdint>

#include "bindings.h"
#include "dispatch.h"

namespace mt {
namespace {

template <class X, class Y>
RowShape row_shape(const X& input, const Y& other) {
    require(input.ndim() == 2, "loss: the input needs 2 dimensions");
    require(input.size() == other.size(), "loss: input and output differ in size");
    return {static_cast<std::ptrdiff_t>(input.shape(0)), static_cast<std::ptrdiff_t>(input.shape(1))};
}

// A label that names no class would be read as an address far outside of the input.
Labels checked_labels(RowShape shape, const Input<std::int64_t>& target, std::int64_t ignore_index) {
    require(static_cast<std::ptrdiff_t>(target.size()) == shape.rows, "cross_entropy: one label for each row, please");
    for (std::ptrdiff_t r = 0; r < shape.rows; ++r) {
        const std::int64_t label = target.data()[r];
        if (label != ignore_index && (label < 0 || label >= shape.columns)) {
            throw nb::index_error("cross_entropy: a label is not the number of a class");
        }
    }
    return {target.data(), ignore_index};
}

template <class T>
void define_loss(nb::module_& m) {
    m.def(
        "softmax",
        [](Input<T> input, Output<T> output) {
            const RowShape shape = row_shape(input, output);
            const nb::gil_scoped_release released;
            half<T>(kernels().loss).softmax(shape, input.data(), output.data());
        },
        "input"_a.noconvert(), "output"_a.noconvert());
    m.def(
        "log_softmax",
        [](Input<T> input, Output<T> output) {
            const RowShape shape = row_shape(input, output);
            const nb::gil_scoped_release released;
            half<T>(kernels().loss).log_softmax(shape, input.data(), output.data());
        },
        "input"_a.noconvert(), "output"_a.noconvert());
    m.def(
        "cross_entropy",
        [](Input<T> input, Input<std::int64_t> target, std::int64_t ignore_index, Output<T> losses,
           Output<T> logsumexp) {
            const RowShape shape = row_shape(input, input);
            require(losses.size() == input.shape(0) && logsumexp.size() == input.shape(0),
                    "cross_entropy: input and output differ in their rows");
            const Labels labels = checked_labels(shape, target, ignore_index);
            const nb::gil_scoped_release released;
            half<T>(kernels().loss).cross_entropy(shape, input.data(), labels, losses.data(), logsumexp.data());
        },
        "input"_a.noconvert(), "target"_a.noconvert(), "ignore_index"_a, "losses"_a.noconvert(),
        "logsumexp"_a.noconvert());
    m.def(
        "cross_entropy_backward",
        [](Input<T> grad_output, Input<T> input, Input<std::int64_t> target, Input<T> logsumexp,
           std::int64_t ignore_index, Output<T> grad_input) {
            const RowShape shape = row_shape(input, grad_input);
            require(grad_output.size() == input.shape(0) && logsumexp.size() == input.shape(0),
                    "cross_entropy_backward: gradient, logsumexp and input differ in their rows");
            const Labels labels = checked_labels(shape, target, ignore_index);
            const nb::gil_scoped_release released;
            half<T>(kernels().loss)
                .cross_entropy_backward(shape, grad_output.data(), input.data(), labels, logsumexp.data(),
                                        grad_input.data());
        },
        "grad_output"_a.noconvert(), "input"_a.noconvert(), "target"_a.noconvert(), "logsumexp"_a.noconvert(),
        "ignore_index"_a, "grad_input"_a.noconvert());
}

}  // namespace

void bind_loss(nb::module_& m) {
    define_loss<float>(m);
    define_loss<double>(m);
}

}  // namespace mt
