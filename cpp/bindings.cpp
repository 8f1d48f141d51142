// The Python module minitorch._C.
#include "bindings.h"

#include <limits>

#include "dispatch.h"
#include "memory.h"
#include "parallel.h"

namespace mt {
namespace {

// The numbers of the DLPack protocol for a NumPy dtype.
nb::dlpack::dtype dtype_from(nb::handle dtype) {
    const char kind = nb::cast<nb::str>(dtype.attr("kind")).c_str()[0];
    const int bits = 8 * nb::cast<int>(dtype.attr("itemsize"));
    const auto code = kind == 'f'   ? nb::dlpack::dtype_code::Float
                      : kind == 'i' ? nb::dlpack::dtype_code::Int
                                    : nb::dlpack::dtype_code::UInt;
    require(kind == 'f' || kind == 'i' || kind == 'u', "empty: the dtype is not a number");
    return {static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(bits), 1};
}

nb::ndarray<nb::numpy> empty(nb::tuple shape, nb::handle dtype) {
    constexpr size_t max_dims = 64;  // NumPy's limit
    const nb::dlpack::dtype type = dtype_from(dtype);
    size_t sizes[max_dims], bytes = type.bits / 8;
    const size_t dims = shape.size();
    require(dims <= max_dims, "empty: too many dimensions");
    for (size_t d = 0; d < dims; ++d) {
        sizes[d] = nb::cast<size_t>(shape[d]);
        require(sizes[d] == 0 || bytes <= std::numeric_limits<std::ptrdiff_t>::max() / sizes[d], "empty: too large");
        bytes *= sizes[d];
    }
    void* const block = allocate(bytes);
    const nb::capsule owner(block, [](void* p) noexcept { deallocate(p); });
    return nb::ndarray<nb::numpy>(block, dims, sizes, owner, nullptr, type);
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
    m.def("empty", &mt::empty, "shape"_a, "dtype"_a);
    m.def("empty_cache", &mt::empty_cache);
    m.def("memory_allocated", &mt::memory_allocated);
    m.def("memory_reserved", &mt::memory_reserved);
    mt::bind_conv(m);
    mt::bind_elementwise(m);
    mt::bind_gemm(m);
    mt::bind_loss(m);
    mt::bind_optim(m);
    mt::bind_pool(m);
}
