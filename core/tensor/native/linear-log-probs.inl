// Log-softmax of the head without its logits ever lying in memory [rows, vocabulary]: chunks of the vocabulary are summed by themselves and
// combined in their order, as in online softmax (Milakov and Gimelshein, arXiv:1805.02867).
namespace VERLET_ISA {

using verlet::HeadLogProbs;

/// Rows that go through the vocabulary together. Scratch: 3 floats for each of them and each chunk.
constexpr int64_t headRowBlock = 2048;
/// Rows of logits lie a cache line more than a power of two apart, or tiles would thrash a set.
constexpr int64_t logitsStride = vocabularyChunk + lanes;
/// e to the power of this is 0; differences are cut off here so that 0 times them is 0.
constexpr float farBelow = -100.0f;

/// Of logits x: their maximum m, the sum of e^(x - m) and the sum of e^(x - m) (x - m). The sum is NaN if one of them is not finite.
struct SoftmaxSums {
  float max, sum, spread;
};

/// The same of each row and chunk, [chunks][stride] each; finished sums of a row stand in chunk 0.
struct SumsTable {
  float *max, *sum, *spread;
  int64_t chunks, stride;
};

constexpr int chains = 4;

/// The tree over the chains, then over the lanes.
static inline float reduceChains(const vec sums[chains]) { return reduceAdd(add(add(sums[0], sums[1]), add(sums[2], sums[3]))); }

static SoftmaxSums sumChunk(const float* logits, int64_t count, float scaleBy) {
  const vec scale = set1(scaleBy), none = zero(), far = set1(farBelow);
  vec tops[chains], bad[chains], sums[chains], spreads[chains];
  for (int c = 0; c < chains; c++) {
    tops[c] = set1(-3.4e38f);
    bad[c] = sums[c] = spreads[c] = none;
  }
  auto look = [&](vec x, int c) {
    tops[c] = max(tops[c], x);
    bad[c] = fma(x, none, bad[c]);
  };
  int64_t i = 0;
  for (; i + chains * lanes <= count; i += chains * lanes)
    for (int c = 0; c < chains; c++) look(mul(load(logits + i + c * lanes), scale), c);
  for (int c = 0; i < count; i += lanes, c++) look(loadScaled(logits + i, count - i, scale), c);
  const float top = reduceMax(max(max(tops[0], tops[1]), max(tops[2], tops[3])));
  const vec highest = set1(top);
  auto weigh = [&](vec x, int c) {
    const vec below = max(far, sub(x, highest));
    const vec e = exp(below);
    sums[c] = add(sums[c], e);
    spreads[c] = fma(e, below, spreads[c]);
  };
  for (i = 0; i + chains * lanes <= count; i += chains * lanes)
    for (int c = 0; c < chains; c++) weigh(mul(load(logits + i + c * lanes), scale), c);
  for (int c = 0; i < count; i += lanes, c++) weigh(loadScaled(logits + i, count - i, scale), c);
  return {top, reduceChains(sums) + reduceChains(bad), reduceChains(spreads)};
}

/// Combines the chunks of sixteen rows from `row` on, in order.
static void combineChunks(const SumsTable& table, int64_t row) {
  const vec far = set1(farBelow);
  vec top = load(table.max + row), sum = load(table.sum + row), spread = load(table.spread + row);
  for (int64_t chunk = 1; chunk < table.chunks; chunk++) {
    const int64_t at = chunk * table.stride + row;
    const vec otherTop = load(table.max + at), otherSum = load(table.sum + at), otherSpread = load(table.spread + at);
    const vec highest = max(top, otherTop);
    const vec below = max(far, sub(top, highest)), otherBelow = max(far, sub(otherTop, highest));
    const vec e = exp(below), otherE = exp(otherBelow);
    spread = fma(e, fma(sum, below, spread), mul(otherE, fma(otherSum, otherBelow, otherSpread)));
    sum = fma(sum, e, mul(otherSum, otherE));
    top = highest;
  }
  store(table.max + row, top);
  store(table.sum + row, sum);
  store(table.spread + row, spread);
}

/// What the sums say of a row and the logit x (already scaled) of one of its tokens. All NaN where a logit is not finite.
struct RowLogProb {
  float logProb, entropy, logSumExp;
};

static RowLogProb finishRow(const SumsTable& table, int64_t row, float x) {
  const double top = table.max[row], sum = table.sum[row], spread = table.spread[row];
  if (sum != sum) return {__builtin_nanf(""), __builtin_nanf(""), __builtin_nanf("")};
  const double logSum = __builtin_log(sum);
  return {(float)((double)x - top - logSum), (float)(logSum - spread / sum), (float)(top + logSum)};
}

/// Into how many parts rows are split besides the chunks: what leaves the largest share smallest, packing of the weight included.
static int rowParts(const Head& head, int64_t chunks) {
  if (head.rows * head.vocabulary * head.width < smallProduct) return 1;
  const int threads = verlet::threads();
  int best = 1;
  int64_t lowest = INT64_MAX;
  for (int parts = 1; parts <= threads; parts++) {
    const int64_t rows = roundUp(divideUp(head.rows, parts), tileRows);
    const int64_t cost = divideUp(chunks * parts, threads) * (rows + 24);
    if (cost < lowest) {
      lowest = cost;
      best = parts;
    }
  }
  return best;
}

/// The table of `rows` rows in the calling thread's scratch, with room for `more` floats behind it.
static SumsTable makeTable(const Head& head, int64_t more, float** behind) {
  const int64_t chunks = divideUp(head.vocabulary, vocabularyChunk), stride = roundUp(head.rows, lanes);
  const int64_t size = chunks * stride;
  float* data = verlet::scratch(Slot::headSums, 3 * size + more);
  *behind = data + 3 * size;
  return {data, data + size, data + 2 * size, chunks, stride};
}

/// Logits times scales[row] that are to be summed into a table, by tasks of one chunk and one part of the rows each.
struct TableJob {
  const Head& head;
  const float* scales;
  const SumsTable& table;
  /// The logits [rows, vocabulary], capped and unscaled, are left here; null keeps none.
  float* kept;
  int parts;
};

/// One task; pick(row, tokens, logits) sees the unscaled logits of each row.
template <class Pick>
static void fillPart(const TableJob& job, int task, Pick pick) {
  const int64_t chunk = task / job.parts, part = task % job.parts, vocabulary = job.head.vocabulary;
  const Range rows{boundary(job.head.rows, tileRows, part, job.parts), boundary(job.head.rows, tileRows, part + 1, job.parts)};
  const Range tokens{chunk * vocabularyChunk, least(vocabulary, (chunk + 1) * vocabularyChunk)};
  const LogitsPlace place = job.kept ? LogitsPlace{job.kept + rows.begin * vocabulary + tokens.begin, vocabulary, false}
                                     : LogitsPlace{verlet::scratch(Slot::chunkLogits, rowGroup * logitsStride), logitsStride, true};
  computeLogits(job.head, rows, tokens, place, [&](Range group, const float* logits) {
    for (int64_t row = group.begin; row < group.end; row++, logits += place.stride) {
      const SoftmaxSums sums = sumChunk(logits, tokens.end - tokens.begin, job.scales[row]);
      const int64_t at = chunk * job.table.stride + row;
      job.table.max[at] = sums.max;
      job.table.sum[at] = sums.sum;
      job.table.spread[at] = sums.spread;
      pick(row, tokens, logits);
    }
  });
}

/// Fills the table and combines its chunks. Threads share chunks and, where these are few, rows.
template <class Pick>
static void fillTable(const TableJob& job, Pick pick) {
  const SumsTable& table = job.table;
  const int tasks = (int)table.chunks * job.parts;
  if (job.head.rows * job.head.vocabulary * job.head.width < smallProduct) {
    for (int task = 0; task < tasks; task++) fillPart(job, task, pick);
  } else {
    verlet::parallel(tasks, [&](int task) { fillPart(job, task, pick); });
  }
  if (table.chunks == 1) return;
  verlet::parallel((int)(table.stride / lanes), [&](int block) { combineChunks(table, block * lanes); });
}

static void logProbsOfBlock(const HeadLogProbs& p, const Head& head, int64_t first) {
  float* more;
  const int64_t rows = roundUp(head.rows, lanes);
  const SumsTable table = makeTable(head, 2 * rows, &more);
  float *scales = more, *chosen = more + rows;
  const float scale = 1.0f / p.temperature;
  for (int64_t row = 0; row < head.rows; row++) scales[row] = scale;
  const int32_t* targets = p.targets + first;
  fillTable({head, scales, table, nullptr, rowParts(head, table.chunks)}, [&](int64_t row, Range tokens, const float* logits) {
    const int64_t target = targets[row];
    if (target >= tokens.begin && target < tokens.end) chosen[row] = logits[target - tokens.begin] * scale;
  });
  for (int64_t row = 0; row < head.rows; row++) {
    const RowLogProb result = finishRow(table, row, chosen[row]);
    p.logProbs[first + row] = result.logProb;
    p.entropy[first + row] = result.entropy;
    p.logSumExp[first + row] = result.logSumExp;
  }
}

static void linearLogProbs(const HeadLogProbs& p) {
  for (int64_t row = 0; row < p.head.rows; row += headRowBlock) {
    Head head = p.head;
    head.x += row * head.width;
    head.rows = least(headRowBlock, head.rows - row);
    logProbsOfBlock(p, head, row);
  }
}

}  // namespace VERLET_ISA
