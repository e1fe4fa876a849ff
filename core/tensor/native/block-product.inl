// Products of small matrices that lie in cache, B not packed. Each element is one chain of fused multiply-adds over ascending k, so that
// tiles change no bit.
namespace VERLET_ISA {

/// C = A B, or C += A B: element (i, k) of A lies at a[i * aRow + k * aColumn]; B and C have rows of `bRow` and `cRow` floats.
struct Block {
  const float* a;
  int64_t aRow, aColumn;
  const float* b;
  int64_t bRow;
  float* c;
  int64_t cRow;
  int64_t rows, columns, inner;
  bool accumulate;
};

/// Vectors across a tile of R rows: what keeps the sums in registers, and enough of them under way.
template <int R>
static constexpr int vectorsAcross() {
  constexpr int room = tileRows * tileVectors / R;
  return room >= 4 ? 4 : room >= 2 ? 2 : 1;
}

/// R rows times V vectors, of which the last has `last` lanes.
template <int R, int V, bool isWhole>
static inline void multiplyTile(const Block& p, const float* a, const float* b, float* c, int last) {
  auto loadLanes = [&](const float* from) { return isWhole ? load(from) : loadPartial(from, last); };
  vec sums[R][V];
  for (int i = 0; i < R; i++)
    for (int v = 0; v < V; v++) sums[i][v] = p.accumulate ? loadLanes(c + i * p.cRow + v * lanes) : zero();
  // A pointer for three rows each: addresses then are pointer, pointer + stride, pointer + 2 strides.
  const float* rows[(R + 2) / 3];
  for (int i = 0; i < (R + 2) / 3; i++) rows[i] = a + 3 * i * p.aRow;
  const int64_t aRow = p.aRow, aColumn = p.aColumn, bRow = p.bRow;
#pragma GCC unroll 4
  for (int64_t k = p.inner; k > 0; k--) {
    vec across[V];
    for (int v = 0; v < V; v++) across[v] = loadLanes(b + v * lanes);
    for (int i = 0; i < R; i++) {
      vec down = set1(rows[i / 3][(i % 3) * aRow]);
      for (int v = 0; v < V; v++) sums[i][v] = fma(down, across[v], sums[i][v]);
    }
    for (int i = 0; i < (R + 2) / 3; i++) rows[i] += aColumn;
    b += bRow;
  }
  for (int i = 0; i < R; i++)
    for (int v = 0; v < V; v++) {
      if (isWhole) store(c + i * p.cRow + v * lanes, sums[i][v]);
      else storePartial(c + i * p.cRow + v * lanes, sums[i][v], last);
    }
}

/// As many tiles of V vectors as fit; the rest goes to narrower ones.
template <int R, int V>
static inline void multiplyAcross(const Block& p, const float* a, float* c, int64_t column) {
  for (; column + V * lanes <= p.columns; column += V * lanes)
    multiplyTile<R, V, true>(p, a, p.b + column, c + column, lanes);
  if constexpr (V > 1) {
    multiplyAcross<R, V / 2>(p, a, c, column);
  } else if (column < p.columns) {
    multiplyTile<R, 1, false>(p, a, p.b + column, c + column, (int)(p.columns - column));
  }
}

template <int R>
static void multiplyRows(const Block& p, const float* a, float* c) {
  multiplyAcross<R, vectorsAcross<R>()>(p, a, c, 0);
}

template <int R>
static inline void multiplySomeRows(int rows, const Block& p, const float* a, float* c) {
  if constexpr (R > 0) {
    if (rows == R) return multiplyRows<R>(p, a, c);
    multiplySomeRows<R - 1>(rows, p, a, c);
  }
}

static void multiply(const Block& p) {
  for (int64_t row = 0; row < p.rows; row += tileRows)
    multiplySomeRows<tileRows>((int)least(tileRows, p.rows - row), p, p.a + row * p.aRow, p.c + row * p.cRow);
}

}  // namespace VERLET_ISA
