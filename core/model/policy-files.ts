import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { ConfigError } from '../errors.js';
import type { AdamW } from '../tensor/adamw.js';
import type { Policy } from './policy.js';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.js';

const stateSchema = z.strictObject({ version: z.int().min(0), optimizerStep: z.int().min(0) });

/** Writes weights, moments, step count and version into an existing directory. */
export async function savePolicy(directory: string, policy: Policy, optimizer: AdamW): Promise<void> {
  const names = policy.weights.names;
  const { first, second } = optimizer.moments;
  const weights = await readAll(names, policy.weights.variables);
  const moments = new Map([
    ...(await readAll(
      names.map((name) => `first.${name}`),
      first,
    )),
    ...(await readAll(
      names.map((name) => `second.${name}`),
      second,
    )),
  ]);
  const state = { version: policy.version, optimizerStep: optimizer.step };
  await writeFile(join(directory, 'model.safetensors'), encodeSafetensors(weights));
  await writeFile(join(directory, 'optimizer.safetensors'), encodeSafetensors(moments));
  await writeFile(join(directory, 'trainer.json'), `${JSON.stringify(state)}\n`);
}

/** Reads what `savePolicy` wrote; everything is checked before anything is replaced. */
export async function loadPolicy(directory: string, policy: Policy, optimizer: AdamW): Promise<void> {
  const names = policy.weights.names;
  const { first, second } = optimizer.moments;
  const modelFile = join(directory, 'model.safetensors');
  const optimizerFile = join(directory, 'optimizer.safetensors');
  const weights = decodeSafetensors(await read(modelFile), modelFile);
  const moments = decodeSafetensors(await read(optimizerFile), optimizerFile);
  const state = parseState(await read(join(directory, 'trainer.json')), directory);
  const pairs = [
    ...pair(names, policy.weights.variables, weights, modelFile),
    ...pair(
      names.map((name) => `first.${name}`),
      first,
      moments,
      optimizerFile,
    ),
    ...pair(
      names.map((name) => `second.${name}`),
      second,
      moments,
      optimizerFile,
    ),
  ];
  for (const { variable, stored } of pairs) tf.tidy(() => variable.assign(tf.tensor(stored.values, [...stored.shape])));
  policy.version = state.version;
  optimizer.step = state.optimizerStep;
}

async function readAll(
  names: readonly string[],
  variables: readonly tf.Variable[],
): Promise<ReadonlyMap<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  for (const [i, variable] of variables.entries()) {
    tensors.set(names[i] ?? '', { shape: variable.shape, values: Float32Array.from(await variable.data()) });
  }
  return tensors;
}

function pair(
  names: readonly string[],
  variables: readonly tf.Variable[],
  stored: ReadonlyMap<string, StoredTensor>,
  file: string,
): { variable: tf.Variable; stored: StoredTensor }[] {
  if (stored.size < names.length)
    throw new ConfigError(`${file} holds ${stored.size} tensors, the model has ${names.length}`);
  return variables.map((variable, i) => {
    const tensor = stored.get(names[i] ?? '');
    if (tensor === undefined) throw new ConfigError(`${file} has no tensor ${names[i]}`);
    if (!tf.util.arraysEqual([...tensor.shape], variable.shape)) {
      throw new ConfigError(
        `${names[i]} in ${file} has shape [${tensor.shape}], the model's config says [${variable.shape}]`,
      );
    }
    return { variable, stored: tensor };
  });
}

async function read(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw new ConfigError(`cannot read ${path}: the checkpoint is not whole`, { cause });
  });
}

function parseState(bytes: Buffer, directory: string): z.output<typeof stateSchema> {
  try {
    return stateSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new ConfigError(`trainer.json in ${directory} is corrupt`, { cause });
  }
}
