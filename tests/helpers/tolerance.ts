import * as tf from '@tensorflow/tfjs-core';

/** Kernels that must all be native's own for sampling and training to do the same operations in the same order. */
const matchingKernels = ['Attention', 'CachedAttention', 'LinearLogProbs', 'SampleTokens'];

/**
 * How far numbers may be apart that sampling and training compute: not at all on `native`, as soon as it has kernels of its own for
 * both; compositions, which it shares with `cpu`, agree within rounding only.
 */
export function toleranceOn(backend: string, elsewhere: number): number {
  const isOwn = (name: string): boolean =>
    tf.getKernel(name, 'native')?.kernelFunc !== tf.getKernel(name, 'cpu')?.kernelFunc;
  return backend === 'native' && matchingKernels.every(isOwn) ? 0 : elsewhere;
}
