#define VERLET_ISA verlet_portable
#define VERLET_ISA_NAME "portable"
#define VERLET_KERNELS portableKernels
#include "simd-portable.h"
#include "isa.inl"
