// Rows of a table by index, and the gradient of that.
namespace VERLET_ISA {

static void gatherRows(const float* table, const int32_t* indices, float* out, int64_t count, int64_t columns) {
  forShares(count, 1, count * columns, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) copyRow(table + indices[i] * columns, out + i * columns, columns);
  });
}

static void scatterRows(const float* x, const int32_t* indices, float* sums, int64_t count, int64_t rows, int64_t columns) {
  forShares(rows * columns, lanes, rows * columns, [&](int64_t from, int64_t to) {
    fillRow(sums + from, 0.0f, to - from);
  });
  forShares(columns, lanes, count * columns, [&](int64_t from, int64_t to) {
    for (int64_t row = 0; row < count; row++) addRow(x + row * columns + from, sums + indices[row] * columns + from, to - from);
  });
}

}  // namespace VERLET_ISA
