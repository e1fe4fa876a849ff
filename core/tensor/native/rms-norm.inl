// RMSNorm (Zhang & Sennrich, arXiv:1910.07467, eq. 4): y = x s (o + w) with s = 1 / sqrt(mean(x²) + eps) and an offset o, a row at
// a time.
namespace VERLET_ISA {

using verlet::Norm;

/// Sixteen factors o + w. An offset of 0 leaves the weight's bits: -0 is what adds nothing to -0.
struct Factors {
  const float* weight;
  vec offset;
  explicit Factors(const Norm& norm) : weight(norm.weight), offset(set1(norm.offset == 0 ? -0.0f : norm.offset)) {}
  vec at(int64_t i, int n) const { return add(loadSome(weight + i, n), offset); }
};

static inline float inverseNorm(const float* x, int64_t columns, float eps) {
  float squares = sumVectors(columns, [&](int64_t i, int n, vec sum) {
    vec a = loadSome(x + i, n);
    return fma(a, a, sum);
  });
  return 1.0f / __builtin_sqrtf(squares / (float)columns + eps);
}

static void rmsNorm(const Norm& norm, float* out) {
  const int64_t rows = norm.rows, columns = norm.columns;
  const Factors factors(norm);
  forShares(rows, 1, rows * columns, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      const float* a = norm.x + row * columns;
      float* y = out + row * columns;
      const vec scale = set1(inverseNorm(a, columns, norm.eps));
      forVectors(0, columns, [&](int64_t i, int n) {
        storeSome(y + i, mul(mul(loadSome(a + i, n), scale), factors.at(i, n)), n);
      });
    }
  });
}

/// With n = x s and f = o + w: dx = (dy f - n mean(dy f n)) s, and sums += dy n.
static inline void rmsNormGradRow(const Norm& norm, const Factors& factors, const float* x, const float* dy, float* dx, float* sums) {
  const int64_t columns = norm.columns;
  float inverse = inverseNorm(x, columns, norm.eps);
  float product = sumVectors(columns, [&](int64_t i, int n, vec sum) {
    return fma(mul(loadSome(dy + i, n), factors.at(i, n)), loadSome(x + i, n), sum);
  });
  const vec scale = set1(inverse), projection = set1(-(product * inverse / (float)columns));
  forVectors(0, columns, [&](int64_t i, int n) {
    vec g = loadSome(dy + i, n);
    vec normed = mul(loadSome(x + i, n), scale);
    storeSome(dx + i, mul(fma(normed, projection, mul(g, factors.at(i, n))), scale), n);
    storeSome(sums + i, fma(g, normed, loadSome(sums + i, n)), n);
  });
}

static void rmsNormGrad(const Norm& norm, const float* dy, float* dx, float* dWeight) {
  const int64_t columns = norm.columns;
  const Factors factors(norm);
  sumOverRows(dWeight, norm.rows, columns, [&](int64_t from, int64_t to, float* sums) {
    for (int64_t at = from * columns; at < to * columns; at += columns)
      rmsNormGradRow(norm, factors, norm.x + at, dy + at, dx + at, sums);
  });
}

}  // namespace VERLET_ISA
