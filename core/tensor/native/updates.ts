import * as tf from '@tensorflow/tfjs-core';
import type { AdamWStep } from '../adamw.js';
import { count, floats, input, type NativeCall, type NativeKernel } from './native-kernel.js';

/** One optimizer step, in place on variable, first and second. */
export const adamW: NativeKernel<AdamWStep> = {
  name: 'AdamW',
  run(call, { lr, beta1, beta2, eps, weightDecay, step, gradientScale }) {
    requireEqualCounts(call);
    const [variable, first, second] = [owned(call, 'variable'), owned(call, 'first'), owned(call, 'second')];
    const [gradient, size] = [floats(call, 'gradient'), count(call, 'variable')];
    call.addon.adamW(variable, gradient, first, second, size, lr, beta1, beta2, eps, weightDecay, step, gradientScale);
    return [];
  },
};

/** sum += addend, in place. */
export const accumulate: NativeKernel<object> = {
  name: 'Accumulate',
  run(call) {
    requireEqualCounts(call);
    call.addon.accumulate(owned(call, 'sum'), floats(call, 'addend'), count(call, 'addend'));
    return [];
  },
};

/**
 * The storage of a variable to write into. Where others could see that (a clone, a slice, the array a user made the tensor of), the
 * variable first gets a copy of its own, as if a new value had been assigned.
 */
function owned(call: NativeCall, name: string): Float32Array {
  const variable = input(call, name);
  if (!call.backend.isShared(variable)) return floats(call, name);
  if (!(variable instanceof tf.Variable))
    throw new TypeError(`the kernel changes ${name} in place: it must be a variable`);
  const values = call.backend.pool.take(variable.size);
  values.set(floats(call, name));
  const copy = tf.engine().makeTensorFromTensorInfo(call.backend.makeTensorInfo(variable.shape, 'float32', values));
  variable.assign(copy);
  copy.dispose();
  return values;
}

/** Before anything is changed. */
function requireEqualCounts(call: NativeCall): void {
  const shapes = Object.entries(call.inputs).map(([name, { shape }]) => ({ name, shape }));
  const [size] = shapes.map(({ shape }) => tf.util.sizeFromShape(shape));
  if (shapes.every(({ shape }) => tf.util.sizeFromShape(shape) === size)) return;
  throw new RangeError(`sizes differ: ${shapes.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ')}`);
}
