// The instruction sets that kernels are compiled for.
//
// Every cpp/<family>/<family>.cpp is compiled once for each of them, with MT_ISA_<NAME> defined and the compiler flags
// to match, and exports one table: `const GemmTable MT_TABLE(gemm) = {...};` becomes gemm_avx512, gemm_avx2 and so on.
// Everything else in these files has internal linkage: were an inline function shared, the linker could keep its
// AVX-512 copy and run it on a machine without AVX-512.
#pragma once

#if defined(MT_ISA_AVX512)
#define MT_ISA avx512
#elif defined(MT_ISA_AVX2)
#define MT_ISA avx2
#elif defined(MT_ISA_NEON)
#define MT_ISA neon
#elif defined(MT_ISA_BASELINE)
#define MT_ISA baseline
#endif

#define MT_JOIN_(family, isa) family##_##isa
#define MT_JOIN(family, isa) MT_JOIN_(family, isa)
#define MT_TABLE(family) MT_JOIN(family, MT_ISA)

// Declares a family's table for every instruction set; the linker only sees those that dispatch.cpp uses.
#define MT_DECLARE_TABLES(type, family) \
    extern const type family##_baseline, family##_avx2, family##_avx512, family##_neon

#define MT_INLINE inline __attribute__((always_inline))
