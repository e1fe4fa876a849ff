import { expect } from 'vitest';

/** Fails unless each entry is within `relative` of the expected one, or within `absolute` where that is near 0. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { relative, absolute }: { readonly relative: number; readonly absolute: number },
  what = 'values',
): void {
  expect(actual.length, `number of ${what}`).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const value = expected[i] ?? Number.NaN;
    const allowed = absolute + relative * Math.abs(value);
    if (Math.abs((actual[i] ?? Number.NaN) - value) <= allowed) continue;
    expect.fail(`${what}: entry ${i} is ${actual[i]}, more than ${allowed} from ${value}`);
  }
}
