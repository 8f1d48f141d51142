#include "norm/norm.h"

#include "norm/affine.h"
#include "norm/local_response.h"
#include "norm/standardize.h"

namespace mt {
namespace {

template <class T>
constexpr NormKernels<T> norm_kernels{standardize<T>,     standardize_backward<T>, affine<T>,
                                      affine_backward<T>, local_response<T>,       local_response_backward<T>};

}  // namespace

const NormTable MT_TABLE(norm) = {norm_kernels<float>, norm_kernels<double>};

}  // namespace mt
