// How work that needs no tiling is walked through: shares of the threads, vectors of a range, and a short last one.
namespace VERLET_ISA {

/// Numbers below which waking other threads costs more than they save.
constexpr int64_t smallWork = 32768;
/// Scratch of reductions: partial sums in float64, and in float32.
constexpr int wideSumsSlot = 5;
constexpr int sumsSlot = 6;

/// Calls body(from, to) for a share a thread of [0, count), cut between whole units; `numbers` says how much work there is in all.
template <class Body>
static inline void forShares(int64_t count, int64_t unit, int64_t numbers, const Body& body) {
  if (count == 0) return;
  int64_t units = (count + unit - 1) / unit;
  int shares = numbers < smallWork ? 1 : (int)least(verlet::threads(), units);
  if (shares == 1) return body(0, count);
  verlet::parallel(shares, [&](int share) {
    body(boundary(count, unit, share, shares), boundary(count, unit, share + 1, shares));
  });
}

/// Calls body(i, lanes) for each vector of [from, to); the last may have fewer.
template <class Body>
static inline void forVectors(int64_t from, int64_t to, const Body& body) {
  for (; from + lanes <= to; from += lanes) body(from, lanes);
  if (from < to) body(from, (int)(to - from));
}

static inline vec loadSome(const float* p, int count) { return count == lanes ? load(p) : loadPartial(p, count); }
static inline void storeSome(float* p, vec a, int count) {
  if (count == lanes) store(p, a);
  else storePartial(p, a, count);
}

/// The sum of what `step(i, count, sum)` adds for each vector of [0, count): four sums under way, then the tree of the lanes.
template <class Step>
static inline float sumVectors(int64_t count, const Step& step) {
  vec sums[4] = {zero(), zero(), zero(), zero()};
  int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes)
    for (int j = 0; j < 4; j++) sums[j] = step(i + j * lanes, lanes, sums[j]);
  for (; i < count; i += lanes) sums[0] = step(i, (int)least(lanes, count - i), sums[0]);
  return reduceAdd(add(add(sums[0], sums[1]), add(sums[2], sums[3])));
}

}  // namespace VERLET_ISA
