// The kernels of one instruction set: every one is written once and compiled for each.
#pragma once
#include <cstddef>
#include <cstdint>

namespace verlet {

/// One product C = A B, or C += A B: element (i, k) of A lies at a[i * aRow + k * aColumn], likewise B; C has rows of `cRow` floats.
struct Product {
  const float* a;
  const float* b;
  float* c;
  int64_t rows, columns, inner;
  int64_t aRow, aColumn, bRow, bColumn, cRow;
  /// Goes on with the chain of sums that C holds instead of starting from 0.
  bool accumulate;
  /// [columns], added to each finished row; may be null.
  const float* bias;
};

struct Kernels {
  const char* isa;
  /// Each element of C is one chain of fused multiply-adds over ascending k: it depends on its row of A and its column of B alone.
  void (*gemm)(const Product& product);
  /// The same on the calling thread alone.
  void (*gemmHere)(const Product& product);
};

extern const Kernels avx512Kernels;
extern const Kernels avx512bf16Kernels;
extern const Kernels avx2Kernels;
extern const Kernels portableKernels;

/// Those of the best instruction set that the processor has, or of the one that VERLET_NATIVE_ISA names.
const Kernels& kernels();
/// Takes another instruction set from here on; false, and nothing happens, where the processor lacks it. The numbers are the same, but for
/// avx512bf16, whose products round their inputs.
bool useIsa(const char* isa);

}  // namespace verlet
