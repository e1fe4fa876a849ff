// RMSNorm (Zhang & Sennrich, arXiv:1910.07467, eq. 4): y = x s w with s = 1 / sqrt(mean(x²) + eps), a row at a time.
namespace VERLET_ISA {

static inline float inverseNorm(const float* x, int64_t columns, float eps) {
  float squares = sumVectors(columns, [&](int64_t i, int n, vec sum) {
    vec a = loadSome(x + i, n);
    return fma(a, a, sum);
  });
  return 1.0f / __builtin_sqrtf(squares / (float)columns + eps);
}

static void rmsNorm(const float* x, const float* weight, float* out, int64_t rows, int64_t columns, float eps) {
  forShares(rows, 1, rows * columns, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      const float* a = x + row * columns;
      float* y = out + row * columns;
      const vec scale = set1(inverseNorm(a, columns, eps));
      forVectors(0, columns, [&](int64_t i, int n) {
        storeSome(y + i, mul(mul(loadSome(a + i, n), scale), loadSome(weight + i, n)), n);
      });
    }
  });
}

/// With n = x s: dx = (dy w - n mean(dy w n)) s, and sums += dy n.
static inline void rmsNormGradRow(const float* dy, const float* x, const float* weight, float* dx, float* sums,
                                  int64_t columns, float eps) {
  float inverse = inverseNorm(x, columns, eps);
  float product = sumVectors(columns, [&](int64_t i, int n, vec sum) {
    return fma(mul(loadSome(dy + i, n), loadSome(weight + i, n)), loadSome(x + i, n), sum);
  });
  const vec scale = set1(inverse), projection = set1(-(product * inverse / (float)columns));
  forVectors(0, columns, [&](int64_t i, int n) {
    vec g = loadSome(dy + i, n);
    vec normed = mul(loadSome(x + i, n), scale);
    storeSome(dx + i, mul(fma(normed, projection, mul(g, loadSome(weight + i, n))), scale), n);
    storeSome(sums + i, fma(g, normed, loadSome(sums + i, n)), n);
  });
}

static void rmsNormGrad(const float* dy, const float* x, const float* weight, float* dx, float* dWeight, int64_t rows,
                        int64_t columns, float eps) {
  sumOverRows(dWeight, rows, columns, [&](int64_t from, int64_t to, float* sums) {
    for (int64_t at = from * columns; at < to * columns; at += columns)
      rmsNormGradRow(dy + at, x + at, weight, dx + at, sums, columns, eps);
  });
}

}  // namespace VERLET_ISA
