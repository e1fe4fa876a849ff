import { join } from 'node:path';
import { ConfigError } from '../../errors.js';
import type { ModelFiles } from '../model-files.js';
import { ownName } from '../own-name.js';
import { openSafetensors, type SafetensorsFile } from '../safetensors/read-safetensors.js';
import { loraScale } from './lora-config.js';
import { loraNames } from './lora-weights.js';
import { adapterWeightsFile, ownAdapterName, readPeftConfig } from './peft-config.js';

/**
 * A model with a PEFT adapter merged into its weights: W + scale · B A, a tensor at a time. Owns the base. Throws ConfigError for an adapter
 * that does not fit it.
 */
export async function mergedFiles(base: ModelFiles, directory: string, signal: AbortSignal): Promise<ModelFiles> {
  const { lora } = await readPeftConfig(directory);
  const path = join(directory, adapterWeightsFile);
  const adapter = await openSafetensors(path, signal);
  const pairs = adapterPairs(adapter, base, lora.loraRank);
  if (pairs instanceof ConfigError) {
    await adapter[Symbol.asyncDispose]();
    throw pairs;
  }
  const scale = loraScale(lora);
  return {
    source: `${base.source} with ${directory}`,
    config: base.config,
    tensors: base.tensors,
    text: base.text,
    async read(name, signal) {
      const values = await base.read(name, signal);
      const names = pairs.get(name);
      if (names === undefined) return values;
      const [a, b] = [await adapter.read(names.a, signal), await adapter.read(names.b, signal)];
      addProduct(values, { a, b, rank: lora.loraRank, scale });
      return values;
    },
    async [Symbol.asyncDispose]() {
      await adapter[Symbol.asyncDispose]();
      await base[Symbol.asyncDispose]();
    },
  };
}

/** By the name of the weight that an adapter changes, the names of its factors. */
function adapterPairs(
  { tensors, path }: SafetensorsFile,
  base: ModelFiles,
  rank: number,
): ReadonlyMap<string, { readonly a: string; readonly b: string }> | ConfigError {
  const named = new Map([...tensors.keys()].map((name) => [ownAdapterName(name), name]));
  const pairs = new Map<string, { readonly a: string; readonly b: string }>();
  for (const [name, { shape }] of base.tensors) {
    if (!name.endsWith('.weight')) continue;
    const own = loraNames(ownName(name).slice(0, -'.weight'.length));
    const [aName, bName] = [named.get(own.a) ?? '', named.get(own.b) ?? ''];
    const [a, b] = [tensors.get(aName)?.shape, tensors.get(bName)?.shape];
    if (a === undefined && b === undefined) continue;
    if (!isMatrixPair(a, b, { rank, shape })) {
      return new ConfigError(
        `the adapter of ${name} in ${path} is [${b}] times [${a}], the weight [${shape}], the rank ${rank}`,
      );
    }
    pairs.set(name, { a: aName, b: bName });
  }
  if (2 * pairs.size === tensors.size) return pairs;
  const used = new Set([...pairs.values()].flatMap(({ a, b }) => [a, b]));
  const unused = [...tensors.keys()].find((name) => !used.has(name));
  return new ConfigError(`${path} has ${unused}, for which ${base.source} has no weight`);
}

type Shape = readonly number[];

/** Whether B [Out, r] times A [r, In] is of the weight's shape. */
function isMatrixPair(
  a: Shape | undefined,
  b: Shape | undefined,
  { rank, shape }: { rank: number; shape: Shape },
): boolean {
  return `${a}` === `${[rank, shape[1]]}` && `${b}` === `${[shape[0], rank]}`;
}

interface Factors {
  /** [r, In] and [Out, r] */
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly rank: number;
  readonly scale: number;
}

/** weight [Out, In] += scale · B A, each sum over r in float64. */
function addProduct(weight: Float32Array, { a, b, rank, scale }: Factors): void {
  const width = a.length / rank;
  const row = new Float64Array(width);
  for (let out = 0; out < b.length / rank; out++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = scale * (b[out * rank + r] ?? 0);
      for (let i = 0; i < width; i++) row[i] = (row[i] ?? 0) + factor * (a[r * width + i] ?? 0);
    }
    for (let i = 0; i < width; i++) weight[out * width + i] = (weight[out * width + i] ?? 0) + (row[i] ?? 0);
  }
}
