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

/// The rows of a language-model head: logits = x Wᵀ, or with a softcap above 0 softcap tanh(x Wᵀ / softcap).
struct Head {
  /// [rows, width]
  const float* x;
  /// [vocabulary, width]
  const float* weight;
  int64_t rows, width, vocabulary;
  float softcap;
};

/// log softmax(logits / temperature) of each row's target, [rows] each.
struct HeadLogProbs {
  Head head;
  const int32_t* targets;
  float temperature;
  float *logProbs, *entropy, *logSumExp;
};

/// From the gradients [rows] of log-probs and entropies those of x [rows, width] and, unless null, of the weight [vocabulary, width].
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

/// Functions of one number, in the order in which JavaScript numbers them.
enum class Unary : int { neg, exp, square, sqrt, rsqrt, sigmoid, clip, tanh, count };
/// Functions of two numbers, likewise.
enum class Binary : int { add, sub, mul, div, max, min, count };

/// out[r, c] = op(a[r, c], b[r, c]): element (r, c) of a lies at a[r * aRow + c * aColumn], likewise b; column strides are 0 or 1.
struct Broadcast {
  const float *a, *b;
  float* out;
  int64_t rows, columns;
  int64_t aRow, aColumn, bRow, bColumn;
};

/// Rows of x [rows, columns] over their root mean square, times offset + weight [columns].
struct Norm {
  const float *x, *weight;
  int64_t rows, columns;
  float eps, offset;
};

/// x [N, H, D] is rotated by the angles of its rows' positions; cos and sin are [P, D/2].
struct Rotation {
  const float *x, *cos, *sin;
  const int32_t* positions;
  float* out;
  int64_t rows, heads, dim;
  bool inverse;
};

/// One step of AdamW on `count` numbers; the scales undo the bias of the moments' zero start.
struct AdamWStep {
  float *variable, *first, *second;
  const float* gradient;
  int64_t count;
  double lr, beta1, beta2, eps, weightDecay, firstScale, secondScale, gradientScale;
};

/// Axes of a strided copy.
constexpr int maximumRank = 8;

/// to [sizes], contiguous, is read from `from` at the strides given.
struct StridedCopy {
  const float* from;
  float* to;
  int rank;
  int64_t sizes[maximumRank], strides[maximumRank];
};

/// Keys that go through the online softmax together, aligned to the positions of their sequence: part of what the numbers are, to the bit.
/// A page of cached keys and values holds as many.
constexpr int64_t keysPerBlock = 64;

/// How scores become weights.
struct AttentionRules {
  /// Of q . k, above 0.
  double scale;
  /// Scores become softcap * tanh(score / softcap); 0 leaves them.
  double softcap;
  /// A position sees itself and the window - 1 before it; 0 sees all.
  int64_t window;
};

// Static, so that files of several instruction sets share no copy.

/// Whether the window hides anything from one of the positions before `end`.
static inline bool hidesBefore(const AttentionRules& rules, int64_t end) {
  return rules.window > 0 && rules.window < end;
}
/// The first block of keys that `position` sees something of.
static inline int64_t firstBlockOf(const AttentionRules& rules, int64_t position) {
  return hidesBefore(rules, position + 1) ? (position + 1 - rules.window) / keysPerBlock : 0;
}
/// Of the positions before `end`, where those begin that see no key before `keysTo`.
static inline int64_t endOfSight(const AttentionRules& rules, int64_t keysTo, int64_t end) {
  return rules.window > 0 && keysTo + rules.window - 1 < end ? keysTo + rules.window - 1 : end;
}

/// Attention of new tokens, rows of q and out [N, heads, headDim], k and v [N, kvHeads, headDim]; logSumExp [N, heads] may be null.
struct Attention {
  const float *q, *k, *v;
  float *out, *logSumExp;
  int64_t heads, kvHeads, headDim;
  AttentionRules rules;
};

/// One sequence and key head of it: `tokens` new tokens from row `firstRow` on, behind `past` cached ones.
struct AttentionPart {
  int64_t firstRow, tokens, past, kvHead;
  /// The new tokens whose queries are computed.
  int64_t from, to;
  /// Page numbers of the sequence; null without a cache.
  const int32_t* pages;
};

