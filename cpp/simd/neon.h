// Vec<T> for AArch64 NEON. The interface is described in simd.h.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace mt {
namespace {

template <>
struct Vec<float> {
    static constexpr int size = 4;
    struct Mask {
        uint32x4_t m;
        friend Mask operator&(Mask a, Mask b) { return {vandq_u32(a.m, b.m)}; }
        friend Mask operator|(Mask a, Mask b) { return {vorrq_u32(a.m, b.m)}; }
    };

    float32x4_t v;

    static Vec zero() { return {vdupq_n_f32(0)}; }
    static Vec set1(float x) { return {vdupq_n_f32(x)}; }
    static Vec load(const float* p) { return {vld1q_f32(p)}; }
    static Vec load_partial(const float* p, int n) {
        float lanes[size] = {};
        for (int i = 0; i < n; ++i) lanes[i] = p[i];
        return load(lanes);
    }
    static Vec load_bytes(const std::uint8_t* p, int n) {
        float lanes[size] = {};
        for (int i = 0; i < n; ++i) lanes[i] = p[i];
        return load(lanes);
    }
    void store(float* p) const { vst1q_f32(p, v); }
    void store_partial(float* p, int n) const {
        float lanes[size];
        store(lanes);
        for (int i = 0; i < n; ++i) p[i] = lanes[i];
    }

    friend Vec operator+(Vec a, Vec b) { return {vaddq_f32(a.v, b.v)}; }
    friend Vec operator-(Vec a, Vec b) { return {vsubq_f32(a.v, b.v)}; }
    friend Vec operator*(Vec a, Vec b) { return {vmulq_f32(a.v, b.v)}; }
    friend Vec operator/(Vec a, Vec b) { return {vdivq_f32(a.v, b.v)}; }
    friend Vec operator-(Vec a) { return {vnegq_f32(a.v)}; }
    friend Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
    friend Vec max(Vec a, Vec b) { return select(gt(a, b), a, b); }
    friend Vec min(Vec a, Vec b) { return select(gt(b, a), a, b); }
    friend Vec sqrt(Vec a) { return {vsqrtq_f32(a.v)}; }
    friend Vec abs(Vec a) { return {vabsq_f32(a.v)}; }
    friend Mask gt(Vec a, Vec b) { return {vcgtq_f32(a.v, b.v)}; }
    friend Mask ge(Vec a, Vec b) { return {vcgeq_f32(a.v, b.v)}; }
    friend Mask eq(Vec a, Vec b) { return {vceqq_f32(a.v, b.v)}; }
    friend Mask isnan(Vec a) { return {veorq_u32(vceqq_f32(a.v, a.v), vdupq_n_u32(~uint32_t{0}))}; }
    friend Vec select(Mask m, Vec a, Vec b) { return {vbslq_f32(m.m, a.v, b.v)}; }
    friend Vec zip_low(Vec a, Vec b) { return {vzip1q_f32(a.v, b.v)}; }
    friend Vec zip_high(Vec a, Vec b) { return {vzip2q_f32(a.v, b.v)}; }
    friend float reduce_add(Vec a) { return vaddvq_f32(a.v); }
    friend float reduce_max(Vec a) { return vmaxvq_f32(a.v); }
    friend void deinterleave(Vec a, Vec b, Vec& even, Vec& odd) {
        even = {vuzp1q_f32(a.v, b.v)};
        odd = {vuzp2q_f32(a.v, b.v)};
    }
    friend void interleave(Vec even, Vec odd, Vec& a, Vec& b) {
        a = {vzip1q_f32(even.v, odd.v)};
        b = {vzip2q_f32(even.v, odd.v)};
    }
    // In two steps, since 2^n itself may not be a float.
    friend Vec ldexp(Vec a, Vec n) {
        const int32x4_t whole = vcvtq_s32_f32(n.v), half = vshrq_n_s32(whole, 1);
        return a * power_of_two(half) * power_of_two(vsubq_s32(whole, half));
    }
    static Vec power_of_two(int32x4_t n) {
        return {vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23))};
    }
};

