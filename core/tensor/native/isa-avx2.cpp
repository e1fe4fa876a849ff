#if defined(__x86_64__)
#define VERLET_ISA verlet_avx2
#define VERLET_ISA_NAME "avx2"
#define VERLET_KERNELS avx2Kernels
#include "simd-avx2.h"
#include "isa.inl"
#endif
