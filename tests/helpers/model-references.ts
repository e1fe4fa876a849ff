import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { type LoadOptions, loadPolicy } from '../../core/model/load-policy.js';
import type { ModelFiles } from '../../core/model/model-files.js';
import type { Policy } from '../../core/model/policy.js';
import { openModelDirectory } from '../../core/model/safetensors/model-directory.js';
import { never } from './tiny-policy.js';

const folder = resolve('tests/fixtures/models');
const slice = z.strictObject({ offset: z.int(), size: z.int() });

const fileSchema = z.strictObject({
  vocab_size: z.int(),
  parameters: z.array(z.tuple([z.string(), z.array(z.int())])),
  cases: z.array(
    z.strictObject({
      input_ids: z.array(z.int()),
      logits_last: z.array(z.number()),
      logprobs: z.array(z.number()),
      logits: slice,
      loss: z.number().optional(),
      gradients: slice.optional(),
    }),
  ),
});

/** What transformers makes of one sequence, in float64. */
export interface ReferenceCase {
  readonly tokens: readonly number[];
  /** [T, V] */
  readonly logits: Float32Array;
  /** [T - 1]: of each token but the first. */
  readonly logprobs: readonly number[];
}

/** A sequence of two tokens or more. */
export interface TrainedCase extends ReferenceCase {
  /** The mean of the negative log-probs. */
  readonly loss: number;
  /** Of the loss, by the parameters' names. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

export interface ModelReference {
  readonly vocabSize: number;
  /** Lengths 1, 2, 7, 33 and 70. */
  readonly cases: readonly ReferenceCase[];
  /** Those of two tokens or more. */
  readonly trained: readonly TrainedCase[];
}

/** Checkpoints of every architecture, by their folders; tests/fixtures/models/README.md says what they are. */
export const referenceNames: readonly string[] = readdirSync(`${folder}/references`)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length));

/** Those of which there is a config.json of transformers 4 as well. */
export const namesWithOldConfig = readdirSync(folder)
  .filter((name) => name.endsWith('-v4'))
  .map((name) => name.slice(0, -'-v4'.length));

export function checkpointPath(name: string): string {
  return `${folder}/${name}`;
}

export function referencePath(name: string): string {
  return `${folder}/references/${name}.json`;
}

export function modelReference(name: string): ModelReference {
  return readReference(`${folder}/references/${name}`);
}

/** The reference in two files, whose names are without an ending. */
export function readReference(path: string): ModelReference {
  const file = fileSchema.parse(JSON.parse(readFileSync(`${path}.json`, 'utf8')));
  const bytes = new Uint8Array(readFileSync(`${path}.bin`)).buffer;
  const read = ({ offset, size }: z.output<typeof slice>) => new Float32Array(bytes, offset, size);
  const byName = (values: Float32Array): ReadonlyMap<string, Float32Array> => {
    let next = 0;
    return new Map(
      file.parameters.map(([parameter, shape]) => {
        const size = shape.reduce((product, axis) => product * axis, 1);
        next += size;
        return [parameter, values.subarray(next - size, next)];
      }),
    );
  };
  const cases = file.cases.map(({ input_ids: tokens, logits, logprobs, loss, gradients }) => ({
    ...{ tokens, logits: read(logits), logprobs },
    trained: loss !== undefined && gradients !== undefined && { loss, gradients: byName(read(gradients)) },
  }));
  const trained = cases.flatMap(({ trained, ...given }) => (trained ? [{ ...given, ...trained }] : []));
  return { vocabSize: file.vocab_size, cases, trained };
}

/** The checkpoint's policy on the current backend. */
export async function openReferencePolicy(name: string, options: LoadOptions = {}): Promise<Policy> {
  await using files = await openModelDirectory(checkpointPath(name), never);
  return await loadPolicy(files, options, never);
}

/** The same with the config.json that transformers 4 wrote. */
export async function openWithOldConfig(name: string): Promise<Policy> {
  await using files = await openModelDirectory(checkpointPath(name), never);
  const config: ModelFiles['config'] = JSON.parse(readFileSync(`${folder}/${name}-v4/config.json`, 'utf8'));
  const withOldConfig: ModelFiles = {
    source: files.source,
    config,
    tensors: files.tensors,
    text: files.text,
    read: (name, signal) => files.read(name, signal),
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
  return await loadPolicy(withOldConfig, {}, never);
}
