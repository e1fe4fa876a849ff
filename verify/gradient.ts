import * as tf from '@tensorflow/tfjs-core';

/** What f makes of x, and the gradient of its weighted sum; all [M]. */
export interface ValueAndGradient {
  readonly value: number[];
  readonly gradient: number[];
}

/** @param weights one a value of f */
export async function valueAndGradient(
  x: readonly number[],
  f: (x: tf.Tensor1D) => tf.Tensor1D,
  weights: readonly number[],
): Promise<ValueAndGradient> {
  const [value, gradient] = tf.tidy(() => {
    const at = tf.tensor1d([...x]); // [M]
    const slope = tf.grad((x) => tf.sum(tf.mul(f(tf.reshape(x, [at.size])), tf.tensor1d([...weights]))));
    return [f(at), slope(at)] as const;
  });
  const result = { value: [...(await value.data())], gradient: [...(await gradient.data())] };
  tf.dispose([value, gradient]);
  return result;
}

/** The values of what f makes; whatever else it makes is freed. */
export async function valuesOf(f: () => tf.Tensor1D): Promise<number[]> {
  const tensor = tf.tidy(f);
  const values = [...(await tensor.data())];
  tensor.dispose();
  return values;
}
