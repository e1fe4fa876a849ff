// Elementary functions on sixteen lanes, in the same operations on every instruction set.
namespace VERLET_ISA {

/**
 * e^x within 1.5 units in the last place: x = n ln 2 + r, |r| <= ln 2 / 2, a polynomial of degree 6 in r, then 2^n. Below -87.33 exactly 0,
 * above 88.72 infinite; a NaN stays.
 */
static inline vec exp(vec x) {
  const vec lowest = set1(-87.336544f), magic = set1(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number
  vec clamped = min(set1(89.0f), max(lowest, x));
  vec n = sub(fma(clamped, set1(1.44269504088896341f), magic), magic);
  vec r = fma(n, set1(-0.693359375f), clamped);
  r = fma(n, set1(2.12194440e-4f), r);
  vec p = set1(1.9875691500e-4f);
  p = fma(p, r, set1(1.3981999507e-3f));
  p = fma(p, r, set1(8.3334519073e-3f));
  p = fma(p, r, set1(4.1665795894e-2f));
  p = fma(p, r, set1(1.6666665459e-1f));
  p = fma(p, r, set1(5.0000001201e-1f));
  vec result = add(fma(mul(r, r), p, r), set1(1.0f));
  vec exponent = min(set1(127.0f), n);  // 2^128 is no float: what is above 127 doubles the result
  result = mul(result, pow2(exponent));
  return whereLess(x, lowest, zero(), fma(result, sub(n, exponent), result));
}

/**
 * tanh within 2 units in the last place, odd: below 0.625 an odd polynomial of degree 11, from there on
 * 1 - 2 / (e^(2 |x|) + 1). A NaN stays.
 */
static inline vec tanh(vec x) {
  const vec one = set1(1.0f), two = set1(2.0f);
  vec size = max(sub(zero(), x), x), square = mul(x, x);
  vec p = set1(-5.7049850117e-3f);
  p = fma(p, square, set1(2.0639085493e-2f));
  p = fma(p, square, set1(-5.3739714554e-2f));
  p = fma(p, square, set1(1.3331442192e-1f));
  p = fma(p, square, set1(-3.3333281942e-1f));
  vec near = fma(mul(size, square), p, size);
  vec far = sub(one, div(two, add(exp(add(size, size)), one)));
  vec result = whereLess(size, set1(0.625f), near, far);
  return whereLess(x, zero(), sub(zero(), result), result);
}

/// 1 / (1 + e^-x)
static inline vec sigmoid(vec x) {
  const vec one = set1(1.0f);
  return div(one, add(one, exp(sub(zero(), x))));
}

}  // namespace VERLET_ISA
