// GeGLU without its projections (Shazeer, arXiv:2002.05202, eq. 6): y = gelu(g) u, with the tanh form of GELU (Hendrycks & Gimpel,
// arXiv:1606.08415, section 2): (1 + tanh z) / 2 = sigmoid(2 z), which loses no digits where the gate is negative.
namespace VERLET_ISA {

constexpr float geluSlope = 1.5957691216057308f;  // 2 sqrt(2 / pi)
constexpr float geluCubic = 0.044715f;

/// The share of a gate that passes, and its derivative to the gate.
struct GeluShare {
  vec value, slope;
};

/// Beyond 30 the share is 0 or 1 to the last bit: further gates count as 30 so that nothing overflows. A NaN stays.
static inline GeluShare geluShare(vec gate) {
  const vec one = set1(1.0f), far = set1(30.0f);
  const vec g = min(far, max(sub(zero(), far), gate)), square = mul(g, g);
  const vec share = sigmoid(mul(mul(g, fma(square, set1(geluCubic), one)), set1(geluSlope)));
  const vec steepness = mul(fma(square, set1(3 * geluCubic), one), set1(geluSlope));
  return {share, mul(mul(share, sub(one, share)), steepness)};
}

static void geglu(const float* gate, const float* up, float* out, int64_t count) {
  forShares(count, lanes, count, [&](int64_t from, int64_t to) {
    forVectors(from, to, [&](int64_t i, int n) {
      vec g = loadSome(gate + i, n);
      storeSome(out + i, mul(mul(g, geluShare(g).value), loadSome(up + i, n)), n);
    });
  });
}

/// dGate = dy u (share + g share'), dUp = dy g share.
static void gegluGrad(const float* dy, const float* gate, const float* up, float* dGate, float* dUp, int64_t count) {
  forShares(count, lanes, count, [&](int64_t from, int64_t to) {
    forVectors(from, to, [&](int64_t i, int n) {
      vec d = loadSome(dy + i, n), g = loadSome(gate + i, n);
      const GeluShare share = geluShare(g);
      storeSome(dGate + i, mul(mul(d, loadSome(up + i, n)), fma(g, share.slope, share.value)), n);
      storeSome(dUp + i, mul(d, mul(g, share.value)), n);
    });
  });
}

}  // namespace VERLET_ISA
