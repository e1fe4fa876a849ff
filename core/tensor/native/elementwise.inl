// Functions of one and of two numbers, element by element.
namespace VERLET_ISA {

using verlet::Binary;
using verlet::Broadcast;
using verlet::Unary;

/// The larger; NaN when either is.
static inline vec maxOrNan(vec a, vec b) { return whereNan(a, a, max(a, b)); }
static inline vec minOrNan(vec a, vec b) { return whereNan(a, a, min(a, b)); }

template <class Op>
static void mapEach(const float* x, float* out, int64_t count, const Op& op) {
  forShares(count, lanes, count, [&](int64_t from, int64_t to) {
    forVectors(from, to, [&](int64_t i, int n) { storeSome(out + i, op(loadSome(x + i, n)), n); });
  });
}

static void unary(Unary op, const float* x, float* out, int64_t count, float low, float high) {
  const vec one = set1(1.0f), lowest = set1(low), highest = set1(high);
  switch (op) {
    case Unary::neg: return mapEach(x, out, count, [](vec a) { return mul(a, set1(-1.0f)); });
    case Unary::exp: return mapEach(x, out, count, [](vec a) { return exp(a); });
    case Unary::square: return mapEach(x, out, count, [](vec a) { return mul(a, a); });
    case Unary::sqrt: return mapEach(x, out, count, [](vec a) { return sqrt(a); });
    case Unary::rsqrt: return mapEach(x, out, count, [&](vec a) { return div(one, sqrt(a)); });
    case Unary::sigmoid: return mapEach(x, out, count, [](vec a) { return sigmoid(a); });
    case Unary::clip: return mapEach(x, out, count, [&](vec a) { return min(highest, max(lowest, a)); });
    case Unary::tanh: return mapEach(x, out, count, [](vec a) { return tanh(a); });
    case Unary::count: return;
  }
}

/// One operand along a row: numbers side by side, or one for all.
template <bool Varies>
struct Operand {
  const float* from;
  vec same;
  explicit Operand(const float* p) : from(p), same(Varies ? zero() : set1(*p)) {}
  vec at(int64_t i, int n) const { return Varies ? loadSome(from + i, n) : same; }
};

template <bool A, bool B, class Op>
static void mapPairsOf(const Broadcast& b, const Op& op) {
  auto part = [&](int64_t row, int64_t from, int64_t to) {
    const Operand<A> left(b.a + row * b.aRow);
    const Operand<B> right(b.b + row * b.bRow);
    float* out = b.out + row * b.columns;
    forVectors(from, to, [&](int64_t i, int n) { storeSome(out + i, op(left.at(i, n), right.at(i, n)), n); });
  };
  const int64_t count = b.rows * b.columns;
  if (b.rows == 1) return forShares(b.columns, lanes, count, [&](int64_t from, int64_t to) { part(0, from, to); });
  forShares(b.rows, 1, count, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) part(row, 0, b.columns);
  });
}

template <class Op>
static void mapPairs(const Broadcast& b, const Op& op) {
  if (b.aColumn == 0) mapPairsOf<false, true>(b, op);
  else if (b.bColumn == 0) mapPairsOf<true, false>(b, op);
  else mapPairsOf<true, true>(b, op);
}

static void binary(Binary op, const Broadcast& b) {
  switch (op) {
    case Binary::add: return mapPairs(b, [](vec x, vec y) { return add(x, y); });
    case Binary::sub: return mapPairs(b, [](vec x, vec y) { return sub(x, y); });
    case Binary::mul: return mapPairs(b, [](vec x, vec y) { return mul(x, y); });
    case Binary::div: return mapPairs(b, [](vec x, vec y) { return div(x, y); });
    case Binary::max: return mapPairs(b, [](vec x, vec y) { return maxOrNan(x, y); });
    case Binary::min: return mapPairs(b, [](vec x, vec y) { return minOrNan(x, y); });
    case Binary::count: return;
  }
}

static void accumulate(float* sum, const float* addend, int64_t count) {
  binary(Binary::add, {sum, addend, sum, 1, count, 0, 1, 0, 1});
}

static void select(const uint8_t* condition, const float* a, const float* b, float* out, int64_t count) {
  forShares(count, lanes, count, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) out[i] = condition[i] ? a[i] : b[i];
  });
}

}  // namespace VERLET_ISA
