/** How far one result of a function is from verl's: 1 is as much as is allowed. */
export interface Difference {
  readonly what: string;
  readonly worst: number;
}

/** Allowed: 1e-6 + 1e-5 |expected|. Numbers that are missing, too many or not finite are infinitely far. */
export function differenceOf(what: string, actual: readonly number[], expected: readonly number[]): Difference {
  if (actual.length !== expected.length)
    return { what: `${what}, ${actual.length} values`, worst: Number.POSITIVE_INFINITY };
  const errors = expected.map(
    (value, i) => Math.abs((actual[i] ?? Number.NaN) - value) / (1e-6 + 1e-5 * Math.abs(value)),
  );
  return { what, worst: errors.reduce((a, b) => Math.max(a, Number.isFinite(b) ? b : Number.POSITIVE_INFINITY), 0) };
}

/** One difference for each expected number, by its name. */
export function metricDifferences(
  actual: { readonly [name: string]: number },
  expected: { readonly [name: string]: number },
): Difference[] {
  return Object.entries(expected).map(([name, value]) => differenceOf(name, [actual[name] ?? Number.NaN], [value]));
}
