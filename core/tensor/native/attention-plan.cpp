#include "attention-plan.h"

#include <algorithm>
#include <cmath>

namespace verlet {
namespace {

/// Multiply-adds below which waking other threads costs more than they save.
constexpr double smallPass = 200'000;
/// Parts are cut when the busiest thread would have so much more than its share ...
constexpr double tolerance = 1.1;
/// ... and then into pieces of at most this part of a share.
constexpr double piece = 0.25;

/// Pairs of queries up to token `to` and the keys they see. Every query counts for some keys more: it is fetched, rescaled and stored.
double pairs(const AttentionPart& part, int64_t to) {
  double tokens = static_cast<double>(to), past = static_cast<double>(part.past);
  return tokens * (past + 32) + tokens * tokens / 2;
}

double pairs(const AttentionPart& part) { return pairs(part, part.to) - pairs(part, part.from); }

/// Products of a part, five when its queries and keys are both wanted, three or four for one of them.
double pairs(const AttentionGradPart& part) {
  double products = part.wantsQueries && part.wantsKeyValues ? 5 : part.wantsQueries ? 3 : 4;
  double sum = 0;
  for (int64_t key = part.keysFrom; key < std::min(part.keysTo, part.to); key += keysPerBlock)
    sum += static_cast<double>(part.to - std::max(part.from, key)) * keysPerBlock;
  return products * (sum + 32.0 * static_cast<double>(part.to - part.from));
}

/// Bounds of `pieces` ranges of [0, tokens) of about the same work when token t has t more keys than `past`.
std::vector<int64_t> queryBounds(int64_t tokens, double past, int64_t pieces) {
  std::vector<int64_t> bounds{0};
  double all = past * static_cast<double>(tokens) + static_cast<double>(tokens) * static_cast<double>(tokens) / 2;
  for (int64_t i = 1; i < pieces; i++) {
    double share = all * static_cast<double>(i) / static_cast<double>(pieces);
    int64_t bound = static_cast<int64_t>(std::sqrt(past * past + 2 * share) - past);
    if (bound > bounds.back() && bound < tokens) bounds.push_back(bound);
  }
  bounds.push_back(tokens);
  return bounds;
}

/// The same for keys: key t is seen by tokens - t queries; whole blocks.
std::vector<int64_t> keyBounds(int64_t tokens, int64_t pieces) {
  std::vector<int64_t> bounds{0};
  for (int64_t i = 1; i < pieces; i++) {
    double left = std::sqrt(1 - static_cast<double>(i) / static_cast<double>(pieces));
    int64_t bound = static_cast<int64_t>(static_cast<double>(tokens) * (1 - left)) / keysPerBlock * keysPerBlock;
    if (bound > bounds.back()) bounds.push_back(bound);
  }
  bounds.push_back(tokens);
  return bounds;
}

void cut(const AttentionPart& part, int64_t pieces, std::vector<AttentionPart>& to) {
  std::vector<int64_t> bounds = queryBounds(part.tokens, static_cast<double>(part.past), pieces);
  for (size_t i = 0; i + 1 < bounds.size(); i++) {
    to.push_back(part);
    to.back().from = bounds[i];
    to.back().to = bounds[i + 1];
  }
}

void cut(const AttentionGradPart& part, int64_t pieces, std::vector<AttentionGradPart>& to) {
  if (pieces < 2) return to.push_back(part);
  std::vector<int64_t> queries = queryBounds(part.tokens, 0, pieces), keys = keyBounds(part.tokens, pieces);
  for (size_t i = 0; i + 1 < queries.size(); i++)
    to.push_back({part.firstRow, part.tokens, part.kvHead, queries[i], queries[i + 1], 0, queries[i + 1], true, false});
  for (size_t i = 0; i + 1 < keys.size(); i++)
    to.push_back({part.firstRow, part.tokens, part.kvHead, keys[i], part.tokens, keys[i], keys[i + 1], false, true});
}

template <class Part>
std::vector<double> workOf(const std::vector<Part>& parts) {
  std::vector<double> work;
  for (const Part& part : parts) work.push_back(pairs(part));
  return work;
}

template <class Part>
AttentionPlan<Part> plan(const std::vector<Part>& whole, double scores) {
  std::vector<double> work = workOf(whole);
  double all = std::accumulate(work.begin(), work.end(), 0.0);
  int count = all * scores < smallPass ? 1 : threads();
  Shares shares(work, count);
  double share = all / count;
  if (shares.largest <= tolerance * share) return {whole, shares, false};
  std::vector<Part> pieces;
  for (size_t i = 0; i < whole.size(); i++) cut(whole[i], static_cast<int64_t>(std::ceil(work[i] / (share * piece))), pieces);
  Shares finer(workOf(pieces), count);
  if (finer.largest >= shares.largest) return {whole, shares, false};
  return {pieces, finer, true};
}

}  // namespace

AttentionPlan<AttentionPart> planAttention(const std::vector<AttentionPart>& whole, double scores) { return plan(whole, scores); }

AttentionPlan<AttentionGradPart> planAttentionGrad(const std::vector<AttentionGradPart>& whole, double scores) {
  return plan(whole, scores);
}

}  // namespace verlet
