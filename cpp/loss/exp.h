// exp(x) for vectors, within 1.1 units in the last place.
#pragma once

#include "simd.h"

namespace mt {
namespace {

// log(2) in two parts (W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980): the product of
// the first with any exponent is exact, even without fma, so that x - n*log(2) keeps its digits.
template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
    static constexpr float log2_high = 0.693359375f, log2_low = -2.12194440e-4f;
    static constexpr float lowest = -104, highest = 89;  // beyond them the result is 0 or infinite
    static constexpr float to_whole = 12582912;          // 1.5 * 2^23: a sum with it has no digits after the point
    static constexpr int degree = 7;
};
template <>
struct ExpConstants<double> {
    static constexpr double log2_high = 6.93145751953125e-1, log2_low = 1.42860682030941723212e-6;
    static constexpr double lowest = -746, highest = 710;
    static constexpr double to_whole = 6755399441055744;  // 1.5 * 2^52
    static constexpr int degree = 13;
};

// exp(x) = 2^n * exp(r) with n = round(x / log(2)), thus |r| <= log(2)/2, where the Taylor series needs few terms: the
// first one left out is r^8/8! < 5.2e-9 for float and r^14/14! < 4.2e-18 for double, a tenth and a fiftieth of a unit.
template <class T>
MT_INLINE Vec<T> exp(Vec<T> x) {
    using V = Vec<T>;
    using C = ExpConstants<T>;
    constexpr double coefficients[] = {
        1,         1,          1. / 2,      1. / 6,       1. / 24,       1. / 120,       1. / 720,
        1. / 5040, 1. / 40320, 1. / 362880, 1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800};
    const V bounded = min(max(x, V::set1(C::lowest)), V::set1(C::highest));
    const V shifted = fma(bounded, V::set1(static_cast<T>(1.4426950408889634)), V::set1(C::to_whole));
    const V n = shifted - V::set1(C::to_whole);
    const V r = fma(n, V::set1(-C::log2_low), fma(n, V::set1(-C::log2_high), bounded));
    V series = V::set1(static_cast<T>(coefficients[C::degree]));
    for (int k = C::degree - 1; k >= 2; --k) series = fma(series, r, V::set1(static_cast<T>(coefficients[k])));
    const V result = ldexp(V::set1(1) + fma(r * r, series, r), n);
    return select(isnan(x), x, result);
}

}  // namespace
}  // namespace mt
