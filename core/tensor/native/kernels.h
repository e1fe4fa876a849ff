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

/// Attention of new tokens, rows of q and out [N, heads, headDim], k and v [N, kvHeads, headDim]; logSumExp [N, heads] may be null.
struct Attention {
  const float *q, *k, *v;
  float *out, *logSumExp;
  int64_t heads, kvHeads, headDim;
};

/// One sequence and key head of it: `tokens` new tokens from row `firstRow` on, behind `past` cached ones.
struct AttentionPart {
  int64_t firstRow, tokens, past, kvHead;
  /// The new tokens whose queries are computed.
  int64_t from, to;
  /// Page numbers of the sequence; null without a cache.
  const int32_t* pages;
};

/// Slabs of pages of 64 positions: keys [pagesPerSlab, kvHeads, headDim, 64], values [pagesPerSlab, kvHeads, 64, headDim].
struct Pages {
  float* const* keys;
  float* const* values;
  int64_t pagesPerSlab;
};

/// q, out, dOut, dq [N, heads, headDim]; k, v, dk, dv [N, kvHeads, headDim]; logSumExp [N, heads].
struct AttentionGrad {
  const float *dOut, *q, *k, *v, *out, *logSumExp;
  float *dq, *dk, *dv;
  int64_t heads, kvHeads, headDim;
};

/// One sequence and key head of it, or a part: the effect that the queries in [from, to) and the keys in [keysFrom, keysTo) have on each
/// other. dq is whole when all keys up to `to` are in, dk and dv when all queries from `keysFrom` on are. keysFrom is a multiple of 64.
struct AttentionGradPart {
  int64_t firstRow, tokens, kvHead;
  int64_t from, to, keysFrom, keysTo;
  bool wantsQueries, wantsKeyValues;
};

struct Kernels {
  const char* isa;
  /// Each element of C is one chain of fused multiply-adds over ascending k: it depends on its row of A and its column of B alone.
  void (*gemm)(const Product& product);
  /// The same on the calling thread alone.
  void (*gemmHere)(const Product& product);
  /// The queries of one part, on the calling thread; likewise those below.
  void (*attention)(const Attention& call, const AttentionPart& part);
  void (*attentionGrad)(const AttentionGrad& call, const AttentionGradPart& part);
  /// Writes k and v of a part's new tokens into its pages, behind the cached ones; then a part can be attended.
  void (*appendToPages)(const Attention& call, const Pages& pages, const AttentionPart& part);
  void (*cachedAttention)(const Attention& call, const Pages& pages, const AttentionPart& part);
};

extern const Kernels avx512Kernels;
extern const Kernels avx2Kernels;
extern const Kernels portableKernels;

/// Those of the best instruction set that the processor has, or of the one that VERLET_NATIVE_ISA names.
const Kernels& kernels();

}  // namespace verlet
