// Vec<T> for any machine: the compiler's generic vectors of 128 bits (GCC and Clang), which it maps to SSE2 and the
// like, or to scalar code. The interface is described in simd.h.
#pragma once

#include <cstdint>

namespace mt {
namespace {

template <class T>
struct GenericVector;
template <>
struct GenericVector<float> {
    typedef float Lanes __attribute__((vector_size(16)));
    typedef std::int32_t Bits __attribute__((vector_size(16)));
    static constexpr int exponent_bias = 127, mantissa_bits = 23;
    static float root(float x) { return __builtin_sqrtf(x); }
    static float magnitude(float x) { return __builtin_fabsf(x); }
};
template <>
struct GenericVector<double> {
    typedef double Lanes __attribute__((vector_size(16)));
    typedef std::int64_t Bits __attribute__((vector_size(16)));
    static constexpr int exponent_bias = 1023, mantissa_bits = 52;
    static double root(double x) { return __builtin_sqrt(x); }
    static double magnitude(double x) { return __builtin_fabs(x); }
};

template <class T>
struct Vec {
    using Lanes = typename GenericVector<T>::Lanes;
    using Bits = typename GenericVector<T>::Bits;

    static constexpr int size = 16 / sizeof(T);
    struct Mask {
        Bits m;
        friend Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
        friend Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
    };

    Lanes v;

    static Vec zero() { return {Lanes{}}; }
    static Vec set1(T x) {
        Vec a = zero();
        for (int i = 0; i < size; ++i) a.v[i] = x;  // and not zero() + x, which may lose bits: -0, denormal numbers
        return a;
    }
    static Vec load(const T* p) { return load_partial(p, size); }
    static Vec load_partial(const T* p, int n) {
        Vec a = zero();
        __builtin_memcpy(&a.v, p, n * sizeof(T));
        return a;
    }
    static Vec load_bytes(const std::uint8_t* p, int n) {
        Vec a = zero();
        for (int i = 0; i < n; ++i) a.v[i] = p[i];
        return a;
    }
    void store(T* p) const { store_partial(p, size); }
    void store_partial(T* p, int n) const { __builtin_memcpy(p, &v, n * sizeof(T)); }

    static Vec zip(Vec a, Vec b, int first) {
        Vec zipped;
        for (int i = 0; i < size / 2; ++i) {
            zipped.v[2 * i] = a.v[first + i];
            zipped.v[2 * i + 1] = b.v[first + i];
        }
        return zipped;
    }

    friend Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
    friend Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
    friend Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
    friend Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
    friend Vec operator-(Vec a) { return {-a.v}; }
    friend Vec fma(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }
    friend Vec max(Vec a, Vec b) { return select(gt(a, b), a, b); }
    friend Vec min(Vec a, Vec b) { return select(gt(b, a), a, b); }
    friend Vec sqrt(Vec a) {
        for (int i = 0; i < size; ++i) a.v[i] = GenericVector<T>::root(a.v[i]);
        return a;
    }
    friend Vec abs(Vec a) {
        for (int i = 0; i < size; ++i) a.v[i] = GenericVector<T>::magnitude(a.v[i]);
        return a;
    }
    friend Mask gt(Vec a, Vec b) { return {a.v > b.v}; }
    friend Mask ge(Vec a, Vec b) { return {a.v >= b.v}; }
    friend Mask eq(Vec a, Vec b) { return {a.v == b.v}; }
    friend Mask isnan(Vec a) { return {a.v != a.v}; }
    friend Vec select(Mask m, Vec a, Vec b) { return {m.m ? a.v : b.v}; }
    friend Vec zip_low(Vec a, Vec b) { return zip(a, b, 0); }
    friend Vec zip_high(Vec a, Vec b) { return zip(a, b, size / 2); }
    friend T reduce_add(Vec a) {
        T sum = a.v[0];
        for (int i = 1; i < size; ++i) sum += a.v[i];
        return sum;
    }
    friend T reduce_max(Vec a) {
        T largest = a.v[0];
        for (int i = 1; i < size; ++i) largest = a.v[i] > largest ? a.v[i] : largest;
        return largest;
    }
    friend void deinterleave(Vec a, Vec b, Vec& even, Vec& odd) {
        even = odd = zero();
        for (int i = 0; i < size / 2; ++i) {
            even.v[i] = a.v[2 * i], even.v[i + size / 2] = b.v[2 * i];
            odd.v[i] = a.v[2 * i + 1], odd.v[i + size / 2] = b.v[2 * i + 1];
        }
    }
    friend void interleave(Vec even, Vec odd, Vec& a, Vec& b) {
        a = b = zero();
        for (int i = 0; i < size / 2; ++i) {
            a.v[2 * i] = even.v[i], a.v[2 * i + 1] = odd.v[i];
            b.v[2 * i] = even.v[i + size / 2], b.v[2 * i + 1] = odd.v[i + size / 2];
        }
    }
    // In two steps, since 2^n itself may not be a T.
    friend Vec ldexp(Vec a, Vec n) {
        const Bits whole = __builtin_convertvector(n.v, Bits), half = whole >> 1;
        return a * power_of_two(half) * power_of_two(whole - half);
    }
    static Vec power_of_two(Bits n) {
        return {reinterpret_cast<Lanes>((n + GenericVector<T>::exponent_bias) << GenericVector<T>::mantissa_bits)};
    }
};

}  // namespace
}  // namespace mt