template <>
struct Vec<double> {
    static constexpr int size = 2;
    struct Mask {
        uint64x2_t m;
        friend Mask operator&(Mask a, Mask b) { return {vandq_u64(a.m, b.m)}; }
        friend Mask operator|(Mask a, Mask b) { return {vorrq_u64(a.m, b.m)}; }
    };

    float64x2_t v;

    static Vec zero() { return {vdupq_n_f64(0)}; }
    static Vec set1(double x) { return {vdupq_n_f64(x)}; }
    static Vec load(const double* p) { return {vld1q_f64(p)}; }
    static Vec load_partial(const double* p, int n) {
        double lanes[size] = {};
        for (int i = 0; i < n; ++i) lanes[i] = p[i];
        return load(lanes);
    }
    static Vec load_bytes(const std::uint8_t* p, int n) {
        double lanes[size] = {};
        for (int i = 0; i < n; ++i) lanes[i] = p[i];
        return load(lanes);
    }
    void store(double* p) const { vst1q_f64(p, v); }
    void store_partial(double* p, int n) const {
        double lanes[size];
        store(lanes);
        for (int i = 0; i < n; ++i) p[i] = lanes[i];
    }

    friend Vec operator+(Vec a, Vec b) { return {vaddq_f64(a.v, b.v)}; }
    friend Vec operator-(Vec a, Vec b) { return {vsubq_f64(a.v, b.v)}; }
    friend Vec operator*(Vec a, Vec b) { return {vmulq_f64(a.v, b.v)}; }
    friend Vec operator/(Vec a, Vec b) { return {vdivq_f64(a.v, b.v)}; }
    friend Vec operator-(Vec a) { return {vnegq_f64(a.v)}; }
    friend Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
    friend Vec max(Vec a, Vec b) { return select(gt(a, b), a, b); }
    friend Vec min(Vec a, Vec b) { return select(gt(b, a), a, b); }
    friend Vec sqrt(Vec a) { return {vsqrtq_f64(a.v)}; }
    friend Vec abs(Vec a) { return {vabsq_f64(a.v)}; }
    friend Mask gt(Vec a, Vec b) { return {vcgtq_f64(a.v, b.v)}; }
    friend Mask ge(Vec a, Vec b) { return {vcgeq_f64(a.v, b.v)}; }
    friend Mask eq(Vec a, Vec b) { return {vceqq_f64(a.v, b.v)}; }
    friend Mask isnan(Vec a) { return {veorq_u64(vceqq_f64(a.v, a.v), vdupq_n_u64(~uint64_t{0}))}; }
    friend Vec select(Mask m, Vec a, Vec b) { return {vbslq_f64(m.m, a.v, b.v)}; }
    friend Vec zip_low(Vec a, Vec b) { return {vzip1q_f64(a.v, b.v)}; }
    friend Vec zip_high(Vec a, Vec b) { return {vzip2q_f64(a.v, b.v)}; }
    friend double reduce_add(Vec a) { return vaddvq_f64(a.v); }
    friend double reduce_max(Vec a) { return vmaxvq_f64(a.v); }
    friend void deinterleave(Vec a, Vec b, Vec& even, Vec& odd) {
        even = {vuzp1q_f64(a.v, b.v)};
        odd = {vuzp2q_f64(a.v, b.v)};
    }
    friend void interleave(Vec even, Vec odd, Vec& a, Vec& b) {
        a = {vzip1q_f64(even.v, odd.v)};
        b = {vzip2q_f64(even.v, odd.v)};
    }
    // In two steps, since 2^n itself may not be a double.
    friend Vec ldexp(Vec a, Vec n) {
        const int64x2_t whole = vcvtq_s64_f64(n.v), half = vshrq_n_s64(whole, 1);
        return a * power_of_two(half) * power_of_two(vsubq_s64(whole, half));
    }
    static Vec power_of_two(int64x2_t n) {
        return {vreinterpretq_f64_s64(vshlq_n_s64(vaddq_s64(n, vdupq_n_s64(1023)), 52))};
    }
};

}  // namespace
}  // namespace mt
