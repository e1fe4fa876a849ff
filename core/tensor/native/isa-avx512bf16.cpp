// The AVX-512 kernels with matrix products of bfloat16 inputs; chosen by name only, for it computes other numbers.
#if defined(__x86_64__)
#define VERLET_ISA verlet_avx512bf16
#define VERLET_ISA_NAME "avx512bf16"
#define VERLET_KERNELS avx512bf16Kernels
#define VERLET_BFLOAT16
#include "simd-avx512.h"
#include "isa.inl"
#endif
