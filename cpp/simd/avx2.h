// Vec<T> for AVX2 with FMA. The interface is described in simd.h.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace mt {
namespace {

template <>
struct Vec<float> {
    static constexpr int size = 8;
    struct Mask {
        __m256 m;
        friend Mask operator&(Mask a, Mask b) { return {_mm256_and_ps(a.m, b.m)}; }
        friend Mask operator|(Mask a, Mask b) { return {_mm256_or_ps(a.m, b.m)}; }
    };

    __m256 v;

    static Vec zero() { return {_mm256_setzero_ps()}; }
    static Vec set1(float x) { return {_mm256_set1_ps(x)}; }
    static Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
    static Vec load_partial(const float* p, int n) { return {_mm256_maskload_ps(p, first(n))}; }
    static Vec load_bytes(const std::uint8_t* p, int n) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, p, n);
        return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<std::int64_t>(bytes))))};
    }
    void store(float* p) const { _mm256_storeu_ps(p, v); }
    void store_partial(float* p, int n) const { _mm256_maskstore_ps(p, first(n), v); }

    static __m256i first(int n) {
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    }

    friend Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
    friend Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
    friend Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
    friend Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
    friend Vec operator-(Vec a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
    friend Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
    friend Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
    friend Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
    friend Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }
    friend Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
    friend Mask gt(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
    friend Mask ge(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)}; }
    friend Mask eq(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
    friend Mask isnan(Vec a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
    friend Vec select(Mask m, Vec a, Vec b) { return {_mm256_blendv_ps(b.v, a.v, m.m)}; }
    friend Vec zip_low(Vec a, Vec b) {
        return {_mm256_permute2f128_ps(_mm256_unpacklo_ps(a.v, b.v), _mm256_unpackhi_ps(a.v, b.v), 0x20)};
    }
    friend Vec zip_high(Vec a, Vec b) {
        return {_mm256_permute2f128_ps(_mm256_unpacklo_ps(a.v, b.v), _mm256_unpackhi_ps(a.v, b.v), 0x31)};
    }
    friend float reduce_add(Vec a) {
        const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
        const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
    }
    friend float reduce_max(Vec a) {
        const __m128 four = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
        const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
    }
    friend void deinterleave(Vec a, Vec b, Vec& even, Vec& odd) {
        const __m256 low = _mm256_permute2f128_ps(a.v, b.v, 0x20), high = _mm256_permute2f128_ps(a.v, b.v, 0x31);
        even = {_mm256_shuffle_ps(low, high, 0x88)};
        odd = {_mm256_shuffle_ps(low, high, 0xdd)};
    }
    friend void interleave(Vec even, Vec odd, Vec& a, Vec& b) {
        const __m256 low = _mm256_unpacklo_ps(even.v, odd.v), high = _mm256_unpackhi_ps(even.v, odd.v);
        a = {_mm256_permute2f128_ps(low, high, 0x20)};
        b = {_mm256_permute2f128_ps(low, high, 0x31)};
    }
    // In two steps, since 2^n itself may not be a float.
    friend Vec ldexp(Vec a, Vec n) {
        const __m256i whole = _mm256_cvtps_epi32(n.v), half = _mm256_srai_epi32(whole, 1);
        return a * power_of_two(half) * power_of_two(_mm256_sub_epi32(whole, half));
    }
    static Vec power_of_two(__m256i n) {
        return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23))};
    }
};

template <>
struct Vec<double> {
    static constexpr int size = 4;
    struct Mask {
        __m256d m;
        friend Mask operator&(Mask a, Mask b) { return {_mm256_and_pd(a.m, b.m)}; }
        friend Mask operator|(Mask a, Mask b) { return {_mm256_or_pd(a.m, b.m)}; }
    };

    __m256d v;

