import { expect } from 'vitest';

/** Fails unless each entry is within `relative` of the expected one, or within `absolute` where that is near 0. */
export function expectClose(
  actual: readonly number[],
  expected: readonly number[],
  { relative, absolute }: { readonly relative: number; readonly absolute: number },
): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) {
    const allowed = absolute + relative * Math.abs(value);
    const message = `entry ${i}: ${actual[i]} is more than ${allowed} from ${value}`;
    expect(Math.abs((actual[i] ?? Number.NaN) - value), message).toBeLessThanOrEqual(allowed);
  }
}
