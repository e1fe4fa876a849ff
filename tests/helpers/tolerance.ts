/**
 * How far numbers may be apart that sampling and training compute: not at all on `native`, whose kernels for both do the same operations
 * in the same order; elsewhere they are different compositions, which agree within rounding.
 */
export function toleranceOn(backend: string, elsewhere: number): number {
  return backend === 'native' ? 0 : elsewhere;
}
