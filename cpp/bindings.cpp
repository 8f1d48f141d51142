// The Python module minitorch._C: the only file that knows Python. Arguments are NumPy arrays of exactly the dtype and
// layout that a kernel takes; minitorch/backends/cpu.py converts, allocates the outputs and words the errors. What is
// checked here is only that a wrong call can't touch memory outside of its arrays.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <type_traits>

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

// Defines the functions of every family, as overloads for float32 and float64.
template <class T>
void define_families(nb::module_& m) {
    define_elementwise<T>(m);
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
