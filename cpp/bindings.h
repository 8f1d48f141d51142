// What the Python bindings of all families share. Each family has its own in cpp/<family>/bindings.cpp; nothing else
// knows Python.
//
// Arguments are NumPy arrays of exactly the dtype and layout that a kernel takes: minitorch/backends/cpu.py converts,
// allocates the outputs and words the errors. What the bindings check is only that a wrong call can't touch memory
// outside of its arrays.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <type_traits>

namespace nb = nanobind;
using namespace nb::literals;

namespace mt {

// `.noconvert()` on each argument of these types: nanobind would otherwise copy an array of another dtype, and a kernel
// would write its output into the copy.
template <class T>
using Input = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Output = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

inline void require(bool condition, const char* message) {
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

// Each defines a family's functions as overloads for float32 and float64.
void bind_conv(nb::module_& m);
void bind_elementwise(nb::module_& m);
void bind_gemm(nb::module_& m);
void bind_loss(nb::module_& m);
void bind_norm(nb::module_& m);
void bind_optim(nb::module_& m);
void bind_pool(nb::module_& m);

}  // namespace mt
