// Causal attention over key blocks of 64 positions, aligned to the positions of the sequence: the online softmax of FlashAttention
// (Dao et al., arXiv:2205.14135), Algorithm 1. A query's numbers depend on itself and on the keys up to its position, not on what else
// is computed, nor on whether keys come from pages. Blocks before the window of all rows are skipped; what a window hides within the others
// is masked like the future. A softcap is part of the queries' scale: tanh then stands between the product and the score.
namespace VERLET_ISA {

using verlet::Attention;
using verlet::AttentionPart;
using verlet::AttentionRules;
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

/// Rows that go through the key blocks together: row r is head r % G of query position r / G, so that later rows see later keys.
template <bool isWindowed>
struct Rows {
  int64_t first, count, group, past;
  const AttentionRules& rules;

  int64_t position(int64_t i) const { return past + (first + i) / group; }
  /// Row i sees the keys of a block from `hidden` up to `visible`, at most 64; none when that is not above 0 or `hidden`.
  int64_t visible(int64_t i, int64_t block) const { return least(keysPerBlock, position(i) + 1 - block * keysPerBlock); }
  /// At least 0.
  int64_t hidden(int64_t i, int64_t block) const {
    if constexpr (!isWindowed) return 0;
    const int64_t keys = position(i) + 1 - rules.window - block * keysPerBlock;
    return keys > 0 ? keys : 0;
  }
  bool seesSome(int64_t i, int64_t block) const { return visible(i, block) > hidden(i, block); }
  /// The blocks that a row sees something of are `firstBlock()` and those that follow while this holds.
  bool reaches(int64_t block) const { return visible(count - 1, block) > 0; }
  int64_t firstBlock() const {
    if constexpr (!isWindowed) return 0;
    return firstBlockOf(rules, position(0));
  }
};

/// True where no number of `rows` rows is infinite or NaN.
static inline bool areFinite(const float* matrix, int64_t rows, int64_t D) {
  vec sum = zero();
  forVectors(0, rows * D, [&](int64_t i, int n) { sum = fma(loadSome(matrix + i, n), zero(), sum); });
  return reduceAdd(sum) == 0.0f;
}

/**
 * sums [rows, D] += weights [rows, 64] times matrix [64, D], over the keys that each row sees. The rows of a tile go from the first to the
 * last key that one of them sees, where the others' weights are 0: that changes no bit but the sign of a 0, unless a key holds what 0 times
 * is not 0.
 */
template <bool isWindowed>
static void addVisible(const Rows<isWindowed>& rows, int64_t block, const float* weights, const float* matrix, float* sums, int64_t D) {
  auto add = [&](int64_t i, int64_t count, int64_t from, int64_t to) {
    multiply({weights + i * keysPerBlock + from, keysPerBlock, 1, matrix + from * D, D, sums + i * D, D, count, D, to - from, true});
  };
  for (int64_t i = 0; i < rows.count; i += tileRows) {
    const int64_t count = least(tileRows, rows.count - i), from = rows.hidden(i, block), to = rows.visible(i + count - 1, block);
    if (to <= from) continue;
    // Keys before `begun` and from `ended` on are not seen by all.
    const int64_t begun = least(to, rows.hidden(i + count - 1, block)), first = rows.visible(i, block), ended = first > from ? first : from;
    if (areFinite(matrix + ended * D, to - ended, D) && (!isWindowed || areFinite(matrix + from * D, begun - from, D))) {
      add(i, count, from, to);
      continue;
    }
    for (int64_t row = i; row < i + count; row++)
      if (rows.seesSome(row, block)) add(row, 1, rows.hidden(row, block), rows.visible(row, block));
  }
}

/// scores [rows, 64] = left [rows, D] times right [D, 64], as far as any row of a tile sees keys.
template <bool isWindowed>
static void multiplyVisible(const Rows<isWindowed>& rows, int64_t block, const float* left, const float* right, float* scores, int64_t D) {
  for (int64_t i = 0; i < rows.count; i += tileRows) {
    int64_t count = least(tileRows, rows.count - i);
    int64_t from = rows.hidden(i, block) / lanes * lanes, keys = rows.visible(i + count - 1, block);
    if (keys <= from) continue;
    multiply({left + i * D, D, 1, right + from, keysPerBlock, scores + i * keysPerBlock + from, keysPerBlock, count,
              roundUp(keys, lanes) - from, D, false});
  }
}

/// What queries are multiplied by before their product with keys.
static inline vec queryScale(const AttentionRules& rules) {
  return set1((float)(rules.softcap > 0.0 ? rules.scale / rules.softcap : rules.scale));
}

/// Scores become softcap * tanh(score) where a row sees the key.
template <bool isWindowed>
static void capScores(const Rows<isWindowed>& rows, int64_t block, float* scores) {
  const vec softcap = set1((float)rows.rules.softcap);
  for (int64_t i = 0; i < rows.count; i++) {
    float* row = scores + i * keysPerBlock;
    for (int64_t j = rows.hidden(i, block) / lanes * lanes; j < rows.visible(i, block); j += lanes)
      store(row + j, mul(softcap, tanh(load(row + j))));
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

/// Of the keys in [hidden, keys).
static inline float highestScore(const float* scores, int64_t hidden, int64_t keys) {
  if (hidden == 0 && keys == keysPerBlock)
    return reduceMax(max(max(load(scores), load(scores + lanes)), max(load(scores + 2 * lanes), load(scores + 3 * lanes))));
  vec high = set1(minusInfinity);
  for (int64_t j = hidden / lanes * lanes; j < keys; j += lanes) {
    vec score = firstOf(load(scores + j), keys - j, minusInfinity);
    high = max(high, hidden > j ? lastOf(score, hidden - j, minusInfinity) : score);
  }
  return reduceMax(high);
}

/// Scores become e^(score - highest), 0 where the row sees no key; their sum over all 64 as (0 + 1) + (2 + 3) vectors, then by reduceAdd.
static inline float weigh(float* scores, float highest, int64_t hidden, int64_t keys) {
  vec weights[keysPerBlock / lanes];
  for (int v = 0; v < keysPerBlock / lanes; v++) {
    int64_t left = keys - v * lanes, before = hidden - v * lanes;
    if (left > 0 && before < lanes) {
      vec score = load(scores + v * lanes);
      if (before > 0) score = lastOf(score, before, minusInfinity);
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
template <bool isWindowed>
static void soften(const OnlineSoftmax& s, const Rows<isWindowed>& rows, int64_t block, int64_t D) {
  for (int64_t i = 0; i < rows.count; i++)
    s.added[i] = highestScore(s.scores + i * keysPerBlock, rows.hidden(i, block), rows.visible(i, block));
  correct(s, rows.count);
  for (int64_t i = 0; i < rows.count; i++) {
    // Before its window a row has no score yet to compare with.
    if (isWindowed && !rows.seesSome(i, block)) s.correction[i] = 1.0f;
    s.added[i] = weigh(s.scores + i * keysPerBlock, s.highest[i], rows.hidden(i, block), rows.visible(i, block));
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

template <bool isWindowed>
static void attendRows(const Attention& a, const AttentionPart& part, const Rows<isWindowed>& rows, const KeyValues& keyValues) {
  const int64_t D = a.headDim;
  OnlineSoftmax s(D);
  const vec scale = queryScale(a.rules);
  for (int i = 0; i < rowsTogether; i++) {
    s.highest[i] = minusInfinity;
    s.total[i] = s.added[i] = 0.0f;
  }
  for (int64_t i = 0; i < rows.count; i++) scaleRow(a.q + headOf(a, part, rows.first + i) * D, scale, s.queries + i * D, D);
  fillRow(s.out, 0.0f, rows.count * D);
  for (int64_t block = rows.firstBlock(); rows.reaches(block); block++) {
    multiplyVisible(rows, block, s.queries, keyValues.keys(block), s.scores, D);
    if (a.rules.softcap > 0.0) capScores(rows, block, s.scores);
    soften(s, rows, block, D);
    addVisible(rows, block, s.scores, keyValues.values(block), s.out, D);
  }
  for (int64_t i = 0; i < rows.count; i++) {
    int64_t head = headOf(a, part, rows.first + i);
    divideRow(s.out + i * D, s.total[i], a.out + head * D, D);
    if (a.logSumExp) a.logSumExp[head] = (float)((double)s.highest[i] + __builtin_log((double)s.total[i]));
  }
}

template <bool isWindowed>
static void attendEachRow(const Attention& a, const AttentionPart& part, const KeyValues& keyValues) {
  const int64_t group = a.heads / a.kvHeads;
  for (int64_t row = part.from * group; row < part.to * group; row += rowsTogether)
    attendRows<isWindowed>(a, part, {row, least(rowsTogether, part.to * group - row), group, part.past, a.rules}, keyValues);
}

static void attendPart(const Attention& a, const AttentionPart& part, const KeyValues& keyValues) {
  if (hidesBefore(a.rules, part.past + part.to)) attendEachRow<true>(a, part, keyValues);
  else attendEachRow<false>(a, part, keyValues);
}

/// One part of a pass over whole sequences, on the calling thread.
static void attention(const Attention& a, const AttentionPart& part) {
  const int64_t D = a.headDim, blockSize = keysPerBlock * D, first = firstBlockOf(a.rules, part.from), start = first * keysPerBlock;
  const int64_t size = (blocksOf(part.to) - first) * blockSize;
  float* keys = verlet::scratch(Slot::keyValues, 2 * size);
  float* values = keys + size;
  const int64_t at = ((part.firstRow + start) * a.kvHeads + part.kvHead) * D;
  KeyValues keyValues{&keys, &values, nullptr, 1, blockSize, -first * blockSize};
  append(keyValues, a.k + at, a.v + at, a.kvHeads * D, part.to - start, start, D);
  attendPart(a, part, keyValues);
}

}  // namespace VERLET_ISA
