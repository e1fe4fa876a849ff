// AdamW (Loshchilov & Hutter, arXiv:1711.05101, algorithm 2) in one pass over its four arrays.
namespace VERLET_ISA {

using verlet::AdamWStep;

static void adamW(const AdamWStep& s) {
  const vec scale = set1((float)s.gradientScale), eps = set1((float)s.eps);
  const vec beta1 = set1((float)s.beta1), rest1 = set1((float)(1.0 - s.beta1));
  const vec beta2 = set1((float)s.beta2), rest2 = set1((float)(1.0 - s.beta2));
  const vec secondScale = set1((float)s.secondScale), kept = set1((float)(1.0 - s.lr * s.weightDecay));
  const vec size = set1((float)(-s.lr * s.firstScale));
  forShares(s.count, lanes, s.count, [&](int64_t from, int64_t to) {
    forVectors(from, to, [&](int64_t i, int n) {
      vec g = mul(loadSome(s.gradient + i, n), scale);
      vec first = fma(beta1, loadSome(s.first + i, n), mul(rest1, g));
      vec second = fma(beta2, loadSome(s.second + i, n), mul(mul(rest2, g), g));
      vec direction = div(first, add(sqrt(mul(second, secondScale)), eps));
      storeSome(s.first + i, first, n);
      storeSome(s.second + i, second, n);
      storeSome(s.variable + i, fma(size, direction, mul(kept, loadSome(s.variable + i, n))), n);
    });
  });
}

}  // namespace VERLET_ISA
