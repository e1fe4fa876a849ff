// Gradient of attention: FlashAttention-2 (Dao, arXiv:2307.08691), Algorithm 2. Weights are made again from the logSumExp; nothing of size
// [T, T] is kept. Sums run in a fixed order (dq over ascending keys; dk and dv over ascending query positions, heads of a group within
// each), so that computing dq apart from dk and dv, or a range of either alone, changes no bit. A NaN in dOut or q of a position may reach
// dk and dv of the next few keys, or of the last few that its window hides, which it should not.
namespace VERLET_ISA {

using verlet::AttentionGrad;
using verlet::AttentionGradPart;

constexpr int gradRowsTogether = 96;

/// One sequence and key head in scratch, by blocks of 64 keys from block `first` on; keys that do not exist are zeros.
struct GradKeyValues {
  /// [D, 64] a block
  float *keysTransposed, *valuesTransposed;
  /// [64, D] a block
  float *keys, *dKeys, *dValues;
  int64_t first, last, blockSize;

  float* of(float* base, int64_t block) const { return base + (block - first) * blockSize; }
};

/// One group of rows in scratch: [rows, D], [rows, 64] and [rows].
struct GradRows {
  float *queries, *dOut, *dQueries, *weights, *dScores, *logSumExp, *delta;

  GradRows(int64_t D) {
    queries = verlet::scratch(Slot::attentionRows, gradRowsTogether * (3 * D + 2 * keysPerBlock + 2));
    dOut = queries + gradRowsTogether * D;
    weights = dOut + gradRowsTogether * D;
    dScores = weights + gradRowsTogether * keysPerBlock;
    logSumExp = dScores + gradRowsTogether * keysPerBlock;
    delta = logSumExp + gradRowsTogether;
    dQueries = delta + gradRowsTogether;
  }
};

static GradKeyValues gatherKeyValues(const AttentionGrad& g, const AttentionGradPart& p) {
  const int64_t D = g.headDim, tokens = least(p.tokens, p.keysTo), blockSize = keysPerBlock * D;
  const int64_t first = p.keysFrom / keysPerBlock, last = blocksOf(tokens), size = (last - first) * blockSize;
  float* base = verlet::scratch(Slot::keyValues, 3 * size);
  float* sums = verlet::scratch(Slot::keyValueGradients, 2 * size);
  GradKeyValues to{base, base + size, base + 2 * size, sums, sums + size, first, last, blockSize};
  if (p.wantsKeyValues) fillRow(sums, 0.0f, 2 * size);
  for (int64_t block = first; block < last; block++) {
    const int64_t start = block * keysPerBlock, count = least(keysPerBlock, tokens - start);
    const int64_t row = g.kvHeads * D, at = (p.firstRow + start) * row + p.kvHead * D;
    if (count < keysPerBlock) {
      fillRow(to.of(to.keysTransposed, block), 0.0f, blockSize);
      fillRow(to.of(to.valuesTransposed, block), 0.0f, blockSize);
    }
    writeTransposed(g.k + at, row, count, D, to.of(to.keysTransposed, block), 0);
    writeTransposed(g.v + at, row, count, D, to.of(to.valuesTransposed, block), 0);
    for (int64_t j = 0; j < count; j++) copyRow(g.k + at + j * row, to.of(to.keys, block) + j * D, D);
  }
  return to;
}

static inline float dot(const float* a, const float* b, int64_t D) {
  vec sum = zero();
  forVectors(0, D, [&](int64_t d, int n) { sum = fma(loadSome(a + d, n), loadSome(b + d, n), sum); });
  return reduceAdd(sum);
}

/// Queries times the scale, dOut, and delta = dOut . out of each row.
template <bool isWindowed>
static void gatherQueries(const AttentionGrad& g, const AttentionGradPart& p, const Rows<isWindowed>& rows, vec scale, const GradRows& to) {
  const int64_t D = g.headDim;
  for (int64_t i = 0; i < rows.count; i++) {
    int64_t head = headOf(g, p, rows.first + i);
    scaleRow(g.q + head * D, scale, to.queries + i * D, D);
    copyRow(g.dOut + head * D, to.dOut + i * D, D);
    to.logSumExp[i] = g.logSumExp[head];
    to.delta[i] = dot(g.dOut + head * D, g.out + head * D, D);
  }
  if (p.wantsQueries) fillRow(to.dQueries, 0.0f, rows.count * D);
}

/// weights = e^(score - logSumExp), dScores = weights (dWeights - delta); both 0 where the row sees no key. A capped score is
/// softcap * t, t = tanh(product), and what leads on to the product is softcap (1 - t^2).
template <bool isCapped, bool isWindowed>
static void differentiateSoftmax(const Rows<isWindowed>& rows, int64_t block, const GradRows& r) {
  const vec softcap = set1((float)rows.rules.softcap);
  for (int64_t i = 0; i < rows.count; i++) {
    const int64_t keys = rows.visible(i, block), hidden = rows.hidden(i, block);
    const vec logSumExp = set1(r.logSumExp[i]), delta = set1(r.delta[i]);
    float *weights = r.weights + i * keysPerBlock, *dScores = r.dScores + i * keysPerBlock;
    for (int64_t j = 0; j < keysPerBlock; j += lanes) {
      if (j >= keys || (isWindowed && j + lanes <= hidden)) {
        store(weights + j, zero());
        store(dScores + j, zero());
        continue;
      }
      vec score = load(weights + j), slope = zero();
      if constexpr (isCapped) {
        vec t = tanh(score);
        score = mul(softcap, t);
        slope = mul(softcap, fma(sub(zero(), t), t, set1(1.0f)));
      }
      vec weight = exp(sub(firstOf(score, keys - j, minusInfinity), logSumExp));
      vec dScore = mul(weight, sub(load(dScores + j), delta));
      if constexpr (isCapped) dScore = mul(dScore, slope);
      dScore = firstOf(dScore, keys - j, 0.0f);
      if (isWindowed && j < hidden) {
        weight = lastOf(weight, hidden - j, 0.0f);
        dScore = lastOf(dScore, hidden - j, 0.0f);
      }
      store(weights + j, weight);
      store(dScores + j, dScore);
    }
  }
}

/// sums [keys, D] += weights [rows, 64] transposed times matrix [rows, D]; each tile of keys leaves out the rows before them all, and those
/// whose windows they have left.
template <bool isWindowed>
static void addTransposed(const Rows<isWindowed>& rows, int64_t block, const float* weights, const float* matrix, float* sums, int64_t D) {
  const int64_t keys = rows.visible(rows.count - 1, block);
  for (int64_t key = rows.hidden(0, block) / tileRows * tileRows; key < keys; key += tileRows) {
    int64_t count = least(tileRows, keys - key), position = block * keysPerBlock + key;
    int64_t seen = (position - rows.past) * rows.group - rows.first;
    int64_t from = seen > 0 ? seen : 0, to = rows.count;
    if constexpr (isWindowed) {
      to = least(to, (position + count - 1 + rows.rules.window - rows.past) * rows.group - rows.first);
      if (to <= from) continue;
    }
    multiply({weights + from * keysPerBlock + key, 1, keysPerBlock, matrix + from * D, D, sums + key * D, D, count, D, to - from, true});
  }
}

template <bool isWindowed>
static void differentiateRows(const AttentionGrad& g, const AttentionGradPart& p, const Rows<isWindowed>& rows, const GradKeyValues& kv) {
  const int64_t D = g.headDim, firstBlock = rows.firstBlock();
  const vec scale = queryScale(g.rules);
  GradRows r(D);
  gatherQueries(g, p, rows, scale, r);
  for (int64_t block = kv.first > firstBlock ? kv.first : firstBlock; block < kv.last && rows.reaches(block); block++) {
    multiplyVisible(rows, block, r.queries, kv.of(kv.keysTransposed, block), r.weights, D);
    multiplyVisible(rows, block, r.dOut, kv.of(kv.valuesTransposed, block), r.dScores, D);
    if (g.rules.softcap > 0.0) differentiateSoftmax<true>(rows, block, r);
    else differentiateSoftmax<false>(rows, block, r);
    if (p.wantsQueries) addVisible(rows, block, r.dScores, kv.of(kv.keys, block), r.dQueries, D);
    if (!p.wantsKeyValues) continue;
    addTransposed(rows, block, r.weights, r.dOut, kv.of(kv.dValues, block), D);
    addTransposed(rows, block, r.dScores, r.queries, kv.of(kv.dKeys, block), D);
  }
  if (!p.wantsQueries) return;
  for (int64_t i = 0; i < rows.count; i++) scaleRow(r.dQueries + i * D, scale, g.dq + headOf(g, p, rows.first + i) * D, D);
}

static void scatterKeyValues(const AttentionGrad& g, const AttentionGradPart& p, const GradKeyValues& kv) {
  const int64_t D = g.headDim, tokens = least(p.tokens, p.keysTo);
  for (int64_t t = p.keysFrom; t < tokens; t++) {
    int64_t at = ((p.firstRow + t) * g.kvHeads + p.kvHead) * D, from = (t - p.keysFrom) * D;
    copyRow(kv.dKeys + from, g.dk + at, D);
    copyRow(kv.dValues + from, g.dv + at, D);
  }
}

template <bool isWindowed>
static void differentiateEachRow(const AttentionGrad& g, const AttentionGradPart& p, const GradKeyValues& kv) {
  const int64_t group = g.heads / g.kvHeads;
  const int64_t end = (p.wantsQueries ? p.to : endOfSight(g.rules, p.keysTo, p.to)) * group;
  for (int64_t row = p.from * group; row < end; row += gradRowsTogether)
    differentiateRows<isWindowed>(g, p, {row, least(gradRowsTogether, end - row), group, 0, g.rules}, kv);
}

/// One part, on the calling thread.
static void attentionGrad(const AttentionGrad& g, const AttentionGradPart& p) {
  GradKeyValues kv = gatherKeyValues(g, p);
  if (hidesBefore(g.rules, p.to)) differentiateEachRow<true>(g, p, kv);
  else differentiateEachRow<false>(g, p, kv);
  if (p.wantsKeyValues) scatterKeyValues(g, p, kv);
}

}  // namespace VERLET_ISA
