import { type BackendName, backendNames } from '../../core/tensor/backend-names.js';

/**
 * The backend of tests that would pass on any: the one that VERLET_TEST_BACKEND names, or else `auto`, which takes what a user of this
 * machine would get.
 */
export const detectedBackend: BackendName = named(process.env.VERLET_TEST_BACKEND || 'auto');

function named(name: string): BackendName {
  const known = backendNames.find((known) => known === name);
  if (known === undefined) throw new RangeError(`VERLET_TEST_BACKEND names '${name}', not one of ${backendNames}`);
  return known;
}
