import type * as tf from '@tensorflow/tfjs-core';

/**
 * Throws a RangeError that names the op, the rule and every shape unless all rules hold.
 * @param rules each sentence says what must be; its value says whether it is
 */
export function checkShapes(
  op: string,
  tensors: { readonly [name: string]: tf.Tensor },
  rules: { readonly [sentence: string]: boolean },
): void {
  for (const [sentence, holds] of Object.entries(rules)) {
    if (holds) continue;
    const shapes = Object.entries(tensors).map(([name, { shape }]) => `${name} [${shape.join(', ')}]`);
    throw new RangeError(`${op}: ${sentence}; got ${shapes.join(', ')}`);
  }
}
