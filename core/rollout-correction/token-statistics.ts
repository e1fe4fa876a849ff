import { float32Deviation } from './float32-deviation.js';

/** A number a sampled token, sequence by sequence. */
export type TokenRows = readonly (readonly number[])[];

/** Names of verl without their prefix. */
export type Statistics = { readonly [name: string]: number };

export interface StatisticsOptions {
  /** Whether every token of a sequence has the sequence's number, so that it is counted once. */
  readonly level: 'token' | 'sequence';
  /** Below counts as low; sequences are not asked where it is -Infinity. */
  readonly lower: number;
  /** Above counts as high. */
  readonly upper: number;
  /** What a sequence's mean deviates from. */
  readonly centre: number;
  /** Of all sequences laid end to end: where the tokens stand. */
  readonly mask: readonly (0 | 1)[];
  readonly names: { readonly high: string; readonly low: string };
}

/** verl's picture of numbers that are to lie between two bounds. The deviation is of the numbers cut off at the bounds. */
export function describeTokens(
  rows: TokenRows,
  { level, lower, upper, centre, mask, names }: StatisticsOptions,
): Statistics {
  const all = level === 'token' ? rows.flat() : rows.map((row) => row[0] ?? centre);
  const clipped = rows.flat().map((value) => Math.min(Math.max(value, lower), upper));
  return {
    mean: tokenMean(rows),
    max: largest(all),
    min: smallest(all),
    [names.high]: share(all, (value) => value > upper),
    [names.low]: share(all, (value) => value < lower),
    std: float32Deviation(clipped, mask),
    ...prefixed('seq_', describeSequences(rows.map(rowMean), { lower, upper, centre })),
  };
}

function describeSequences(
  means: readonly number[],
  { lower, upper, centre }: Pick<StatisticsOptions, 'lower' | 'upper' | 'centre'>,
): Statistics {
  return {
    mean: mean(means),
    std: deviation(means),
    max: largest(means),
    min: smallest(means),
    max_deviation: largest(means.map((value) => Math.abs(value - centre))),
    fraction_high: share(means, (value) => value > upper),
    ...(lower > Number.NEGATIVE_INFINITY && { fraction_low: share(means, (value) => value < lower) }),
  };
}

export function prefixed(prefix: string, statistics: Statistics): Statistics {
  return Object.fromEntries(Object.entries(statistics).map(([name, value]) => [`${prefix}${name}`, value]));
}

/** Over all tokens; 0 for none. */
export function tokenMean(rows: TokenRows): number {
  return mean(rows.flat());
}

/** 0 for a sequence without a sampled token, as in verl. */
export function rowMean(row: readonly number[]): number {
  return mean(row);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

export function share(values: readonly number[], holds: (value: number) => boolean): number {
  return mean(values.map((value) => (holds(value) ? 1 : 0)));
}

export function largest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

export function smallest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

/** With Bessel's correction; 0 for fewer than two. */
export function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}
