/** Loss, its gradient [B, T] and metrics of an entry of section `policy_losses`. Throws when it names nothing that we have. */
export function lossOf(
  name: string,
  _inputs: unknown,
): { loss: number; grad: number[][]; metrics: { [name: string]: number } } {
  throw new RangeError(`unknown policy loss ${name}`);
}
