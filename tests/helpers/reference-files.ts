import { resolve } from 'node:path';

/** verl's numbers, a batch a file; tests/fixtures/algorithms/README.md says what they are. */
export const referenceFiles: readonly string[] = [1, 2, 3, 4].map((n) =>
  resolve(`tests/fixtures/algorithms/case-${n}.json`),
);
