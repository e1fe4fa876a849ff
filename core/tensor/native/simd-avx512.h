// Sixteen float lanes in one AVX-512 register.
#pragma once
#include <immintrin.h>

namespace VERLET_ISA {

struct vec {
  __m512 v;
};

static inline __mmask16 firstLanes(int count) { return (__mmask16)((1u << count) - 1u); }

static inline vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
static inline void store(float* p, vec a) { _mm512_storeu_ps(p, a.v); }
/// Lanes from `count` on are 0 and their memory is not touched.
static inline vec loadPartial(const float* p, int count) { return {_mm512_maskz_loadu_ps(firstLanes(count), p)}; }
static inline void storePartial(float* p, vec a, int count) { _mm512_mask_storeu_ps(p, firstLanes(count), a.v); }
static inline vec set1(float x) { return {_mm512_set1_ps(x)}; }
static inline vec zero() { return {_mm512_setzero_ps()}; }

/// a * b + c with one rounding.
static inline vec fma(vec a, vec b, vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
static inline vec add(vec a, vec b) { return {_mm512_add_ps(a.v, b.v)}; }
static inline vec sub(vec a, vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
static inline vec mul(vec a, vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
static inline vec div(vec a, vec b) { return {_mm512_div_ps(a.v, b.v)}; }
static inline vec sqrt(vec a) { return {_mm512_sqrt_ps(a.v)}; }
/// a > b ? a : b, so a NaN in b stays.
static inline vec max(vec a, vec b) { return {_mm512_max_ps(a.v, b.v)}; }
/// a < b ? a : b, so a NaN in b stays.
static inline vec min(vec a, vec b) { return {_mm512_min_ps(a.v, b.v)}; }
/// a < b ? x : y
static inline vec whereLess(vec a, vec b, vec x, vec y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
}
/// a is NaN ? x : y
static inline vec whereNan(vec a, vec x, vec y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q), y.v, x.v)};
}
/// 2^n for whole n in [-126, 127]. Of NaN it is any number.
static inline vec pow2(vec n) {
  __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23))};
}

/// The sum of the lanes as a tree: 8 + 8, 4 + 4, 2 + 2, 1 + 1.
static inline float reduceAdd(vec a) { return _mm512_reduce_add_ps(a.v); }
/// The largest lane; any of them where one is NaN.
static inline float reduceMax(vec a) { return _mm512_reduce_max_ps(a.v); }

/// Sixteen doubles.
struct wide {
  __m512d lo, hi;
};
static inline wide wideZero() { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
/// With masks of ones: without, headers of gcc 12 warn about themselves.
static inline wide widen(vec a) {
  const __mmask8 all = 0xff;
  return {_mm512_maskz_cvtps_pd(all, _mm512_maskz_extractf32x8_ps(all, a.v, 0)),
          _mm512_maskz_cvtps_pd(all, _mm512_maskz_extractf32x8_ps(all, a.v, 1))};
}
static inline wide add(wide a, wide b) { return {_mm512_add_pd(a.lo, b.lo), _mm512_add_pd(a.hi, b.hi)}; }
static inline wide fma(wide a, wide b, wide c) {
  return {_mm512_fmadd_pd(a.lo, b.lo, c.lo), _mm512_fmadd_pd(a.hi, b.hi, c.hi)};
}
static inline double reduceAdd(wide a) { return _mm512_reduce_add_pd(_mm512_add_pd(a.lo, a.hi)); }

/// Rows become columns: lane j of row i goes to lane i of row j.
static inline void transpose(vec r[16]) {
  __m512 t[16], s[16];
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_ps(r[2 * i].v, r[2 * i + 1].v);
    t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i].v, r[2 * i + 1].v);
  }
  for (int i = 0; i < 4; i++) {
    __m512d a = _mm512_castps_pd(t[4 * i]), b = _mm512_castps_pd(t[4 * i + 1]);
    __m512d c = _mm512_castps_pd(t[4 * i + 2]), d = _mm512_castps_pd(t[4 * i + 3]);
    s[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    s[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    s[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    s[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(s[i], s[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_f32x4(s[i], s[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_f32x4(s[i + 8], s[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_f32x4(s[i + 8], s[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    r[i].v = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
    r[i + 8].v = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    r[i + 4].v = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12].v = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

/// Largest tile of a product that stays in the 32 registers: rows, and vectors across.
constexpr int tileRows = 12;
constexpr int tileVectors = 2;

}  // namespace VERLET_ISA
