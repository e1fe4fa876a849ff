// Sampling from the head: the log-probs are those of linear-log-probs.inl, to the bit.
namespace VERLET_ISA {

using verlet::TokenSampling;

/// Logits that are kept at once, in rows of the vocabulary and at least one; more rows go through the weight again. 64 MiB.
constexpr int64_t maxKeptLogits = int64_t{1} << 24;

/// A row's distribution while a token is drawn from it.
struct Weights {
  /// [vocabulary], in [0, 1]; zeros follow to a multiple of the lanes.
  float* values;
  /// Sums of the chunks.
  double* sums;
  int64_t count, chunks;
};

static inline float scaleOf(float temperature) { return temperature == 0 ? 1.0f : 1.0f / temperature; }

/// e^(x - top) of each logit.
static void weighLogits(const float* logits, float scaleBy, float top, const Weights& to) {
  const vec scale = set1(scaleBy), highest = set1(top);
  for (int64_t i = 0; i < to.count; i += lanes) store(to.values + i, exp(sub(loadScaled(logits + i, to.count - i, scale), highest)));
}

/// The sum of all weights, in float64; those of the chunks are left in their place.
static double sumWeights(const Weights& weights) {
  double total = 0;
  for (int64_t chunk = 0; chunk < weights.chunks; chunk++) {
    const int64_t begin = chunk * vocabularyChunk, end = least(roundUp(weights.count, lanes), begin + vocabularyChunk);
    weights.sums[chunk] = sumOfBlock(weights.values + begin, end - begin, Itself{});
    total += weights.sums[chunk];
  }
  return total;
}

/// The first token at which the cumulative sum exceeds `point`, which is below the sum of the sums.
static int64_t invert(const Weights& weights, double point) {
  int64_t chunk = 0;
  double before = 0;
  while (chunk + 1 < weights.chunks && point >= before + weights.sums[chunk]) before += weights.sums[chunk++];
  const int64_t begin = chunk * vocabularyChunk, end = least(weights.count, begin + vocabularyChunk);
  int64_t last = begin;
  for (int64_t i = begin; i < end; i++) {
    if (weights.values[i] > 0) last = i;
    before += (double)weights.values[i];
    if (point < before) return i;
  }
  // Reached where the two orders of summing differ in their last bits.
  return last;
}

/// The first of the largest.
static int64_t likeliest(const float* logits, int64_t count, float scale, float top) {
  for (int64_t i = 0; i < count; i++)
    if (logits[i] * scale == top) return i;
  return 0;
}

/// In the calling thread's scratch; `room`, for 2 count candidates, is there where something may be cut.
static Weights weightsOfThread(int64_t count, bool isCut, Candidate** room) {
  const int64_t chunks = divideUp(count, vocabularyChunk), padded = roundUp(count, lanes);
  const int64_t sumsFloats = roundUp(2 * chunks, lanes);
  float* data = verlet::scratch(Slot::candidates, sumsFloats + padded + (isCut ? 4 * count : 0));
  *room = (Candidate*)(data + sumsFloats + padded);
  return {data + sumsFloats, (double*)data, count, chunks};
}

/// Draws row `row` of the call, row `local` of the table.
static void sampleRow(const TokenSampling& p, int64_t row, const SumsTable& table, int64_t local, const float* logits) {
  const int64_t count = p.head.vocabulary;
  const float scale = scaleOf(p.temperature[row]), top = table.max[local];
  const Cut cut{p.topK[row] > 0 && p.topK[row] < count ? p.topK[row] : 0, p.topP[row], p.minP[row]};
  const bool mayCut = cut.topK > 0 || cut.topP < 1 || cut.minP > 0, isGreedy = p.temperature[row] == 0;
  p.tokens[row] = 0;
  p.logProbs[row] = p.samplingLogProbs[row] = __builtin_nanf("");
  if (table.sum[local] != table.sum[local]) return;
  int64_t token = isGreedy ? likeliest(logits, count, scale, top) : 0;
  double total = 0;
  bool isCut = false;
  if (mayCut || !isGreedy) {
    Candidate* room;
    const Weights weights = weightsOfThread(count, mayCut, &room);
    weighLogits(logits, scale, top, weights);
    total = sumWeights(weights);
    isCut = mayCut && cutDistribution(weights.values, count, cut, total, room);
    if (isCut) total = sumWeights(weights);
    if (!isGreedy) token = invert(weights, philoxUniform(p.seeds[row], p.counters[row]) * total);
  }
  const float x = logits[token] * scale;
  p.tokens[row] = (int32_t)token;
  p.logProbs[row] = finishRow(table, local, x).logProb;
  p.samplingLogProbs[row] = isCut ? (float)((double)x - (double)top - __builtin_log(total)) : p.logProbs[row];
}

static void sampleTokens(const TokenSampling& p) {
  const int64_t vocabulary = p.head.vocabulary, width = p.head.width;
  const int64_t rowBlock = maxKeptLogits / vocabulary > 0 ? maxKeptLogits / vocabulary : 1;
  for (int64_t first = 0; first < p.head.rows; first += rowBlock) {
    const Head head{p.head.x + first * width, p.head.weight, least(rowBlock, p.head.rows - first), width, vocabulary, p.head.softcap};
    float* scales;
    const SumsTable table = makeTable(head, head.rows, &scales);
    for (int64_t row = 0; row < head.rows; row++) scales[row] = scaleOf(p.temperature[first + row]);
    float* logits = verlet::scratch(Slot::headLogits, head.rows * vocabulary);
    fillTable({head, scales, table, logits, rowParts(head, table.chunks)}, [](int64_t, Range, const float*) {});
    verlet::parallel((int)head.rows, [&](int row) { sampleRow(p, first + row, table, row, logits + row * vocabulary); });
  }
}

}  // namespace VERLET_ISA
