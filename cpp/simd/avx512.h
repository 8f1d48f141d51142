// Vec<T> for AVX-512 F, BW, DQ and VL. The interface is described in simd.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace mt {
namespace {

template <>
struct Vec<float> {
    static constexpr int size = 16;
    struct Mask {
        __mmask16 m;
        friend Mask operator&(Mask a, Mask b) { return {static_cast<__mmask16>(a.m & b.m)}; }
        friend Mask operator|(Mask a, Mask b) { return {static_cast<__mmask16>(a.m | b.m)}; }
    };

    __m512 v;

    static Vec zero() { return {_mm512_setzero_ps()}; }
    static Vec set1(float x) { return {_mm512_set1_ps(x)}; }
    static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
    static Vec load_partial(const float* p, int n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
    static Vec load_bytes(const std::uint8_t* p, int n) {
        return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first(n), p)))};
    }
    void store(float* p) const { _mm512_storeu_ps(p, v); }
    void store_partial(float* p, int n) const { _mm512_mask_storeu_ps(p, first(n), v); }

    static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }

    friend Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
    friend Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
    friend Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
    friend Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
    friend Vec operator-(Vec a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
    friend Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
    friend Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
    friend Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
    friend Vec sqrt(Vec a) { return {_mm512_sqrt_ps(a.v)}; }
    friend Vec abs(Vec a) { return {_mm512_abs_ps(a.v)}; }
    friend Mask gt(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
    friend Mask ge(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
    friend Mask eq(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
    friend Mask isnan(Vec a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
    friend Vec select(Mask m, Vec a, Vec b) { return {_mm512_mask_blend_ps(m.m, b.v, a.v)}; }
    friend Vec zip_low(Vec a, Vec b) {
        const __m512i lanes = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        return {_mm512_permutex2var_ps(a.v, lanes, b.v)};
    }
    friend Vec zip_high(Vec a, Vec b) {
        const __m512i lanes = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        return {_mm512_permutex2var_ps(a.v, lanes, b.v)};
    }
    friend float reduce_add(Vec a) { return _mm512_reduce_add_ps(a.v); }
    friend float reduce_max(Vec a) { return _mm512_reduce_max_ps(a.v); }
    friend void deinterleave(Vec a, Vec b, Vec& even, Vec& odd) {
        const __m512i first = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        even = {_mm512_permutex2var_ps(a.v, first, b.v)};
        odd = {_mm512_permutex2var_ps(a.v, _mm512_add_epi32(first, _mm512_set1_epi32(1)), b.v)};
    }
    friend void interleave(Vec even, Vec odd, Vec& a, Vec& b) {
        const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        a = {_mm512_permutex2var_ps(even.v, low, odd.v)};
        b = {_mm512_permutex2var_ps(even.v, _mm512_add_epi32(low, _mm512_set1_epi32(8)), odd.v)};
    }
    friend Vec ldexp(Vec a, Vec n) { return {_mm512_scalef_ps(a.v, n.v)}; }
};

template <>
struct Vec<double> {
    static constexpr int size = 8;
    struct Mask {
        __mmask8 m;
        friend Mask operator&(Mask a, Mask b) { return {static_cast<__mmask8>(a.m & b.m)}; }
        friend Mask operator|(Mask a, Mask b) { return {static_cast<__mmask8>(a.m | b.m)}; }
    };

    __m512d v;

    static Vec zero() { return {_mm512_setzero_pd()}; }
    static Vec set1(double x) { return {_mm512_set1_pd(x)}; }
    static Vec load(const double* p) { return {_mm512_loadu_pd(p)}; }
    static Vec load_partial(const double* p, int n) { return {_mm512_maskz_loadu_pd(first(n), p)}; }
    static Vec load_bytes(const std::uint8_t* p, int n) {
        return {_mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_maskz_loadu_epi8(first(n), p)))};
    }
    void store(double* p) const { _mm512_storeu_pd(p, v); }
    void store_partial(double* p, int n) const { _mm512_mask_storeu_pd(p, first(n), v); }

    static __mmask8 first(int n) { return static_cast<__mmask8>((1u << n) - 1); }

    friend Vec operator+(Vec a, Vec b) { return {_mm512_add_pd(a.v, b.v)}; }
    friend Vec operator-(Vec a, Vec b) { return {_mm512_sub_pd(a.v, b.v)}; }
    friend Vec operator*(Vec a, Vec b) { return {_mm512_mul_pd(a.v, b.v)}; }
    friend Vec operator/(Vec a, Vec b) { return {_mm512_div_pd(a.v, b.v)}; }
    friend Vec operator-(Vec a) { return {_mm512_xor_pd(a.v, _mm512_set1_pd(-0.0))}; }
    friend Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
    friend Vec max(Vec a, Vec b) { return {_mm512_max_pd(a.v, b.v)}; }
    friend Vec min(Vec a, Vec b) { return {_mm512_min_pd(a.v, b.v)}; }
    friend Vec sqrt(Vec a) { return {_mm512_sqrt_pd(a.v)}; }
    friend Vec abs(Vec a) { return {_mm512_abs_pd(a.v)}; }
    friend Mask gt(Vec a, Vec b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GT_OQ)}; }
    friend Mask ge(Vec a, Vec b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GE_OQ)}; }
    friend Mask eq(Vec a, Vec b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)}; }
    friend Mask isnan(Vec a) { return {_mm512_cmp_pd_mask(a.v, a.v, _CMP_UNORD_Q)}; }
    friend Vec select(Mask m, Vec a, Vec b) { return {_mm512_mask_blend_pd(m.m, b.v, a.v)}; }
    friend Vec zip_low(Vec a, Vec b) {
        return {_mm512_permutex2var_pd(a.v, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b.v)};
    }
    friend Vec zip_high(Vec a, Vec b) {
        return {_mm512_permutex2var_pd(a.v, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b.v)};
    }
    friend double reduce_add(Vec a) { return _mm512_reduce_add_pd(a.v); }
    friend double reduce_max(Vec a) { return _mm512_reduce_max_pd(a.v); }
    friend void deinterleave(Vec a, Vec b, Vec& even, Vec& odd) {
        const __m512i first = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
        even = {_mm512_permutex2var_pd(a.v, first, b.v)};
        odd = {_mm512_permutex2var_pd(a.v, _mm512_add_epi64(first, _mm512_set1_epi64(1)), b.v)};
    }
    friend void interleave(Vec even, Vec odd, Vec& a, Vec& b) {
        const __m512i low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
        a = {_mm512_permutex2var_pd(even.v, low, odd.v)};
        b = {_mm512_permutex2var_pd(even.v, _mm512_add_epi64(low, _mm512_set1_epi64(4)), odd.v)};
    }
    friend Vec ldexp(Vec a, Vec n) { return {_mm512_scalef_pd(a.v, n.v)}; }
};

}  // namespace
}  // namespace mt
