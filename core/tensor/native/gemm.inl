// Matrix product. Columns of B are packed into panels; tiles of C stay in registers while k runs. Blocks of k reload what the tile holds,
// so that blocking changes no bit.
namespace VERLET_ISA {

using verlet::Product;

constexpr int panelColumns = tileVectors * lanes;
/// Depth of a packed block: a tile's rows of A stay in the first cache.
constexpr int64_t innerBlock = 384;
/// Width of a packed block, a multiple of the panels': with the depth, what fits the second cache.
constexpr int64_t columnBlock = 384;
/// Rows of so many floats, or a multiple, fight for the same places in the first cache: they are read from a copy.
constexpr int64_t conflictingStride = 1024;
/// Floats from one copied row of A to the next.
constexpr int64_t copiedStride = innerBlock + 16;
/// How far ahead rows that lie apart are asked for.
constexpr int64_t prefetchRows = 16;
/// Multiply-adds below which waking other threads costs more than they save.
constexpr int64_t smallProduct = 100'000;

/**
 * What a packed entry holds: one value of k, or with bfloat16 two neighbours, whose products one instruction adds to a float32 sum. A pair
 * travels as the 32 bits of a float. Rounding to bfloat16 happens while packing; C and its sums stay float32.
 */
#ifdef VERLET_BFLOAT16
constexpr int depthStep = 2;
static inline vec combine(vec low, vec high) {
  __m512i a = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(low.v));
  __m512i b = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(high.v));
  return {_mm512_castsi512_ps(_mm512_or_si512(a, _mm512_slli_epi32(b, 16)))};
}
static inline vec multiplyAdd(vec a, vec b, vec sum) {
  return {_mm512_dpbf16_ps(sum.v, (__m512bh)_mm512_castps_si512(a.v), (__m512bh)_mm512_castps_si512(b.v))};
}
#else
constexpr int depthStep = 1;
static inline vec combine(vec low, vec) { return low; }
static inline vec multiplyAdd(vec a, vec b, vec sum) { return fma(a, b, sum); }
#endif

/// Packed entries for `inner` values of k.
static inline int64_t packedDepth(int64_t inner) { return divideUp(inner, depthStep); }

/// Where a tile reads and writes.
struct Tile {
  const float* a;
  int64_t aRow, aColumn;
  /// Panels [inner][panelColumns], one after the other at `panelStride`.
  const float* b;
  int64_t panelStride, inner;
  float* c;
  int64_t cRow;
  /// Columns of C that exist; the panels' others are zeros.
  int64_t columns;
  bool accumulate;
  /// Null unless this is the last block of k and there is a bias.
  const float* bias;
};

/// R rows times P panels.
template <int R, int P>
static inline void computeTile(const Tile& t) {
  constexpr int V = P * tileVectors;
  vec sums[R][V];
  const bool isWhole = t.columns == P * panelColumns;
  for (int i = 0; i < R; i++)
    for (int v = 0; v < V; v++) __builtin_prefetch(t.c + i * t.cRow + v * lanes, 1);
  for (int i = 0; i < R; i++)
    for (int v = 0; v < V; v++) {
      const float* c = t.c + i * t.cRow + v * lanes;
      int64_t left = t.columns - v * lanes;
      sums[i][v] = !t.accumulate          ? zero()
                   : isWhole || left >= lanes ? load(c)
                   : left > 0             ? loadPartial(c, (int)left)
                                          : zero();
    }
  const float* b = t.b;
  // A pointer for three rows each: addresses then are pointer, pointer + stride, pointer + 2 strides.
  const float* rows[(R + 2) / 3];
  for (int i = 0; i < (R + 2) / 3; i++) rows[i] = t.a + 3 * i * t.aRow;
  const int64_t aRow = t.aRow, aColumn = t.aColumn, panelStride = t.panelStride;
#pragma GCC unroll 4
  for (int64_t k = 0; k < t.inner; k++) {
    vec across[V];
    for (int p = 0; p < P; p++)
      for (int v = 0; v < tileVectors; v++) across[p * tileVectors + v] = load(b + p * panelStride + v * lanes);
    for (int i = 0; i < R; i++) {
      vec down = set1(rows[i / 3][(i % 3) * aRow]);
      for (int v = 0; v < V; v++) sums[i][v] = multiplyAdd(down, across[v], sums[i][v]);
    }
    for (int i = 0; i < (R + 2) / 3; i++) rows[i] += aColumn;
    b += panelColumns;
  }
  for (int i = 0; i < R; i++)
    for (int v = 0; v < V; v++) {
      float* c = t.c + i * t.cRow + v * lanes;
      int64_t left = t.columns - v * lanes;
      if (isWhole || left >= lanes) {
        store(c, t.bias ? add(sums[i][v], load(t.bias + v * lanes)) : sums[i][v]);
      } else if (left > 0) {
        vec sum = t.bias ? add(sums[i][v], loadPartial(t.bias + v * lanes, (int)left)) : sums[i][v];
        storePartial(c, sum, (int)left);
      }
    }
}

