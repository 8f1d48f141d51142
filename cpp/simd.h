// Vec<T>: one register of T (float or double) of the instruction set this file is compiled for, the same interface on
// each. `max` and `min` follow the x86 instructions: the second operand if either is NaN (or both are zeros).
//
//   Vec<T>::size                        lanes
//   Vec<T>::zero() set1(x) load(p)      load needs no alignment
//   Vec<T>::load_partial(p, n)          the first n lanes (0 <= n <= size), the others 0; never reads past p[n-1]
//   Vec<T>::load_bytes(p, n)            as load_partial, from n bytes: 0 ... 255
//   v.store(p)  v.store_partial(p, n)
//   a + b  a - b  a * b  a / b  -a      lane by lane
//   fma(a, b, c)                        a*b + c; one rounding where the machine has the instruction (not baseline)
//   max(a, b) min(a, b) sqrt(a) abs(a)
//   gt(a, b) ge(a, b) eq(a, b) isnan(a) -> Vec<T>::Mask, which has m & n, m | n
//   select(mask, a, b)                  a where the mask is set, else b
//   zip_low(a, b) zip_high(a, b)        a0 b0 a1 b1 … of the lower, of the upper half of the lanes
//   reduce_add(a) reduce_max(a)         over the lanes, in a fixed order
//   deinterleave(a, b, even, odd)       of the 2*size numbers in a and b: those at even places, those at odd places
//   interleave(even, odd, a, b)         its inverse
//   ldexp(a, n)                         a * 2^n for whole n, |n| <= 250 (float) or 2000 (double)
#pragma once

#include "isa.h"

namespace mt {
namespace {

template <class T>
struct Vec;

}  // namespace
}  // namespace mt

#if defined(MT_ISA_AVX512)
#include "simd/avx512.h"
#elif defined(MT_ISA_AVX2)
#include "simd/avx2.h"
#elif defined(MT_ISA_NEON)
#include "simd/neon.h"
#else
#include "simd/scalar.h"
#endif
