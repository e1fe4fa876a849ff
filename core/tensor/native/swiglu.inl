// SwiGLU without its projections (Shazeer, arXiv:2002.05202, eq. 6): y = g sigmoid(g) u.
namespace VERLET_ISA {

static void swiglu(const float* gate, const float* up, float* out, int64_t count) {
  forShares(count, lanes, count, [&](int64_t from, int64_t to) {
    forVectors(from, to, [&](int64_t i, int n) {
      vec g = loadSome(gate + i, n);
      storeSome(out + i, mul(mul(g, sigmoid(g)), loadSome(up + i, n)), n);
    });
  });
}

/// dGate = dy u (sigmoid + silu (1 - sigmoid)), dUp = dy silu, silu = g sigmoid(g).
static void swigluGrad(const float* dy, const float* gate, const float* up, float* dGate, float* dUp, int64_t count) {
  const vec one = set1(1.0f);
  forShares(count, lanes, count, [&](int64_t from, int64_t to) {
    forVectors(from, to, [&](int64_t i, int n) {
      vec d = loadSome(dy + i, n), g = loadSome(gate + i, n), s = sigmoid(g);
      vec silu = mul(g, s);
      storeSome(dGate + i, mul(mul(d, loadSome(up + i, n)), fma(silu, sub(one, s), s)), n);
      storeSome(dUp + i, mul(d, silu), n);
    });
  });
}

}  // namespace VERLET_ISA