/// R rows times all panels of a block; few rows take several panels at once, so that enough sums are under way.
template <int R>
static void computeRows(Tile t, int64_t columns) {
  constexpr int P = tileRows / R;
  float* c = t.c;
  const float* b = t.b;
  const float* bias = t.bias;
  int64_t column = 0;
  auto advance = [&](int64_t width) {
    t.c = c + column;
    t.b = b + column / panelColumns * t.panelStride;
    t.bias = bias ? bias + column : nullptr;
    t.columns = least(width, columns - column);
  };
  for (; P > 1 && column + P * panelColumns <= columns; column += P * panelColumns) {
    advance(P * panelColumns);
    computeTile<R, P>(t);
  }
  for (; column < columns; column += panelColumns) {
    advance(panelColumns);
    computeTile<R, 1>(t);
  }
}

template <int R>
static inline void computeSomeRows(int rows, const Tile& t, int64_t columns) {
  if constexpr (R > 0) {
    if (rows == R) return computeRows<R>(t, columns);
    computeSomeRows<R - 1>(rows, t, columns);
  }
}

/// Sixteen columns of B over `inner` values of k into a panel; columns that do not exist become zeros.
static void packColumns(const float* b, int64_t bRow, int64_t bColumn, int64_t inner, int columns, float* to) {
  if (bRow == 1 && bColumn != 1) {
    vec block[lanes];
    for (int64_t k = 0; k < inner; k += lanes, to += lanes / depthStep * panelColumns) {
      int count = (int)least(lanes, inner - k);
      for (int j = 0; j < lanes; j++) {
        const float* from = b + j * bColumn + k;
        block[j] = j >= columns ? zero() : loadSome(from, count);
      }
      transpose(block);
      for (int i = 0; i < count; i += depthStep) store(to + i / depthStep * panelColumns, combine(block[i], block[i + depthStep - 1]));
    }
    return;
  }
  int64_t k = 0;
  if (bColumn == 1 && columns == lanes)
    for (; k + depthStep <= inner; k += depthStep, to += panelColumns) {
      __builtin_prefetch(b + (k + prefetchRows) * bRow);
      store(to, combine(load(b + k * bRow), load(b + (k + depthStep - 1) * bRow)));
    }
  auto row = [&](int64_t k) {
    if (k >= inner) return zero();
    const float* from = b + k * bRow;
    if (bColumn == 1) return loadPartial(from, columns);
    float gathered[lanes];
    for (int j = 0; j < columns; j++) gathered[j] = from[j * bColumn];
    return loadPartial(gathered, columns);
  };
  for (; k < inner; k += depthStep, to += panelColumns) store(to, combine(row(k), row(k + depthStep - 1)));
}

static void packB(const Product& p, int64_t k0, int64_t inner, int64_t c0, int64_t columns, float* to) {
  for (int64_t panel = 0; panel * panelColumns < columns; panel++)
    for (int v = 0; v < tileVectors; v++) {
      int64_t column = panel * panelColumns + v * lanes;
      int64_t left = columns - column;
      packColumns(p.b + k0 * p.bRow + (c0 + column) * p.bColumn, p.bRow, p.bColumn, inner,
                  left < 0 ? 0 : (int)least(lanes, left), to + panel * packedDepth(inner) * panelColumns + v * lanes);
    }
}

