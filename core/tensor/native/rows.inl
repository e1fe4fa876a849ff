// Rows of a table by index, and the gradient of that.
namespace VERLET_ISA {

static inline void copyRow(const float* from, float* to, int64_t columns) {
  forVectors(0, columns, [&](int64_t i, int n) { storeSome(to + i, loadSome(from + i, n), n); });
}

static void gatherRows(const float* table, const int32_t* indices, float* out, int64_t count, int64_t columns) {
  forShares(count, 1, count * columns, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) copyRow(table + indices[i] * columns, out + i * columns, columns);
  });
}

static void scatterRows(const float* x, const int32_t* indices, float* sums, int64_t count, int64_t rows, int64_t columns) {
  forShares(rows * columns, lanes, rows * columns, [&](int64_t from, int64_t to) {
    forVectors(from, to, [&](int64_t i, int n) { storeSome(sums + i, zero(), n); });
  });
  forShares(columns, lanes, count * columns, [&](int64_t from, int64_t to) {
    for (int64_t row = 0; row < count; row++) {
      const float* a = x + row * columns;
      float* sum = sums + indices[row] * columns;
      forVectors(from, to, [&](int64_t i, int n) { storeSome(sum + i, add(loadSome(sum + i, n), loadSome(a + i, n)), n); });
    }
  });
}

}  // namespace VERLET_ISA
