#if defined(__x86_64__)
#define VERLET_ISA verlet_avx512
#define VERLET_ISA_NAME "avx512"
#define VERLET_KERNELS avx512Kernels
#include "simd-avx512.h"
#include "isa.inl"
#endif
