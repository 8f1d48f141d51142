// CUDA C++ for a C++ compiler: what a kernel's source may use, where every CUDA thread is a fiber of one CPU thread.
//
// The source is compiled after this header, with each `__shared__` declaration rewritten to a call of
// mt::static_shared (kernels_on_cpu.py does that). The other side of the functions in namespace mt is fibers.cpp,
// that of the twins twins.cpp.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>
#include <utility>

#define MT_ON_CPU 1
#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

struct uint3 {
    unsigned x, y, z;
};
typedef uint3 dim3;

#define MT_VECTOR(name, scalar, alignment, fields)  \
    struct __attribute__((aligned(alignment))) name { \
        scalar fields;                                \
    };
#define MT_TWO x, y
#define MT_FOUR x, y, z, w
MT_VECTOR(float2, float, 8, MT_TWO)
MT_VECTOR(float4, float, 16, MT_FOUR)
MT_VECTOR(double2, double, 16, MT_TWO)
MT_VECTOR(int2, int, 8, MT_TWO)
MT_VECTOR(int4, int, 16, MT_FOUR)
MT_VECTOR(uint2, unsigned, 8, MT_TWO)
MT_VECTOR(uint4, unsigned, 16, MT_FOUR)
MT_VECTOR(uchar4, unsigned char, 4, MT_FOUR)
#undef MT_VECTOR
#undef MT_TWO
#undef MT_FOUR
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline uchar4 make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) { return {x, y, z, w}; }

namespace mt {

struct Thread {
    uint3 index;
    unsigned lane;  // in its warp
    unsigned warp;  // in its block
    unsigned syncs;  // __syncwarp()s that it has passed
};
extern Thread* current;
extern uint3 block_index;
extern dim3 block_size, grid_size;

// Gives up this launch with a message.
[[noreturn]] void fail(const char* message);

// Waits until all threads of the block wait at the same line.
void block_barrier(int line);

// Waits until all lanes of `mask` wait at the same line with the same mask. Then `combine`, which sees the payloads of
// all of them (null for other lanes), is called once.
typedef void (*Combine)(void* const payloads[32], unsigned mask);
void warp_collective(unsigned mask, int line, Combine combine, void* payload);
void warp_barrier(unsigned mask, int line);

// Copies that land no sooner than in the wait for their group. Until then there is NaN.
void copy_async(void* to, const void* from, int bytes, bool wanted);
void copy_async_commit();
void copy_async_wait(int pending);

// Shared memory of the running block. `key` is the declaration's; every block finds its memory full of NaN.
void* static_shared(const void* key, size_t bytes);
void* dynamic_shared();

template <class Array>
Array& static_shared_as(const void* key) {
    return *static_cast<Array*>(static_shared(key, sizeof(Array)));
}

template <class T>
struct Exchange {
    T value;
    int source;
    T result;
};

template <class T>
T shuffle(unsigned mask, T value, int source, int line) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles exchange 4 or 8 bytes");
    Exchange<T> mine{value, source, T()};
    const Combine exchange = [](void* const payloads[32], unsigned lanes) {
        for (int lane = 0; lane < 32; ++lane) {
            if (!(lanes >> lane & 1)) continue;
            auto* taker = static_cast<Exchange<T>*>(payloads[lane]);
            if (!(lanes >> taker->source & 1)) fail("a shuffle reads from a lane that isn't in its mask");
            taker->result = static_cast<Exchange<T>*>(payloads[taker->source])->value;
        }
    };
    warp_collective(mask, line, exchange, &mine);
    return mine.result;
}

struct Vote {
    bool yes;
    unsigned ballot;
};
unsigned ballot(unsigned mask, bool yes, int line);

// The kernel's call with its arguments.
template <class... Parameters, size_t... I>
void call(void (*kernel)(Parameters...), void** args, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_const_t<Parameters>*>(args[I])...);
}
template <class... Parameters>
void call(void (*kernel)(Parameters...), void** args) {
    call(kernel, args, std::index_sequence_for<Parameters...>());
}

// Its signature: of each parameter, or what it points to, the size and NumPy's letter for its kind; whether it is a
// pointer, and one to const.
template <class T>
constexpr int kind() {
    if (std::is_same<T, bool>::value) return 'b';
    if (std::is_floating_point<T>::value) return 'f';
    if (!std::is_integral<T>::value) return 'V';
    return std::is_signed<T>::value ? 'i' : 'u';
}
template <class Parameter>
int* describe(int* to) {
    typedef std::remove_pointer_t<Parameter> Target;
    *to++ = sizeof(Target);
    *to++ = kind<std::remove_cv_t<Target>>();
    *to++ = std::is_pointer<Parameter>::value;
    *to++ = std::is_const<Target>::value;
    return to;
}
template <class... Parameters>
int signature(void (*)(Parameters...), int* to) {
    ((to = describe<Parameters>(to)), ...);
    return sizeof...(Parameters);
}

}  // namespace mt

