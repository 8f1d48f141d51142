// What every kernel's source begins with: short names of types, limits, and the instructions that C++ has no word for.
//
// There are no standard headers under NVRTC. The tests compile the same sources with a C++ compiler and run each thread
// of a block as a fiber (tests/cuda_on_cpu); there MT_ON_CPU is defined, and the header that defines it has a twin of
// everything between #ifndef MT_ON_CPU and #endif.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

#ifndef MT_ON_CPU

// Dynamic shared memory, 16-byte aligned, as an array of T; its size is the launch's `shared`.
#define MT_DYNAMIC_SHARED(T, name)                                  \
    extern __shared__ __align__(16) unsigned char mt_shared_bytes[]; \
    T* name = reinterpret_cast<T*>(mt_shared_bytes)

// Rounds to TensorFloat-32: 10 bits of mantissa, to nearest, ties away from zero.
__device__ __forceinline__ float to_tf32(float x) {
    u32 bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return __uint_as_float(bits);
}

// d (16 x 8) += a (16 x 8) * b (8 x 8) by one warp, in TensorFloat-32 with float sums. Of lane 4*g + t, 0 <= t < 4:
//   a[0..3] = a(g, t), a(g + 8, t), a(g, t + 4), a(g + 8, t + 4)
//   b[0..1] = b(t, g), b(t + 4, g)
//   d[0..3] = d(g, 2t), d(g, 2t + 1), d(g + 8, 2t), d(g + 8, 2t + 1)
__device__ __forceinline__ void mma_tf32_16x8x8(float (&d)[4], const float (&a)[4], const float (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
          "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
}

// Starts to copy Bytes bytes (4, 8 or 16, both sides aligned to them) from global to shared memory, or to write zeros
// there if `wanted` is false (then `from` isn't read, but must be some valid address). They have arrived after the wait.
template <int Bytes>
__device__ __forceinline__ void copy_async(void* to_shared, const void* from, bool wanted) {
    const u32 to = static_cast<u32>(__cvta_generic_to_shared(to_shared));
    const int read = wanted ? Bytes : 0;
    if constexpr (Bytes == 16)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(read) : "memory");
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %3, %2;" ::"r"(to), "l"(from), "r"(read), "n"(Bytes)
                     : "memory");
}

// Ends a group of copies.
__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until all of this thread's groups but the latest `Pending` have arrived. Others see them after a barrier.
template <int Pending>
__device__ __forceinline__ void copy_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
}

#endif  // MT_ON_CPU

// Positive infinity of T.
template <class T>
struct Limits;
template <>
struct Limits<float> {
    static __device__ __forceinline__ float infinity() { return __int_as_float(0x7F800000); }
};
template <>
struct Limits<double> {
    static __device__ __forceinline__ double infinity() { return __longlong_as_double(0x7FF0000000000000LL); }
};

constexpr u32 whole_warp = 0xFFFFFFFF;

__device__ __forceinline__ float square_root(float x) { return sqrtf(x); }
__device__ __forceinline__ double square_root(double x) { return sqrt(x); }