/// Rows of A that cannot be read where they lie, because neighbours in k lie apart or have to be rounded: [depth][tileRows].
static void packA(const float* a, int64_t aRow, int64_t aColumn, int rows, int64_t inner, float* to) {
  for (int64_t k = 0; k < inner; k += depthStep, to += tileRows) {
    auto column = [&](int64_t at) {
      if (at >= inner) return zero();
      if (aRow == 1) {
        __builtin_prefetch(a + (at + prefetchRows) * aColumn);
        __builtin_prefetch(a + (at + prefetchRows) * aColumn + lanes);
        return loadPartial(a + at * aColumn, rows);
      }
      float gathered[lanes];
      for (int i = 0; i < rows; i++) gathered[i] = a[i * aRow + at * aColumn];
      return loadPartial(gathered, rows);
    };
    storePartial(to, combine(column(k), column(k + depthStep - 1)), rows);
  }
}

/// Rows of A one after the other, `copiedStride` apart.
static void copyRowsOfA(const float* a, int64_t aRow, int rows, int64_t inner, float* to) {
  for (int i = 0; i < rows; i++) copyRow(a + i * aRow, to + i * copiedStride, inner);
}

/// The part of C in rows [r0, r1) and columns [c0, c1).
static void gemmPart(const Product& p, int64_t r0, int64_t r1, int64_t c0, int64_t c1) {
  float* packed = verlet::scratch(Slot::packedB, innerBlock * columnBlock);
  float* packedRows = verlet::scratch(Slot::packedA, copiedStride * tileRows);
  const bool isPacked = p.aColumn != 1 || depthStep != 1;
  const bool isCopied = !isPacked && p.aRow % conflictingStride == 0 && r1 - r0 >= tileRows;
  for (int64_t column = c0; column < c1; column += columnBlock) {
    int64_t columns = least(columnBlock, c1 - column);
    for (int64_t k = 0; k == 0 || k < p.inner; k += innerBlock) {
      int64_t inner = least(innerBlock, p.inner - k);
      packB(p, k, inner, column, columns, packed);
      for (int64_t row = r0; row < r1; row += tileRows) {
        int rows = (int)least(tileRows, r1 - row);
        const float* a = p.a + row * p.aRow + k * p.aColumn;
        int64_t depth = packedDepth(inner);
        Tile tile{a, p.aRow, 1, packed, depth * panelColumns, depth, p.c + row * p.cRow + column, p.cRow, columns,
                  p.accumulate || k > 0, k + inner == p.inner && p.bias ? p.bias + column : nullptr};
        if (isCopied) {
          copyRowsOfA(a, p.aRow, rows, inner, packedRows);
          tile.a = packedRows;
          tile.aRow = copiedStride;
        } else if (isPacked) {
          packA(a, p.aRow, p.aColumn, rows, inner, packedRows);
          tile.a = packedRows;
          tile.aRow = 1;
          tile.aColumn = tileRows;
        }
        computeSomeRows<tileRows>(rows, tile, columns);
      }
    }
  }
}

static void gemmHere(const Product& p) { gemmPart(p, 0, p.rows, 0, p.columns); }

/// What bringing in an element of B or of A costs, in multiply-adds: every thread packs its columns and reads its rows.
constexpr double packingCost = 8, readingCost = 6;

/// How many threads share the rows, the others sharing the columns: what leaves the largest share smallest.
static int shareRows(const Product& p, int threads) {
  int best = 1;
  double lowest = 1e300;
  for (int down = 1; down <= threads; down++) {
    int across = threads / down;
    double rows = (double)(divideUp(p.rows, tileRows) + down - 1) / down;
    double panels = (double)(divideUp(p.columns, panelColumns) + across - 1) / across;
    double wholeRows = (double)((int64_t)rows * tileRows), wholeColumns = (double)((int64_t)panels * panelColumns);
    double cost = wholeRows * wholeColumns + packingCost * wholeColumns + readingCost * wholeRows;
    if (cost < lowest) {
      lowest = cost;
      best = down;
    }
  }
  return best;
}

static void gemm(const Product& p) {
  if (p.rows == 0 || p.columns == 0) return;
  int threads = p.rows * p.columns * p.inner < smallProduct ? 1 : verlet::threads();
  if (threads == 1) return gemmHere(p);
  int down = shareRows(p, threads);
  int across = threads / down;
  verlet::parallel(down * across, [&](int task) {
    int i = task / across, j = task % across;
    gemmPart(p, boundary(p.rows, tileRows, i, down), boundary(p.rows, tileRows, i + 1, down),
             boundary(p.columns, panelColumns, j, across), boundary(p.columns, panelColumns, j + 1, across));
  });
}

}  // namespace VERLET_ISA
