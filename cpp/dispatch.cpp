#include "dispatch.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace mt {
namespace {

#define MT_KERNELS(isa) \
    Kernels { #isa, &conv_##isa, &elementwise_##isa, &gemm_##isa, &loss_##isa, &norm_##isa, &optim_##isa, &pool_##isa }

struct Candidate {
    Kernels kernels;
    bool supported;
};

const Kernels& choose() {
    // From the best to the most general, which every machine supports.
    static const Candidate candidates[] = {
#ifdef MT_HAVE_AVX512
        {MT_KERNELS(avx512), __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                                 __builtin_cpu_supports("fma")},
#endif
#ifdef MT_HAVE_AVX2
        {MT_KERNELS(avx2), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
#endif
#ifdef MT_HAVE_NEON
        {MT_KERNELS(neon), true},
#endif
        {MT_KERNELS(baseline), true},
    };
    const char* variable = std::getenv("MINITORCH_ISA");
    const std::string wanted = variable ? variable : "";
    std::string available;
    for (const Candidate& candidate : candidates) {
        if (!candidate.supported) continue;
        if (wanted.empty() || wanted == candidate.kernels.isa) return candidate.kernels;
        available += (available.empty() ? "" : ", ") + std::string(candidate.kernels.isa);
    }
    throw std::runtime_error("MINITORCH_ISA=" + wanted +
                             " is not an instruction set of this machine; available: " + available);
}

}  // namespace

const Kernels& kernels() {
    static const Kernels& chosen = choose();
    return chosen;
}

}  // namespace mt
