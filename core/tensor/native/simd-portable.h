// Sixteen float lanes in plain C++: what every other processor runs. The compiler turns the loops into what the machine has (NEON on
// arm64, where a fused multiply-add is one instruction; without one, as on x86 before 2013, it is a slow call but the same number).
#pragma once
#include <cstdint>
#include <cstring>

namespace VERLET_ISA {

struct vec {
  float v[16];
};

#define VERLET_LANES(expression) \
  vec r;                         \
  for (int i = 0; i < 16; i++) r.v[i] = (expression); \
  return r

static inline vec load(const float* p) { VERLET_LANES(p[i]); }
static inline void store(float* p, vec a) { std::memcpy(p, a.v, sizeof a.v); }
/// Lanes from `count` on are 0 and their memory is not touched.
static inline vec loadPartial(const float* p, int count) { VERLET_LANES(i < count ? p[i] : 0.0f); }
static inline void storePartial(float* p, vec a, int count) {
  for (int i = 0; i < 16 && i < count; i++) p[i] = a.v[i];
}
static inline vec set1(float x) { VERLET_LANES(x); }
static inline vec zero() { return set1(0.0f); }

/// a * b + c with one rounding.
static inline vec fma(vec a, vec b, vec c) { VERLET_LANES(__builtin_fmaf(a.v[i], b.v[i], c.v[i])); }
static inline vec add(vec a, vec b) { VERLET_LANES(a.v[i] + b.v[i]); }
static inline vec sub(vec a, vec b) { VERLET_LANES(a.v[i] - b.v[i]); }
static inline vec mul(vec a, vec b) { VERLET_LANES(a.v[i] * b.v[i]); }
static inline vec div(vec a, vec b) { VERLET_LANES(a.v[i] / b.v[i]); }
static inline vec sqrt(vec a) { VERLET_LANES(__builtin_sqrtf(a.v[i])); }
/// a > b ? a : b, so a NaN in b stays.
static inline vec max(vec a, vec b) { VERLET_LANES(a.v[i] > b.v[i] ? a.v[i] : b.v[i]); }
/// a < b ? a : b, so a NaN in b stays.
static inline vec min(vec a, vec b) { VERLET_LANES(a.v[i] < b.v[i] ? a.v[i] : b.v[i]); }
/// a < b ? x : y
static inline vec whereLess(vec a, vec b, vec x, vec y) { VERLET_LANES(a.v[i] < b.v[i] ? x.v[i] : y.v[i]); }
/// a is NaN ? x : y
static inline vec whereNan(vec a, vec x, vec y) { VERLET_LANES(a.v[i] != a.v[i] ? x.v[i] : y.v[i]); }
static inline float pow2Lane(float n) {
  uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}
/// 2^n for whole n in [-126, 127]. Of NaN it is any number.
static inline vec pow2(vec n) { VERLET_LANES(n.v[i] == n.v[i] ? pow2Lane(n.v[i]) : 1.0f); }

/// The sum of the lanes as a tree: 8 + 8, 4 + 4, 2 + 2, 1 + 1.
static inline float reduceAdd(vec a) {
  for (int width = 8; width > 0; width /= 2)
    for (int i = 0; i < width; i++) a.v[i] += a.v[i + width];
  return a.v[0];
}
/// The largest lane; any of them where one is NaN.
static inline float reduceMax(vec a) {
  float result = a.v[0];
  for (int i = 1; i < 16; i++) result = result > a.v[i] ? result : a.v[i];
  return result;
}

/// Sixteen doubles.
struct wide {
  double v[16];
};
static inline wide wideZero() { return {}; }
static inline wide widen(vec a) {
  wide r;
  for (int i = 0; i < 16; i++) r.v[i] = a.v[i];
  return r;
}
static inline wide add(wide a, wide b) {
  for (int i = 0; i < 16; i++) a.v[i] += b.v[i];
  return a;
}
static inline wide fma(wide a, wide b, wide c) {
  for (int i = 0; i < 16; i++) c.v[i] = __builtin_fma(a.v[i], b.v[i], c.v[i]);
  return c;
}
static inline double reduceAdd(wide a) {
  for (int width = 8; width > 0; width /= 2)
    for (int i = 0; i < width; i++) a.v[i] += a.v[i + width];
  return a.v[0];
}

/// Rows become columns: lane j of row i goes to lane i of row j.
static inline void transpose(vec r[16]) {
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < i; j++) {
      float x = r[i].v[j];
      r[i].v[j] = r[j].v[i];
      r[j].v[i] = x;
    }
}

/// Largest tile of a product that stays in registers: rows, and vectors of 16 lanes across.
constexpr int tileRows = 4;
constexpr int tileVectors = 1;

#undef VERLET_LANES

}  // namespace VERLET_ISA
