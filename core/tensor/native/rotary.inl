// Rotary position embedding (Su et al., arXiv:2104.09864, section 3.2.2); dimension i is paired with i + D/2.
namespace VERLET_ISA {

using verlet::Rotation;

/// All heads of one row: the angles are read once.
static inline void rotateRow(const Rotation& r, int64_t row) {
  const int64_t half = r.dim / 2;
  const float* cos = r.cos + r.positions[row] * half;
  const float* sin = r.sin + r.positions[row] * half;
  const float* x = r.x + row * r.heads * r.dim;
  float* out = r.out + row * r.heads * r.dim;
  const vec forward = set1(r.inverse ? -1.0f : 1.0f), back = set1(r.inverse ? 1.0f : -1.0f);
  forVectors(0, half, [&](int64_t i, int n) {
    vec c = loadSome(cos + i, n), s = loadSome(sin + i, n);
    vec plus = mul(s, forward), minus = mul(s, back);
    for (int64_t at = i; at < r.heads * r.dim; at += r.dim) {
      vec first = loadSome(x + at, n), second = loadSome(x + at + half, n);
      storeSome(out + at, fma(second, minus, mul(first, c)), n);
      storeSome(out + at + half, fma(first, plus, mul(second, c)), n);
    }
  });
}

static void rotary(const Rotation& r) {
  forShares(r.rows, 1, r.rows * r.heads * r.dim, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) rotateRow(r, row);
  });
}

}  // namespace VERLET_ISA
