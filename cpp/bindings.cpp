// The Python module minitorch._C.
#include "bindings.h"

#include "dispatch.h"
#include "memory.h"
#include "parallel.h"

namespace mt {
namespace {

// Memory that an array is made on: np.ndarray(shape, dtype, Block(bytes)). It is not initialised.
class Block {
  public:
    explicit Block(size_t bytes) : bytes_(bytes), data_(allocate(bytes)) {}
    ~Block() { deallocate(data_); }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    static int get_buffer(PyObject* self, Py_buffer* view, int flags) {
        const Block* const block = nb::inst_ptr<Block>(self);
        return PyBuffer_FillInfo(view, self, block->data_, static_cast<Py_ssize_t>(block->bytes_), 0, flags);
    }

  private:
    const size_t bytes_;
    void* const data_;
};

PyType_Slot block_slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(&Block::get_buffer)}, {0, nullptr}};

}  // namespace
}  // namespace mt

NB_MODULE(_C, m) {
    // Arrays that a program still holds when it ends, in a global say, are no leak.
    nb::set_leak_warnings(false);
    m.attr("isa") = mt::kernels().isa;
    m.def("get_num_threads", &mt::num_threads);
    m.def(
        "set_num_threads",
        [](int n) {
            mt::require(n >= 1, "set_num_threads: the number of threads must be at least 1");
            mt::set_num_threads(n);
        },
        "n"_a);
    nb::class_<mt::Block>(m, "Block", nb::type_slots(mt::block_slots)).def(nb::init<size_t>(), "bytes"_a);
    m.def("empty_cache", &mt::empty_cache);
    m.def("memory_allocated", &mt::memory_allocated);
    m.def("memory_reserved", &mt::memory_reserved);
    mt::bind_conv(m);
    mt::bind_elementwise(m);
    mt::bind_gemm(m);
    mt::bind_loss(m);
    mt::bind_norm(m);
    mt::bind_optim(m);
    mt::bind_pool(m);
}
