// Gradients of the head: logits are computed again, a block of the vocabulary at a time, and turned into their gradients in the cache.
namespace VERLET_ISA {

using verlet::HeadGradients;

/// Gradients of logits that exist at once, [rows, tokens]; at most headRowBlock rows.
constexpr int64_t gradientFloats = headRowBlock * vocabularyChunk;

/// Turns a row's logits into ((onehot - p) dLogProb - p (log p + H) dEntropy) / temperature, times 1 - (logit / softcap)² where capped.
template <bool isCapped>
static void logitGradients(const HeadGradients& p, int64_t row, Range tokens, float* logits) {
  const float scaleBy = 1.0f / p.temperature, dLogProb = p.dLogProbs[row] * scaleBy;
  const vec scale = set1(scaleBy), logSumExp = set1(p.logSumExp[row]), entropy = set1(p.entropy[row]);
  const vec towardsTarget = set1(-dLogProb), towardsSpread = set1(-(p.dEntropy[row] * scaleBy));
  const float inverse = isCapped ? 1.0f / p.head.softcap : 0.0f;
  const vec one = set1(1.0f), minusInverse = set1(-inverse), inverses = set1(inverse);
  const int64_t count = tokens.end - tokens.begin, target = p.targets[row] - tokens.begin;
  const bool hasTarget = target >= 0 && target < count;
  const float share = isCapped && hasTarget ? logits[target] * inverse : 0.0f, targetSlope = __builtin_fmaf(-share, share, 1.0f);
  auto gradient = [&](vec logit) {
    const vec logProb = sub(mul(logit, scale), logSumExp);
    const vec result = mul(exp(logProb), fma(towardsSpread, add(logProb, entropy), towardsTarget));
    if constexpr (!isCapped) return result;
    return mul(result, fma(mul(logit, minusInverse), mul(logit, inverses), one));
  };
  int64_t i = 0;
#pragma GCC unroll 4
  for (; i + lanes <= count; i += lanes) store(logits + i, gradient(load(logits + i)));
  if (i < count) storePartial(logits + i, gradient(loadPartial(logits + i, (int)(count - i))), (int)(count - i));
  if (hasTarget) logits[target] += dLogProb * targetSlope;
}

/// The gradients of the logits of rows and tokens, `stride` floats a row. Threads share the tokens.
static void gradientsOfLogits(const HeadGradients& p, Range rows, Range tokens, float* to, int64_t stride) {
  const int64_t count = tokens.end - tokens.begin, work = (rows.end - rows.begin) * count * p.head.width;
  const int threads = work < smallProduct ? 1 : verlet::threads();
  verlet::parallel(threads, [&](int part) {
    const int64_t end = boundary(count, panelColumns, part + 1, threads);
    for (int64_t begin = boundary(count, panelColumns, part, threads); begin < end; begin += vocabularyChunk) {
      const Range own{tokens.begin + begin, tokens.begin + least(end, begin + vocabularyChunk)};
      computeLogits(p.head, rows, own, {to + begin, stride, false}, [&](Range group, float* logits) {
        for (int64_t row = group.begin; row < group.end; row++, logits += stride) {
          if (p.head.softcap > 0) logitGradients<true>(p, row, own, logits);
          else logitGradients<false>(p, row, own, logits);
        }
      });
    }
  });
}

/// One chain of sums for each element of dx over ascending tokens, of dWeight over ascending rows, whatever the blocks. A null dWeight
/// leaves dx its bits.
static void linearLogProbsGrad(const HeadGradients& p) {
  const Head& head = p.head;
  const int64_t width = head.width, rowBlock = least(headRowBlock, head.rows);
  if (head.rows == 0) {
    if (p.dWeight) __builtin_memset(p.dWeight, 0, sizeof(float) * head.vocabulary * width);
    return;
  }
  const int64_t tokenBlock = least(head.vocabulary, gradientFloats / rowBlock), stride = roundUp(tokenBlock, lanes) + lanes;
  float* gradients = verlet::scratch(Slot::headLogits, rowBlock * stride);
  for (int64_t row = 0; row < head.rows; row += rowBlock) {
    const Range rows{row, least(head.rows, row + rowBlock)};
    const int64_t rowCount = rows.end - row;
    for (int64_t token = 0; token < head.vocabulary; token += tokenBlock) {
      const Range tokens{token, least(head.vocabulary, token + tokenBlock)};
      const int64_t tokenCount = tokens.end - token;
      gradientsOfLogits(p, rows, tokens, gradients, stride);
      const float *x = head.x + row * width, *weight = head.weight + token * width;
      gemm({gradients, weight, p.dx + row * width, rowCount, width, tokenCount, stride, 1, width, 1, width, token > 0, nullptr});
      if (!p.dWeight) continue;
      gemm({gradients, x, p.dWeight + token * width, tokenCount, width, rowCount, 1, stride, width, 1, width, row > 0, nullptr});
    }
  }
}

}  // namespace VERLET_ISA
