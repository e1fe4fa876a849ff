/** How far numbers may be apart that are computed in two ways: not at all on `native`, where both do the same operations. */
export function toleranceOn(backend: string, elsewhere: number): number {
  return backend === 'native' ? 0 : elsewhere;
}
