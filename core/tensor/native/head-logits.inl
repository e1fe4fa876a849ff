// Logits of the language-model head, a piece of the vocabulary at a time, handed on while they are in the cache.
namespace VERLET_ISA {

using verlet::Head;

/// Tokens whose exponentials are summed together. Part of what log-probs are, to the bit: never to be changed for speed.
constexpr int64_t vocabularyChunk = 1024;
/// Rows whose logits of a chunk stay in the second cache; a multiple of every tile's rows.
constexpr int64_t rowGroup = 96;

struct Range {
  int64_t begin, end;
};

/// Where logits [rows, columns] go: rows `stride` floats apart, each group of rows behind the last one or in its place.
struct LogitsPlace {
  float* data;
  int64_t stride;
  bool isReused;
};

/// A group of rows times a packed block of the weight, over the values `inner` of k.
static void multiplyGroup(const Head& head, Range rows, Range inner, const Tile& first) {
  Tile tile = first;
  float* packedRows = depthStep == 1 ? nullptr : verlet::scratch(Slot::packedA, innerBlock * tileRows);
  for (int64_t row = rows.begin; row < rows.end; row += tileRows) {
    const int count = (int)least(tileRows, rows.end - row);
    tile.a = head.x + row * head.width + inner.begin;
    tile.c = first.c + (row - rows.begin) * first.cRow;
    if (packedRows) {
      packA(tile.a, head.width, 1, count, inner.end - inner.begin, packedRows);
      tile.a = packedRows;
      tile.aRow = 1;
      tile.aColumn = tileRows;
    }
    computeSomeRows<tileRows>(count, tile, first.columns);
  }
}

/// Turns logits x into softcap tanh(x / softcap).
static void capLogits(float* logits, int64_t count, float softcap) {
  const vec cap = set1(softcap), inverse = set1(1.0f / softcap);
  forVectors(0, count, [&](int64_t i, int n) { storeSome(logits + i, mul(cap, tanh(mul(loadSome(logits + i, n), inverse))), n); });
}

/**
 * Computes the logits of rows and tokens (at most vocabularyChunk of these, which are packed once) on the calling thread, with the sums of
 * `gemm`, caps them, and calls use(rows, logits) for each group of rows.
 */
template <class Use>
static void computeLogits(const Head& head, Range rows, Range tokens, const LogitsPlace& place, Use use) {
  const int64_t width = tokens.end - tokens.begin;
  const Product product{head.x, head.weight, nullptr,    head.rows, head.vocabulary, head.width, head.width,
                        1,      1,           head.width, 0,         false,           nullptr};
  float* packed = verlet::scratch(Slot::packedWeight, head.width * roundUp(width, panelColumns));
  for (int64_t row = rows.begin; row < rows.end; row += rowGroup) {
    const Range group{row, least(row + rowGroup, rows.end)};
    float* logits = place.data + (place.isReused ? 0 : (row - rows.begin) * place.stride);
    for (int64_t column = 0; column < width; column += columnBlock) {
      const int64_t columns = least(columnBlock, width - column);
      for (int64_t k = 0; k == 0 || k < head.width; k += innerBlock) {
        const int64_t inner = least(innerBlock, head.width - k), depth = packedDepth(inner);
        float* panels = packed + column * head.width + k * roundUp(columns, panelColumns);
        if (row == rows.begin) packB(product, k, inner, tokens.begin + column, columns, panels);
        multiplyGroup(head, group, {k, k + inner},
                      {nullptr, head.width, 1, panels, depth * panelColumns, depth, logits + column, place.stride, columns, k > 0, nullptr});
      }
    }
    if (head.softcap > 0)
      for (int64_t i = 0; i < group.end - group.begin; i++) capLogits(logits + i * place.stride, width, head.softcap);
    use(group, logits);
  }
}

/// Sixteen logits times `scale`; lanes from `count` on count for nothing in a softmax.
static inline vec loadScaled(const float* logits, int64_t count, vec scale) {
  if (count >= lanes) return mul(load(logits), scale);
  return firstOf(mul(loadPartial(logits, (int)count), scale), count, -3.4e38f);
}

}  // namespace VERLET_ISA