/// Slabs of pages of keysPerBlock positions: keys [pagesPerSlab, kvHeads, headDim, 64], values [pagesPerSlab, kvHeads, 64, headDim].
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
  AttentionRules rules;
};

/// One sequence and key head of it, or a part: the effect that the queries in [from, to) and the keys in [keysFrom, keysTo) have on each
/// other. dq is whole when all keys that these queries see are in, dk and dv when all queries that see these keys are. keysFrom is a
/// multiple of 64.
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
  void (*linearLogProbs)(const HeadLogProbs& call);
  void (*linearLogProbsGrad)(const HeadGradients& call);
  void (*sampleTokens)(const TokenSampling& call);

  /// out = op(x); `low` and `high` bound what clip returns.
  void (*unary)(Unary op, const float* x, float* out, int64_t count, float low, float high);
  void (*binary)(Binary op, const Broadcast& operands);
  /// sum += addend
  void (*accumulate)(float* sum, const float* addend, int64_t count);
  /// out = condition ? a : b
  void (*select)(const uint8_t* condition, const float* a, const float* b, float* out, int64_t count);

  /// out [rows] = scale * (sum of each row of x [rows, columns]), summed in float64.
  void (*sumAlongRows)(const float* x, float* out, int64_t rows, int64_t columns, double scale);
  /// The largest of each row, NaN where there is one; columns at least 1.
  void (*maxAlongRows)(const float* x, float* out, int64_t rows, int64_t columns);
  /// out [columns]: the sum over the rows of x, in blocks of rows that do not depend on the threads.
  void (*sumRows)(const float* x, float* out, int64_t rows, int64_t columns);
  /// The sum of all squares, in float64.
  double (*squaredNorm)(const float* x, int64_t count);
  void (*softmax)(const float* x, float* out, int64_t rows, int64_t columns);

  void (*rmsNorm)(const Norm& norm, float* out);
  void (*rmsNormGrad)(const Norm& norm, const float* dy, float* dx, float* dWeight);
  void (*rotary)(const Rotation& rotation);
  void (*swiglu)(const float* gate, const float* up, float* out, int64_t count);
  void (*swigluGrad)(const float* dy, const float* gate, const float* up, float* dGate, float* dUp, int64_t count);
  void (*geglu)(const float* gate, const float* up, float* out, int64_t count);
  void (*gegluGrad)(const float* dy, const float* gate, const float* up, float* dGate, float* dUp, int64_t count);
  /// out [count, columns]: the rows of `table` that `indices` name, all of which exist.
  void (*gatherRows)(const float* table, const int32_t* indices, float* out, int64_t count, int64_t columns);
  /// sums [rows, columns]: row r is the sum of those rows of x [count, columns] whose index is r, in ascending order.
  void (*scatterRows)(const float* x, const int32_t* indices, float* sums, int64_t count, int64_t rows, int64_t columns);
  void (*adamW)(const AdamWStep& step);

  void (*copyStrided)(const StridedCopy& copy);
  /// `rows` rows of `columns` floats from one place to another; the strides lead from row to row.
  void (*copyRows)(const float* from, int64_t fromStride, float* to, int64_t toStride, int64_t rows, int64_t columns);
  /// The queries of one part, on the calling thread; likewise those below.
  void (*attention)(const Attention& call, const AttentionPart& part);
  void (*attentionGrad)(const AttentionGrad& call, const AttentionGradPart& part);
  /// Writes k and v of a part's new tokens into its pages, behind the cached ones; then a part can be attended.
  void (*appendToPages)(const Attention& call, const Pages& pages, const AttentionPart& part);
  void (*cachedAttention)(const Attention& call, const Pages& pages, const AttentionPart& part);
};

extern const Kernels avx512Kernels;
extern const Kernels avx512bf16Kernels;
extern const Kernels avx2Kernels;
extern const Kernels portableKernels;

/// Those of the best instruction set that the processor has, until another one is chosen.
const Kernels& kernels();
/// Takes another instruction set from here on; false, and nothing happens, where the processor lacks it. The numbers are the same, but for
/// avx512bf16, whose products round their inputs.
bool useIsa(const char* isa);

}  // namespace verlet
