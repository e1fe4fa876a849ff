import { openSafetensors } from '../../core/model/safetensors/read-safetensors.js';
import { writeSafetensors } from '../../core/model/safetensors/write-safetensors.js';
import { never } from './tiny-policy.js';

/** A named float32 array with its shape. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** All tensors of a file, by name. */
export async function readTensors(path: string): Promise<Map<string, NamedTensor>> {
  await using file = await openSafetensors(path, never);
  const tensors = new Map<string, NamedTensor>();
  for (const [name, { shape }] of file.tensors) tensors.set(name, { shape, values: await file.read(name, never) });
  return tensors;
}

/** Writes the tensors as float32. */
export async function writeTensors(path: string, tensors: ReadonlyMap<string, NamedTensor>): Promise<void> {
  const described = [...tensors].map(([name, { shape, values }]) => {
    return { name, shape, dtype: 'F32' as const, values: async () => values };
  });
  await writeSafetensors(path, described, {}, never);
}
