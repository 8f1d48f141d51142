// The Python module minitorch._C.
#include "bindings.h"

#include "dispatch.h"
#include "parallel.h"

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
    mt::bind_conv(m);
    mt::bind_elementwise(m);
    mt::bind_gemm(m);
}
