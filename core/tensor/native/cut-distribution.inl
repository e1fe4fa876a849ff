// What top-k (Fan et al., arXiv:1805.04833), then top-p of the rest (Holtzman et al., arXiv:1904.09751), then min-p (Nguyen et al.,
// arXiv:2407.01082) leave of a distribution. Of equal weights the smaller token goes first; one token always stays.
namespace VERLET_ISA {

struct Cut {
  /// 0 = all.
  int64_t topK;
  /// 1 = all.
  float topP;
  /// 0 = all.
  float minP;
};

/// A token and the bits of its weight; for weights, which are not negative, these are in the order of the weights.
struct Candidate {
  uint32_t bits, token;
};

constexpr int weightBins = 2048;

static inline uint32_t bitsOf(float weight) {
  uint32_t bits;
  __builtin_memcpy(&bits, &weight, sizeof bits);
  return bits;
}

static inline float weightOf(uint32_t bits) {
  float weight;
  __builtin_memcpy(&weight, &bits, sizeof weight);
  return weight;
}

/// Sixteen bins to a factor of two; 1, the largest weight, falls in bin 2032.
static inline int binOf(uint32_t bits) { return (int)(bits >> 19); }

/// Likeliest first, in the order they have where weights are equal. Weights are at most 1, so that 30 bits tell them apart.
static void sortCandidates(Candidate* candidates, Candidate* other, int64_t count) {
  constexpr uint32_t digits = 1024;
  Candidate *from = candidates, *to = other;
  for (int shift = 0; shift < 30; shift += 10) {
    uint32_t starts[digits + 1] = {};
    auto digit = [&](const Candidate& c) { return digits - 1 - ((c.bits >> shift) & (digits - 1)); };
    for (int64_t i = 0; i < count; i++) starts[digit(from[i]) + 1]++;
    for (uint32_t d = 0; d < digits; d++) starts[d + 1] += starts[d];
    for (int64_t i = 0; i < count; i++) to[starts[digit(from[i])]++] = from[i];
    Candidate* swapped = from;
    from = to;
    to = swapped;
  }
  // After three passes the sorted ones lie in the other array.
  for (int64_t i = 0; i < count; i++) candidates[i] = other[i];
}

/// Tokens that may be among those left, by ascending token: whole bins, until these have topK tokens or, without topK, surely topP of `total`.
static int64_t gatherCandidates(const float* weights, int64_t count, const Cut& cut, double total, Candidate* to, int64_t* positive) {
  int64_t counts[weightBins] = {};
  double masses[weightBins] = {};
  for (int64_t i = 0; i < count; i++) {
    const int bin = binOf(bitsOf(weights[i]));
    counts[bin]++;
    masses[bin] += weights[i];
  }
  // Weights are 0 or at least 2^-126, so that bin 0 holds the zeros alone.
  *positive = count - counts[0];
  const double enough = cut.topK > 0 || cut.topP >= 1 ? 2 * total : cut.topP * total * (1 + 1e-9);
  int64_t tokens = 0;
  double mass = 0;
  int lowest = weightBins;
  while (lowest > 1 && (tokens == 0 || ((cut.topK <= 0 || tokens < cut.topK) && mass < enough))) {
    lowest--;
    tokens += counts[lowest];
    mass += masses[lowest];
  }
  int64_t found = 0;
  for (int64_t i = 0; i < count && found < tokens; i++) {
    const uint32_t bits = bitsOf(weights[i]);
    if (binOf(bits) >= lowest) to[found++] = {bits, (uint32_t)i};
  }
  return found;
}

/// How many of the sorted candidates stay.
static int64_t countLeft(const Candidate* sorted, int64_t found, const Cut& cut, double total) {
  int64_t left = cut.topK > 0 ? least(cut.topK, found) : found;
  if (cut.topP < 1) {
    double whole = total, before = 0;
    if (cut.topK > 0) {
      whole = 0;
      for (int64_t i = 0; i < left; i++) whole += weightOf(sorted[i].bits);
    }
    int64_t taken = 0;
    while (taken < left && (taken == 0 || before < cut.topP * whole)) before += weightOf(sorted[taken++].bits);
    left = taken;
  }
  while (left > 1 && weightOf(sorted[left - 1].bits) < cut.minP) left--;
  return left;
}

/**
 * Sets the weights of tokens that are not to be sampled to 0; true unless they all were.
 * @param weights [count] in [0, 1], the largest 1
 * @param total their sum
 * @param room for 2 count candidates
 */
static bool cutDistribution(float* weights, int64_t count, const Cut& cut, double total, Candidate* room) {
  int64_t positive = 0;
  const int64_t found = gatherCandidates(weights, count, cut, total, room, &positive);
  sortCandidates(room, room + count, found);
  const int64_t left = countLeft(room, found, cut, total);
  if (left == positive) return false;
  __builtin_memset(weights, 0, sizeof(float) * count);
  for (int64_t i = 0; i < left; i++) weights[room[i].token] = weightOf(room[i].bits);
  return true;
}

}  // namespace VERLET_ISA