    static Vec zero() { return {_mm256_setzero_pd()}; }
    static Vec set1(double x) { return {_mm256_set1_pd(x)}; }
    static Vec load(const double* p) { return {_mm256_loadu_pd(p)}; }
    static Vec load_partial(const double* p, int n) { return {_mm256_maskload_pd(p, first(n))}; }
    static Vec load_bytes(const std::uint8_t* p, int n) {
        std::uint32_t bytes = 0;
        std::memcpy(&bytes, p, n);
        return {_mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(static_cast<std::int32_t>(bytes))))};
    }
    void store(double* p) const { _mm256_storeu_pd(p, v); }
    void store_partial(double* p, int n) const { _mm256_maskstore_pd(p, first(n), v); }

    static __m256i first(int n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }

    friend Vec operator+(Vec a, Vec b) { return {_mm256_add_pd(a.v, b.v)}; }
    friend Vec operator-(Vec a, Vec b) { return {_mm256_sub_pd(a.v, b.v)}; }
    friend Vec operator*(Vec a, Vec b) { return {_mm256_mul_pd(a.v, b.v)}; }
    friend Vec operator/(Vec a, Vec b) { return {_mm256_div_pd(a.v, b.v)}; }
    friend Vec operator-(Vec a) { return {_mm256_xor_pd(a.v, _mm256_set1_pd(-0.0))}; }
    friend Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
    friend Vec max(Vec a, Vec b) { return {_mm256_max_pd(a.v, b.v)}; }
    friend Vec min(Vec a, Vec b) { return {_mm256_min_pd(a.v, b.v)}; }
    friend Vec sqrt(Vec a) { return {_mm256_sqrt_pd(a.v)}; }
    friend Vec abs(Vec a) { return {_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v)}; }
    friend Mask gt(Vec a, Vec b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_GT_OQ)}; }
    friend Mask ge(Vec a, Vec b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_GE_OQ)}; }
    friend Mask eq(Vec a, Vec b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)}; }
    friend Mask isnan(Vec a) { return {_mm256_cmp_pd(a.v, a.v, _CMP_UNORD_Q)}; }
    friend Vec select(Mask m, Vec a, Vec b) { return {_mm256_blendv_pd(b.v, a.v, m.m)}; }
    friend Vec zip_low(Vec a, Vec b) {
        return {_mm256_permute2f128_pd(_mm256_unpacklo_pd(a.v, b.v), _mm256_unpackhi_pd(a.v, b.v), 0x20)};
    }
    friend Vec zip_high(Vec a, Vec b) {
        return {_mm256_permute2f128_pd(_mm256_unpacklo_pd(a.v, b.v), _mm256_unpackhi_pd(a.v, b.v), 0x31)};
    }
    friend double reduce_add(Vec a) {
        const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
        return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
    }
    friend double reduce_max(Vec a) {
        const __m128d two = _mm_max_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
        return _mm_cvtsd_f64(_mm_max_sd(two, _mm_unpackhi_pd(two, two)));
    }
    friend void deinterleave(Vec a, Vec b, Vec& even, Vec& odd) {
        const __m256d low = _mm256_permute2f128_pd(a.v, b.v, 0x20), high = _mm256_permute2f128_pd(a.v, b.v, 0x31);
        even = {_mm256_unpacklo_pd(low, high)};
        odd = {_mm256_unpackhi_pd(low, high)};
    }
    friend void interleave(Vec even, Vec odd, Vec& a, Vec& b) {
        const __m256d low = _mm256_unpacklo_pd(even.v, odd.v), high = _mm256_unpackhi_pd(even.v, odd.v);
        a = {_mm256_permute2f128_pd(low, high, 0x20)};
        b = {_mm256_permute2f128_pd(low, high, 0x31)};
    }
    // In two steps, since 2^n itself may not be a double.
    friend Vec ldexp(Vec a, Vec n) {
        const __m128i whole = _mm256_cvtpd_epi32(n.v), half = _mm_srai_epi32(whole, 1);
        return a * power_of_two(half) * power_of_two(_mm_sub_epi32(whole, half));
    }
    static Vec power_of_two(__m128i n) {
        const __m256i biased = _mm256_cvtepi32_epi64(_mm_add_epi32(n, _mm_set1_epi32(1023)));
        return {_mm256_castsi256_pd(_mm256_slli_epi64(biased, 52))};
    }
};

}  // namespace
}  // namespace mt
