import type { CaseInputs } from './case-file.js';
import type { Difference } from './difference.js';

/**
 * Computes what an entry of a section names and compares it with verl's numbers. Throws when it does not know the entry, or the
 * expected numbers are not of the section's form.
 */
export type Section = (
  name: string,
  expected: unknown,
  inputs: CaseInputs,
) => readonly Difference[] | Promise<readonly Difference[]>;