#define threadIdx (mt::current->index)
#define blockIdx (mt::block_index)
#define blockDim (mt::block_size)
#define gridDim (mt::grid_size)
constexpr int warpSize = 32;

// ---- barriers, shuffles, votes ----------------------------------------------------------------------------------------

inline void __syncthreads(int line = __builtin_LINE()) { mt::block_barrier(line); }
inline void __syncwarp(unsigned mask = 0xFFFFFFFF, int line = __builtin_LINE()) {
    mt::warp_barrier(mask, line);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, int line = __builtin_LINE()) {
    const int lane = mt::current->lane;
    return mt::shuffle(mask, value, (lane & ~(width - 1)) | (source & (width - 1)), line);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, int line = __builtin_LINE()) {
    const int lane = mt::current->lane, source = lane ^ bits;
    return mt::shuffle(mask, value, source < (lane & ~(width - 1)) + width ? source : lane, line);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, int line = __builtin_LINE()) {
    const int lane = mt::current->lane;
    return mt::shuffle(mask, value, (lane & (width - 1)) + int(delta) < width ? lane + int(delta) : lane, line);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, int line = __builtin_LINE()) {
    const int lane = mt::current->lane;
    return mt::shuffle(mask, value, (lane & (width - 1)) >= int(delta) ? lane - int(delta) : lane, line);
}
inline unsigned __ballot_sync(unsigned mask, bool yes, int line = __builtin_LINE()) {
    return mt::ballot(mask, yes, line);
}
inline bool __any_sync(unsigned mask, bool yes, int line = __builtin_LINE()) { return mt::ballot(mask, yes, line) != 0; }
inline bool __all_sync(unsigned mask, bool yes, int line = __builtin_LINE()) {
    return mt::ballot(mask, yes, line) == mask;
}

// ---- twins of what device.cuh writes in PTX ---------------------------------------------------------------------------

#define MT_DYNAMIC_SHARED(T, name) T* name = static_cast<T*>(mt::dynamic_shared())

float to_tf32(float x);
void mma_tf32_16x8x8(float (&d)[4], const float (&a)[4], const float (&b)[2], int line = __builtin_LINE());
template <int Bytes>
void copy_async(void* to, const void* from, bool wanted) {
    static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async copies 4, 8 or 16 bytes");
    mt::copy_async(to, from, Bytes, wanted);
}
inline void copy_async_commit() { mt::copy_async_commit(); }
template <int Pending>
void copy_async_wait() {
    mt::copy_async_wait(Pending);
}

// ---- functions of numbers -------------------------------------------------------------------------------------------

template <class To, class From>
To mt_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "");
    To to;
    memcpy(&to, &from, sizeof(To));
    return to;
}
inline int __float_as_int(float x) { return mt_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return mt_bits<unsigned>(x); }
inline float __int_as_float(int x) { return mt_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return mt_bits<float>(x); }
inline long long __double_as_longlong(double x) { return mt_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return mt_bits<double>(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned(uint64_t(a) * b >> 32); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline float rsqrtf(float x) { return 1 / sqrtf(x); }
inline double rsqrt(double x) { return 1 / sqrt(x); }
inline float rsqrt(float x) { return 1 / sqrtf(x); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return sqrt(a); }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
inline float __uint2float_rn(unsigned x) { return float(x); }
template <class T>
T __ldg(const T* p) {
    return *p;
}

// CUDA's min and max of floating-point numbers are fmin and fmax: a number wins over NaN.
template <class A, class B>
auto min(A a, B b) -> std::common_type_t<A, B> {
    typedef std::common_type_t<A, B> T;
    if constexpr (std::is_floating_point<T>::value) return fmin(T(a), T(b));
    return T(b) < T(a) ? T(b) : T(a);
}
template <class A, class B>
auto max(A a, B b) -> std::common_type_t<A, B> {
    typedef std::common_type_t<A, B> T;
    if constexpr (std::is_floating_point<T>::value) return fmax(T(a), T(b));
    return T(a) < T(b) ? T(b) : T(a);
}

// Only of integers, whose sums don't depend on the order.
template <class T>
__attribute__((no_sanitize("thread"))) std::enable_if_t<std::is_integral<T>::value, T> atomicAdd(T* p, T value) {
    const T old = *p;
    *p = T(old + value);
    return old;
}
