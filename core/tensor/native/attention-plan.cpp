#include "attention-plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace verlet {
namespace {

/// Multiply-adds below which waking other threads costs more than they save.
constexpr double smallPass = 200'000;
/// Parts are cut when the busiest thread would have so much more than its share ...
constexpr double tolerance = 1.1;
/// ... and then into pieces of at most this part of a share.
constexpr double piece = 0.25;

/// Pairs of a query and a key that one sequence has up to a position. Blocks that a window cuts are computed whole.
struct Sight {
  double window;

  explicit Sight(const AttentionRules& rules)
      : window(rules.window > 0 ? static_cast<double>(rules.window + keysPerBlock / 2) : std::numeric_limits<double>::infinity()) {}

  double pairs(double positions) const {
    return positions <= window ? positions * positions / 2 : window * window / 2 + window * (positions - window);
  }
  /// Where there are so many.
  double position(double pairs) const {
    return pairs <= window * window / 2 ? std::sqrt(2 * pairs) : window + (pairs - window * window / 2) / window;
  }
};

/// Pairs of a part's queries and the keys they see. Every query counts for some keys more: it is fetched, rescaled and stored.
double pairs(const AttentionPart& part, const AttentionRules& rules) {
  const Sight sight(rules);
  const double from = static_cast<double>(part.past + part.from), to = static_cast<double>(part.past + part.to);
  return sight.pairs(to) - sight.pairs(from) + 32 * (to - from);
}

/// Products of a part, five when its queries and keys are both wanted, three or four for one of them.
double pairs(const AttentionGradPart& part, const AttentionRules& rules) {
  double products = part.wantsQueries && part.wantsKeyValues ? 5 : part.wantsQueries ? 3 : 4;
  double sum = 0;
  for (int64_t key = part.keysFrom; key < std::min(part.keysTo, part.to); key += keysPerBlock) {
    const int64_t from = std::max(part.from, key), to = endOfSight(rules, key + keysPerBlock, part.to);
    if (from < to) sum += static_cast<double>(to - from) * keysPerBlock;
  }
  return products * (sum + 32.0 * static_cast<double>(part.to - part.from));
}

/// Bounds of `pieces` ranges of [0, tokens) of about the same work for the queries behind `past` positions.
std::vector<int64_t> queryBounds(int64_t tokens, int64_t past, int64_t pieces, const Sight& sight) {
  std::vector<int64_t> bounds{0};
  const double before = sight.pairs(static_cast<double>(past)), all = sight.pairs(static_cast<double>(past + tokens)) - before;
  for (int64_t i = 1; i < pieces; i++) {
    double share = all * static_cast<double>(i) / static_cast<double>(pieces);
    int64_t bound = static_cast<int64_t>(sight.position(before + share)) - past;
    if (bound > bounds.back() && bound < tokens) bounds.push_back(bound);
  }
  bounds.push_back(tokens);
  return bounds;
}

/// The same for keys: the last is seen by one query, as the first query sees one key; whole blocks.
std::vector<int64_t> keyBounds(int64_t tokens, int64_t pieces, const Sight& sight) {
  std::vector<int64_t> bounds{0};
  const double all = sight.pairs(static_cast<double>(tokens));
  for (int64_t i = 1; i < pieces; i++) {
    double left = all * static_cast<double>(pieces - i) / static_cast<double>(pieces);
    int64_t bound = static_cast<int64_t>(static_cast<double>(tokens) - sight.position(left)) / keysPerBlock * keysPerBlock;
    if (bound > bounds.back()) bounds.push_back(bound);
  }
  bounds.push_back(tokens);
  return bounds;
}

void cut(const AttentionPart& part, const AttentionRules& rules, int64_t pieces, std::vector<AttentionPart>& to) {
  std::vector<int64_t> bounds = queryBounds(part.tokens, part.past, pieces, Sight(rules));
  for (size_t i = 0; i + 1 < bounds.size(); i++) {
    to.push_back(part);
    to.back().from = bounds[i];
    to.back().to = bounds[i + 1];
  }
}

void cut(const AttentionGradPart& part, const AttentionRules& rules, int64_t pieces, std::vector<AttentionGradPart>& to) {
  if (pieces < 2) return to.push_back(part);
  const Sight sight(rules);
  std::vector<int64_t> queries = queryBounds(part.tokens, 0, pieces, sight), keys = keyBounds(part.tokens, pieces, sight);
  for (size_t i = 0; i + 1 < queries.size(); i++) {
    const int64_t keysFrom = firstBlockOf(rules, queries[i]) * keysPerBlock;
    to.push_back({part.firstRow, part.tokens, part.kvHead, queries[i], queries[i + 1], keysFrom, queries[i + 1], true, false});
  }
  for (size_t i = 0; i + 1 < keys.size(); i++)
    to.push_back({part.firstRow, part.tokens, part.kvHead, keys[i], part.tokens, keys[i], keys[i + 1], false, true});
}

template <class Part>
std::vector<double> workOf(const std::vector<Part>& parts, const AttentionRules& rules) {
  std::vector<double> work;
  for (const Part& part : parts) work.push_back(pairs(part, rules));
  return work;
}

template <class Part>
AttentionPlan<Part> plan(const std::vector<Part>& whole, const AttentionRules& rules, double scores) {
  std::vector<double> work = workOf(whole, rules);
  double all = std::accumulate(work.begin(), work.end(), 0.0);
  int count = all * scores < smallPass ? 1 : threads();
  Shares shares(work, count);
  double share = all / count;
  if (shares.largest <= tolerance * share) return {whole, shares, false};
  std::vector<Part> pieces;
  for (size_t i = 0; i < whole.size(); i++) cut(whole[i], rules, static_cast<int64_t>(std::ceil(work[i] / (share * piece))), pieces);
  Shares finer(workOf(pieces, rules), count);
  if (finer.largest >= shares.largest) return {whole, shares, false};
  return {pieces, finer, true};
}

}  // namespace

AttentionPlan<AttentionPart> planAttention(const std::vector<AttentionPart>& whole, const AttentionRules& rules, double scores) {
  return plan(whole, rules, scores);
}

AttentionPlan<AttentionGradPart> planAttentionGrad(const std::vector<AttentionGradPart>& whole, const AttentionRules& rules, double scores) {
  return plan(whole, rules, scores);
}

}  // namespace verlet
