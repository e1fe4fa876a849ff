#include "attention-plan.h"
#include "exports.h"
#include "kernels.h"

namespace verlet {
namespace {

/// Rows at which sequences begin, [S + 1] ascending from 0 to `rows`.
const int32_t* offsetsOf(Args& args, size_t index, int64_t sequences, int64_t rows) {
  const int32_t* offsets = args.ints(index, sequences + 1);
  bool isAscending = offsets[0] == 0 && offsets[sequences] == rows;
  for (int64_t s = 0; s < sequences; s++) isAscending = isAscending && offsets[s] <= offsets[s + 1];
  if (!isAscending) throw std::invalid_argument("offsets must ascend from 0 to " + std::to_string(rows));
  return offsets;
}

/// heads, kvHeads and headDim, three arguments from `index` on.
struct Heads {
  int64_t heads, kvHeads, headDim;
  Heads(Args& args, size_t index) : heads(args.size(index)), kvHeads(args.size(index + 1)), headDim(args.size(index + 2)) {
    if (heads < 1 || kvHeads < 1 || headDim < 1 || heads % kvHeads != 0)
      throw std::invalid_argument(std::to_string(heads) + " heads do not share " + std::to_string(kvHeads));
  }
  double scores() const { return static_cast<double>(2 * heads / kvHeads * headDim); }
};

/// scale, softcap and window, three arguments from `index` on.
AttentionRules rulesOf(Args& args, size_t index) {
  AttentionRules rules{args.number(index), args.number(index + 1), args.size(index + 2)};
  if (!(rules.scale > 0 && rules.softcap >= 0)) throw std::invalid_argument("a scale is above 0 and a softcap at least 0");
  return rules;
}

/// attention(q, k, v, out, logSumExp, offsets, rows, sequences, heads, kvHeads, headDim, scale, softcap, window)
void attention(Args& args) {
  int64_t rows = args.size(6), sequences = args.size(7);
  Heads h(args, 8);
  const int32_t* offsets = offsetsOf(args, 5, sequences, rows);
  size_t queries = rows * h.heads * h.headDim, keys = rows * h.kvHeads * h.headDim;
  Attention call{args.floats(0, queries), args.floats(1, keys),         args.floats(2, keys), args.floats(3, queries),
                 args.floats(4, rows * h.heads), h.heads, h.kvHeads, h.headDim, rulesOf(args, 11)};
  std::vector<AttentionPart> whole;
  for (int64_t s = 0; s < sequences; s++)
    for (int64_t kvHead = 0; kvHead < h.kvHeads; kvHead++) {
      int64_t tokens = offsets[s + 1] - offsets[s];
      if (tokens > 0) whole.push_back({offsets[s], tokens, 0, kvHead, 0, tokens, nullptr});
    }
  auto plan = planAttention(whole, call.rules, h.scores());
  runShares(plan.shares, [&](size_t i) { kernels().attention(call, plan.parts[i]); });
}

/// attentionGrad(dOut, q, k, v, out, logSumExp, dq, dk, dv, offsets, rows, sequences, heads, kvHeads, headDim, scale, softcap, window)
void attentionGrad(Args& args) {
  int64_t rows = args.size(10), sequences = args.size(11);
  Heads h(args, 12);
  const int32_t* offsets = offsetsOf(args, 9, sequences, rows);
  size_t queries = rows * h.heads * h.headDim, keys = rows * h.kvHeads * h.headDim;
  AttentionGrad call{args.floats(0, queries), args.floats(1, queries), args.floats(2, keys),          args.floats(3, keys),
                     args.floats(4, queries), args.floats(5, rows * h.heads), args.floats(6, queries), args.floats(7, keys),
                     args.floats(8, keys),    h.heads,                 h.kvHeads,                      h.headDim,
                     rulesOf(args, 15)};
  std::vector<AttentionGradPart> whole;
  for (int64_t s = 0; s < sequences; s++)
    for (int64_t kvHead = 0; kvHead < h.kvHeads; kvHead++) {
      int64_t tokens = offsets[s + 1] - offsets[s];
      if (tokens > 0) whole.push_back({offsets[s], tokens, kvHead, 0, tokens, 0, tokens, true, true});
    }
  auto plan = planAttentionGrad(whole, call.rules, h.scores() / 2);
  runShares(plan.shares, [&](size_t i) { kernels().attentionGrad(call, plan.parts[i]); });
}

std::vector<float*> slabsOf(Args& args, size_t index, size_t length) {
  std::vector<float*> slabs;
  for (uint32_t i = 0; i < args.length(index); i++) slabs.push_back(args.floatsOf(index, i, length));
  return slabs;
}

/// New tokens of a pass over cached sequences, and where their pages are.
struct CachedPass {
  int64_t sequences;
  const int32_t *offsets, *lengths, *blocks, *blockOffsets;
  int64_t blockCount, pageCount;
};

/// Page numbers of sequence s, checked to hold `positions`.
const int32_t* pagesOf(const CachedPass& pass, int64_t s, int64_t positions) {
  const int64_t begin = pass.blockOffsets[s], end = pass.blockOffsets[s + 1], needed = (positions + keysPerBlock - 1) / keysPerBlock;
  if (begin < 0 || end > pass.blockCount || end - begin < needed)
    throw std::invalid_argument("sequence " + std::to_string(s) + " needs " + std::to_string(needed) + " pages");
  for (int64_t i = begin; i < begin + needed; i++)
    if (pass.blocks[i] < 0 || pass.blocks[i] >= pass.pageCount)
      throw std::invalid_argument("there is no page " + std::to_string(pass.blocks[i]));
  return pass.blocks + begin;
}

std::vector<AttentionPart> partsOf(const CachedPass& pass, int64_t kvHeads) {
  std::vector<AttentionPart> parts;
  for (int64_t s = 0; s < pass.sequences; s++) {
    const int64_t past = pass.lengths[s], tokens = pass.offsets[s + 1] - pass.offsets[s];
    if (past < 0) throw std::invalid_argument("lengths must not be negative");
    const int32_t* pages = pagesOf(pass, s, past + tokens);
    for (int64_t kvHead = 0; kvHead < kvHeads && tokens > 0; kvHead++)
      parts.push_back({pass.offsets[s], tokens, past, kvHead, 0, tokens, pages});
  }
  return parts;
}

/**
 * cachedAttention(q, k, v, out, keySlabs, valueSlabs, pagesPerSlab, lengths, offsets, blocks, blockOffsets, rows, sequences, blockCount,
 * heads, kvHeads, headDim, scale, softcap, window)
 */
void cachedAttention(Args& args) {
  int64_t pagesPerSlab = args.size(6), rows = args.size(11), sequences = args.size(12), blockCount = args.size(13);
  Heads h(args, 14);
  size_t queries = rows * h.heads * h.headDim, keys = rows * h.kvHeads * h.headDim;
  size_t slab = pagesPerSlab * h.kvHeads * keysPerBlock * h.headDim;
  std::vector<float*> keySlabs = slabsOf(args, 4, slab), valueSlabs = slabsOf(args, 5, slab);
  Attention call{args.floats(0, queries), args.floats(1, keys), args.floats(2, keys), args.floats(3, queries), nullptr,
                 h.heads, h.kvHeads, h.headDim, rulesOf(args, 17)};
  Pages pages{keySlabs.data(), valueSlabs.data(), pagesPerSlab};
  CachedPass pass{sequences, offsetsOf(args, 8, sequences, rows), args.ints(7, sequences), args.ints(9, blockCount),
                  args.ints(10, sequences + 1), blockCount,
                  static_cast<int64_t>(std::min(keySlabs.size(), valueSlabs.size())) * pagesPerSlab};
  std::vector<AttentionPart> whole = partsOf(pass, h.kvHeads);
  auto plan = planAttention(whole, call.rules, h.scores());
  // A part that is cut needs the new keys of all its pieces first.
  if (plan.isCut) parallel(static_cast<int>(whole.size()), [&](int i) { kernels().appendToPages(call, pages, whole[i]); });
  runShares(plan.shares, [&](size_t i) {
    if (!plan.isCut) kernels().appendToPages(call, pages, plan.parts[i]);
    kernels().cachedAttention(call, pages, plan.parts[i]);
  });
}

}  // namespace

void bindAttention(Exports& exports) {
  exports.add("attention", attention);
  exports.add("attentionGrad", attentionGrad);
  exports.add("cachedAttention", cachedAttention);
}

}  // namespace verlet
