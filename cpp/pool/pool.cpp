#include "pool/pool.h"

#include "pool/avg_pool.h"
#include "pool/max_pool.h"

namespace mt {
namespace {

template <class T, class Index>
constexpr MaxPoolKernels<T, Index> max_pool_kernels{max_pool2d<T, Index>, max_pool2d_backward<T, Index>,
                                                    max_pool2d_gather<T, Index>};

template <class T>
constexpr PoolKernels<T> pool_kernels{max_pool_kernels<T, std::uint8_t>, max_pool_kernels<T, std::int32_t>,
                                      avg_pool2d<T>, avg_pool2d_backward<T>};

}  // namespace

const PoolTable MT_TABLE(pool) = {pool_kernels<float>, pool_kernels<double>};

}  // namespace mt
