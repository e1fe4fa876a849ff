// Causal attention over key blocks of 64 positions, aligned to the positions of the sequence: the online softmax of FlashAttention
// (Dao et al., arXiv:2205.14135), Algorithm 1. A query's numbers depend on itself and on the keys up to its position, not on what else
// is computed, nor on whether keys come from pages.
namespace VERLET_ISA {

using verlet::Attention;
using verlet::AttentionPart;
using verlet::keysPerBlock;

/// Rows (a query position and head each) that go through the key blocks together; whole tiles on every instruction set.
constexpr int rowsTogether = 48;

static const float minusInfinity = -__builtin_inff();

static inline int64_t blocksOf(int64_t keys) { return divideUp(keys, keysPerBlock); }

/// Keys as [D, 64] and values as [64, D] of each block of one sequence and key head: side by side, or in pages that a table names.
struct KeyValues {
  float* const* keySlabs;
  float* const* valueSlabs;
  /// Null when block i is simply at i.
  const int32_t* table;
  int64_t blocksPerSlab, blockStride, start;

  int64_t at(int64_t block, int64_t& slab) const {
    int64_t page = table ? table[block] : block;
    slab = table ? page / blocksPerSlab : 0;
    return (table ? page % blocksPerSlab : page) * blockStride + start;
  }
  float* keys(int64_t block) const {
    int64_t slab, offset = at(block, slab);
    return keySlabs[slab] + offset;
  }
  float* values(int64_t block) const {
    int64_t slab, offset = at(block, slab);
    return valueSlabs[slab] + offset;
  }
};

/// Rows of `from`, `fromRow` apart and D long, become the columns from `slot` on of `to` [D, 64].
static void writeTransposed(const float* from, int64_t fromRow, int64_t rows, int64_t D, float* to, int64_t slot) {
  if (rows < 4) {
    for (int64_t j = 0; j < rows; j++)
      for (int64_t d = 0; d < D; d++) to[d * keysPerBlock + slot + j] = from[j * fromRow + d];
    return;
  }
  for (int64_t j = 0; j < rows; j += lanes)
    for (int64_t d = 0; d < D; d += lanes) {
      int count = (int)least(lanes, rows - j), deep = (int)least(lanes, D - d);
      vec tile[lanes];
      for (int i = 0; i < lanes; i++) {
        const float* row = from + (j + i) * fromRow + d;
        tile[i] = i >= count ? zero() : loadSome(row, deep);
      }
      transpose(tile);
      for (int i = 0; i < deep; i++) storeSome(to + (d + i) * keysPerBlock + slot + j, tile[i], count);
    }
}

/// Adding 0 makes every 0 a positive one.
static inline void scaleRow(const float* from, vec scale, float* to, int64_t D) {
  forVectors(0, D, [&](int64_t d, int n) { storeSome(to + d, fma(loadSome(from + d, n), scale, zero()), n); });
}

/// Writes keys and values of new tokens, rows `row` apart, behind `past` positions.
static void append(const KeyValues& to, const float* k, const float* v, int64_t row, int64_t tokens, int64_t past, int64_t D) {
  for (int64_t done = 0; done < tokens;) {
    int64_t block = (past + done) / keysPerBlock, slot = (past + done) % keysPerBlock;
    int64_t count = least(keysPerBlock - slot, tokens - done);
    writeTransposed(k + done * row, row, count, D, to.keys(block), slot);
    float* values = to.values(block) + slot * D;
    for (int64_t j = 0; j < count; j++) copyRow(v + (done + j) * row, values + j * D, D);
    done += count;
  }
}

/// Rows that go through the key blocks together: row r is head r % G of query position r / G, so that later rows see more keys.
struct Rows {
  int64_t first, count, group, past;
  /// Keys of a block that row i sees, at most 64; none when not above 0.
  int64_t visible(int64_t i, int64_t block) const {
    return least(keysPerBlock, past + (first + i) / group + 1 - block * keysPerBlock);
  }
};

/// True where no number of `rows` rows is infinite or NaN.
static inline bool areFinite(const float* matrix, int64_t rows, int64_t D) {
  vec sum = zero();
  forVectors(0, rows * D, [&](int64_t i, int n) { sum = fma(loadSome(matrix + i, n), zero(), sum); });
  return reduceAdd(sum) == 0.0f;
}

/**
 * sums [rows, D] += weights [rows, 64] times matrix [64, D], over the keys that each row sees. The rows of a tile may go on to the last key
 * that one of them sees, where the others' weights are 0: that changes no bit but the sign of a 0, unless a key holds what 0 times is not 0.
 */
static void addVisible(const Rows& rows, int64_t block, const float* weights, const float* matrix, float* sums, int64_t D) {
  auto add = [&](int64_t i, int64_t count, int64_t keys) {
    multiply({weights + i * keysPerBlock, keysPerBlock, 1, matrix, D, sums + i * D, D, count, D, keys, true});
  };
  for (int64_t i = 0; i < rows.count; i += tileRows) {
    const int64_t count = least(tileRows, rows.count - i), last = rows.visible(i + count - 1, block);
    if (last <= 0) continue;
    const int64_t first = rows.visible(i, block), common = first > 0 ? first : 0;
    if (areFinite(matrix + common * D, last - common, D)) {
      add(i, count, last);
      continue;
    }
    for (int64_t row = i; row < i + count; row++)
      if (rows.visible(row, block) > 0) add(row, 1, rows.visible(row, block));
  }
}

/// scores [rows, 64] = left [rows, D] times right [D, 64], as far as any row of a tile sees keys.
static void multiplyVisible(const Rows& rows, int64_t block, const float* left, const float* right, float* scores, int64_t D) {
  for (int64_t i = 0; i < rows.count; i += tileRows) {
    int64_t count = least(tileRows, rows.count - i);
    int64_t keys = rows.visible(i + count - 1, block);
    if (keys <= 0) continue;
    multiply({left + i * D, D, 1, right, keysPerBlock, scores + i * keysPerBlock, keysPerBlock, count, (keys + lanes - 1) / lanes * lanes,
              D, false});
  }
}

/// What the rows have summed so far, all in scratch: queries and out [rows, D], scores [rows, 64], the others [rows].
struct OnlineSoftmax {
  float *queries, *out, *scores, *highest, *total, *correction, *added;

