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

/// The rows of a language-model head: logits = x Wᵀ.
struct Head {
  /// [rows, width]
  const float* x;
  /// [vocabulary, width]
  const float* weight;
  int64_t rows, width, vocabulary;
};

/// log softmax(logits / temperature) of each row's target, [rows] each.
struct HeadLogProbs {
  Head head;
  const int32_t* targets;
  float temperature;
  float *logProbs, *entropy, *logSumExp;
};

/// From the gradients [rows] of log-probs and entropies those of x [rows, width] and of the weight [vocabulary, width].
struct HeadGradients {
  Head head;
  const float *dLogProbs, *dEntropy;
  const int32_t* targets;
  const float *entropy, *logSumExp;
  float temperature;
  float *dx, *dWeight;
};

/// One token a row; every array is [rows].
struct TokenSampling {
  Head head;
  /// 0 takes the likeliest token and counts as 1.
  const float* temperature;
  /// 0 = all.
  const int32_t* topK;
  /// 1 and 0 = all.
  const float *topP, *minP;
  const uint32_t *seeds, *counters;
  int32_t* tokens;
  float *logProbs, *samplingLogProbs;
};

struct Kernels {
  const char* isa;
  /// Each element of C is one chain of fused multiply-adds over ascending k: it depends on its row of A and its column of B alone.
  void (*gemm)(const Product& product);
  /// The same on the calling thread alone.
  void (*gemmHere)(const Product& product);
  void (*linearLogProbs)(const HeadLogProbs& call);
  void (*linearLogProbsGrad)(const HeadGradients& call);
  void (*sampleTokens)(const TokenSampling& call);
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
