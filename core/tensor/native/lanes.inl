// Walking through memory sixteen lanes at a time, with a short last vector; what every kernel is built of.
namespace VERLET_ISA {

using verlet::Slot;

constexpr int lanes = 16;

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t divideUp(int64_t size, int64_t unit) { return (size + unit - 1) / unit; }
static inline int64_t roundUp(int64_t size, int64_t unit) { return divideUp(size, unit) * unit; }

/// Lanes from `count` on are 0 and their memory is not touched.
static inline vec loadSome(const float* p, int count) { return count == lanes ? load(p) : loadPartial(p, count); }
static inline void storeSome(float* p, vec a, int count) {
  if (count == lanes) store(p, a);
  else storePartial(p, a, count);
}

static const float laneNumbers[lanes] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/// The first `count` lanes of a; `other` in those from there on, whatever they held.
static inline vec firstOf(vec a, int64_t count, float other) {
  return whereLess(load(laneNumbers), set1((float)count), a, set1(other));
}

/// The lanes of a from `count` on; `other` in those before, whatever they held.
static inline vec lastOf(vec a, int64_t count, float other) {
  return whereLess(load(laneNumbers), set1((float)count), set1(other), a);
}

/// Calls body(i, lanes) for each vector of [from, to); the last may have fewer.
template <class Body>
static inline void forVectors(int64_t from, int64_t to, const Body& body) {
  for (; from + lanes <= to; from += lanes) body(from, lanes);
  if (from < to) body(from, (int)(to - from));
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

static inline void copyRow(const float* from, float* to, int64_t count) {
  forVectors(0, count, [&](int64_t i, int n) { storeSome(to + i, loadSome(from + i, n), n); });
}

static inline void fillRow(float* to, float value, int64_t count) {
  const vec values = set1(value);
  forVectors(0, count, [&](int64_t i, int n) { storeSome(to + i, values, n); });
}

static inline void addRow(const float* addend, float* sum, int64_t count) {
  forVectors(0, count, [&](int64_t i, int n) { storeSome(sum + i, add(loadSome(sum + i, n), loadSome(addend + i, n)), n); });
}

}  // namespace VERLET_ISA
