#include <nanobind/stl/optional.h>

#include <cstddef>
#include <optional>

#include "bindings.h"
#include "dispatch.h"

namespace mt {
namespace {

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

}  // namespace

void bind_gemm(nb::module_& m) {
    define_gemm<float>(m);
    define_gemm<double>(m);
}

}  // namespace mt
