/** Advantages and returns [B, T] of an entry of section `advantages`. Throws when it names nothing that we have. */
export function estimatesOf(name: string, _inputs: unknown): { advantages: number[][]; returns: number[][] } {
  throw new RangeError(`unknown estimator ${name}`);
}
