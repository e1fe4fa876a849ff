import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { ConfigError } from '../errors.js';
import type { AdamW } from '../tensor/adamw.js';
import type { Policy } from './policy.js';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.js';

const stateSchema = z.strictObject({ version: z.int().min(0), optimizerStep: z.int().min(0) });

type Variables = ReadonlyMap<string, tf.Variable>;

/** Writes weights, moments, step count and version into an existing directory. */
export async function savePolicy(
  directory: string,
  policy: Policy,
  optimizer: AdamW,
  signal: AbortSignal,
): Promise<void> {
  const state = { version: policy.version, optimizerStep: optimizer.step };
  const files = [
    ['model.safetensors', encodeSafetensors(await readAll(weightsByName(policy)))],
    ['optimizer.safetensors', encodeSafetensors(await readAll(momentsByName(policy, optimizer)))],
    ['trainer.json', `${JSON.stringify(state)}\n`],
  ] as const;
  for (const [name, contents] of files) {
    signal.throwIfAborted();
    await writeFile(join(directory, name), contents).catch((cause: unknown) => {
      throw isMissing(cause) ? new ConfigError(`there is no directory ${directory} to save to`, { cause }) : cause;
    });
  }
}

/** Reads what `savePolicy` wrote; everything is checked before anything is replaced. */
export async function loadPolicy(
  directory: string,
  policy: Policy,
  optimizer: AdamW,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const weights = await pairs(weightsByName(policy), join(directory, 'model.safetensors'));
  const moments = await pairs(momentsByName(policy, optimizer), join(directory, 'optimizer.safetensors'));
  const state = parseState(await read(join(directory, 'trainer.json')), directory);
  signal.throwIfAborted();
  for (const { variable, stored } of [...weights, ...moments]) {
    tf.tidy(() => variable.assign(tf.tensor(stored.values, [...stored.shape])));
  }
  policy.version = state.version;
  optimizer.step = state.optimizerStep;
}

function weightsByName({ weights }: Policy): Variables {
  return new Map(weights.names.map((name) => [name, weights.get(name)]));
}

function momentsByName({ weights }: Policy, { moments }: AdamW): Variables {
  const named = (moment: 'first' | 'second') =>
    moments[moment].map((variable, i) => [`${moment}.${weights.names[i]}`, variable] as const);
  return new Map([...named('first'), ...named('second')]);
}

async function readAll(variables: Variables): Promise<ReadonlyMap<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, variable] of variables) {
    tensors.set(name, { shape: variable.shape, values: Float32Array.from(await variable.data()) });
  }
  return tensors;
}

/** Each variable with the tensor of its name in the file, which must hold these and no others. */
async function pairs(
  variables: Variables,
  file: string,
): Promise<{ readonly variable: tf.Variable; readonly stored: StoredTensor }[]> {
  const tensors = decodeSafetensors(await read(file), file);
  const unknown = [...tensors.keys()].find((name) => !variables.has(name));
  if (unknown !== undefined) throw new ConfigError(`${file} has a tensor ${unknown} that the model's config has not`);
  return [...variables].map(([name, variable]) => {
    const stored = tensors.get(name);
    if (stored === undefined) throw new ConfigError(`${file} has no tensor ${name}`);
    if (!tf.util.arraysEqual([...stored.shape], variable.shape)) {
      throw new ConfigError(
        `${name} in ${file} has shape [${stored.shape}], the model's config says [${variable.shape}]`,
      );
    }
    return { variable, stored };
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

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