  OnlineSoftmax(int64_t D) {
    queries = verlet::scratch(Slot::attentionRows, rowsTogether * (2 * D + keysPerBlock + 4));
    scores = queries + rowsTogether * D;
    highest = scores + rowsTogether * keysPerBlock;
    total = highest + rowsTogether;
    correction = total + rowsTogether;
    added = correction + rowsTogether;
    out = added + rowsTogether;
  }
};

static inline float highestScore(const float* scores, int64_t keys) {
  if (keys == keysPerBlock)
    return reduceMax(max(max(load(scores), load(scores + lanes)), max(load(scores + 2 * lanes), load(scores + 3 * lanes))));
  vec high = set1(minusInfinity);
  for (int64_t j = 0; j < keys; j += lanes) high = max(high, firstOf(load(scores + j), keys - j, minusInfinity));
  return reduceMax(high);
}

/// Scores become e^(score - highest), 0 where the row sees no key; their sum over all 64 as (0 + 1) + (2 + 3) vectors, then by reduceAdd.
static inline float weigh(float* scores, float highest, int64_t keys) {
  vec weights[keysPerBlock / lanes];
  for (int v = 0; v < keysPerBlock / lanes; v++) {
    int64_t left = keys - v * lanes;
    if (left > 0) {
      vec score = load(scores + v * lanes);
      weights[v] = exp(sub(left >= lanes ? score : firstOf(score, left, minusInfinity), set1(highest)));
    } else {
      weights[v] = zero();
    }
    store(scores + v * lanes, weights[v]);
  }
  return reduceAdd(add(add(weights[0], weights[1]), add(weights[2], weights[3])));
}

/// new highest = max(old, block's), correction = e^(old - new); all rows at once.
static inline void correct(const OnlineSoftmax& s, int64_t rows) {
  for (int64_t i = 0; i < rows; i += lanes) {
    vec old = load(s.highest + i), now = max(old, load(s.added + i));
    store(s.correction + i, exp(sub(old, now)));
    store(s.highest + i, now);
  }
}

/// One key block: weights from scores, what was summed before corrected to the new highest score, total += the block's sum.
static void soften(const OnlineSoftmax& s, const Rows& rows, int64_t block, int64_t D) {
  for (int64_t i = 0; i < rows.count; i++) s.added[i] = highestScore(s.scores + i * keysPerBlock, rows.visible(i, block));
  correct(s, rows.count);
  for (int64_t i = 0; i < rows.count; i++) {
    s.added[i] = weigh(s.scores + i * keysPerBlock, s.highest[i], rows.visible(i, block));
    // Times 1 changes nothing.
    if (block > 0 && s.correction[i] != 1.0f) scaleRow(s.out + i * D, set1(s.correction[i]), s.out + i * D, D);
  }
  for (int64_t i = 0; i < rows.count; i += lanes)
    store(s.total + i, fma(load(s.total + i), load(s.correction + i), load(s.added + i)));
}

static inline void divideRow(const float* from, float by, float* to, int64_t D) {
  const vec divisor = set1(by);
  forVectors(0, D, [&](int64_t d, int n) { storeSome(to + d, add(div(loadSome(from + d, n), divisor), zero()), n); });
}

/// Where row r of a part lies in q and out, in heads; the same for the gradient.
template <class Call, class Part>
static inline int64_t headOf(const Call& a, const Part& part, int64_t row) {
  int64_t group = a.heads / a.kvHeads;
  return (part.firstRow + row / group) * a.heads + part.kvHead * group + row % group;
}

static void attendRows(const Attention& a, const AttentionPart& part, const Rows& rows, const KeyValues& keyValues) {
  const int64_t D = a.headDim;
  OnlineSoftmax s(D);
  const vec scale = set1((float)(1.0 / __builtin_sqrt((double)D)));
  for (int i = 0; i < rowsTogether; i++) {
    s.highest[i] = minusInfinity;
    s.total[i] = s.added[i] = 0.0f;
  }
  for (int64_t i = 0; i < rows.count; i++) scaleRow(a.q + headOf(a, part, rows.first + i) * D, scale, s.queries + i * D, D);
  fillRow(s.out, 0.0f, rows.count * D);
  for (int64_t block = 0; rows.visible(rows.count - 1, block) > 0; block++) {
    multiplyVisible(rows, block, s.queries, keyValues.keys(block), s.scores, D);
    soften(s, rows, block, D);
    addVisible(rows, block, s.scores, keyValues.values(block), s.out, D);
  }
  for (int64_t i = 0; i < rows.count; i++) {
    int64_t head = headOf(a, part, rows.first + i);
    divideRow(s.out + i * D, s.total[i], a.out + head * D, D);
    if (a.logSumExp) a.logSumExp[head] = (float)((double)s.highest[i] + __builtin_log((double)s.total[i]));
  }
}

static void attendPart(const Attention& a, const AttentionPart& part, const KeyValues& keyValues) {
  const int64_t group = a.heads / a.kvHeads;
  for (int64_t row = part.from * group; row < part.to * group; row += rowsTogether)
    attendRows(a, part, {row, least(rowsTogether, part.to * group - row), group, part.past}, keyValues);
}

/// One part of a pass over whole sequences, on the calling thread.
static void attention(const Attention& a, const AttentionPart& part) {
  const int64_t D = a.headDim, size = blocksOf(part.to) * keysPerBlock * D;
  float* keys = verlet::scratch(Slot::keyValues, 2 * size);
  float* values = keys + size;
  const int64_t at = (part.firstRow * a.kvHeads + part.kvHead) * D;
  KeyValues keyValues{&keys, &values, nullptr, 1, keysPerBlock * D, 0};
  append(keyValues, a.k + at, a.v + at, a.kvHeads * D, part.to, 0, D);
  attendPart(a, part, keyValues);
}

}  // namespace VERLET_ISA
