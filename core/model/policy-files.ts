import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { ConfigError } from '../errors.js';
import { openSafetensors, type SafetensorsFile } from './safetensors/read-safetensors.js';
import { writeSafetensors } from './safetensors/write-safetensors.js';
import type { StoredModel } from './trained-model.js';

/** What models a checkpoint can hold, and what their files are called. */
const files = {
  actor: ['model.safetensors', 'optimizer.safetensors'],
  critic: ['critic.safetensors', 'critic_optimizer.safetensors'],
  reference: ['reference.safetensors', undefined],
  processReward: ['process_reward.safetensors', 'process_reward_optimizer.safetensors'],
  rewardModel: ['reward_model.safetensors', 'reward_model_optimizer.safetensors'],
} as const;

export type StoredModelName = keyof typeof files;

const step = z.int().min(0);
const stateSchema = z.strictObject({
  version: step,
  /** The models that are there; the number of updates each optimizer has made, 0 where there is none. */
  optimizerSteps: z.strictObject({
    actor: step,
    critic: step.optional(),
    reference: step.optional(),
    processReward: step.optional(),
    rewardModel: step.optional(),
  }),
});

/** The models of a trainer; all but the policy may be missing. */
export type StoredModels = { readonly actor: StoredModel } & { readonly [name in StoredModelName]?: StoredModel };

type Variables = ReadonlyMap<string, tf.Variable>;

/** Variables and the file that holds their values. */
interface Stored {
  readonly variables: Variables;
  readonly path: string;
}

/** Writes weights, moments, step counts and version into an existing directory. */
export async function saveModels(
  directory: string,
  { models, version }: { models: StoredModels; version: number },
  signal: AbortSignal,
): Promise<void> {
  const optimizerSteps: Partial<Record<StoredModelName, number>> = {};
  for (const [name, model] of modelsOf(models)) {
    for (const { variables, path } of filesOf(directory, name, model)) await writeAll(variables, path, signal);
    optimizerSteps[name] = model.optimizer?.step ?? 0;
  }
  signal.throwIfAborted();
  await writeFile(join(directory, 'trainer.json'), `${JSON.stringify({ version, optimizerSteps })}\n`);
}

/**
 * Reads what `saveModels` wrote, one tensor at a time; all names, shapes and sizes are checked before anything is replaced. `open` is
 * called once and makes the models that the checkpoint holds. Returns the version.
 */
export async function loadModels(
  directory: string,
  open: (names: readonly StoredModelName[]) => StoredModels,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const { version, optimizerSteps } = parseState(await read(join(directory, 'trainer.json')), directory);
  const models = modelsOf(open(modelNames.filter((name) => optimizerSteps[name] !== undefined)));
  const stored = models.flatMap(([name, model]) => filesOf(directory, name, model));
  for (const { variables, path } of stored) {
    await using file = await openSafetensors(path, signal);
    checkFits(variables, file);
  }
  for (const { variables, path } of stored) await assignAll(variables, path, signal);
  for (const [name, { optimizer }] of models) if (optimizer !== undefined) optimizer.step = optimizerSteps[name] ?? 0;
  return version;
}

/**
 * Replaces the weights by those of a reward model: `reward_model.safetensors` in the directory, which a checkpoint has whose trainer
 * trained one, or else `model.safetensors` with a value head in it. Throws ConfigError when there is neither or it does not fit.
 */
export async function loadRewardModel(
  directory: string,
  model: Pick<StoredModel, 'weights'>,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const names = await readdir(directory).catch((cause: unknown) => {
    throw new ConfigError(`cannot read ${directory}: write the directory of a reward model as rewardModel.path`, {
      cause,
    });
  });
  const candidates = [files.rewardModel[0], files.actor[0]];
  const name = candidates.find((candidate) => names.includes(candidate));
  if (name === undefined)
    throw new ConfigError(`${directory} holds no reward model: no ${candidates.join(' and no ')}`);
  await assignAll(weightsByName(model), join(directory, name), signal);
}

const modelNames = [
  'actor',
  'critic',
  'reference',
  'processReward',
  'rewardModel',
] as const satisfies readonly StoredModelName[];

function modelsOf(models: StoredModels): (readonly [StoredModelName, StoredModel])[] {
  return modelNames.flatMap((name) => {
    const model = models[name];
    return model === undefined ? [] : [[name, model] as const];
  });
}

function weightsByName({ weights }: Pick<StoredModel, 'weights'>): Variables {
  return new Map(weights.names.map((name) => [name, weights.get(name)]));
}

function momentsByName({ weights, optimizer }: StoredModel): Variables {
  const named = (moment: 'first' | 'second') =>
    (optimizer?.moments[moment] ?? []).map((variable, i) => [`${moment}.${weights.names[i]}`, variable] as const);
  return new Map([...named('first'), ...named('second')]);
}

/** The files of a model: its weights, and the moments of its optimizer where it has one. */
function filesOf(directory: string, name: StoredModelName, model: StoredModel): Stored[] {
  const [weightsFile, optimizerFile] = files[name];
  const weights = { variables: weightsByName(model), path: join(directory, weightsFile) };
  return optimizerFile === undefined
    ? [weights]
    : [weights, { variables: momentsByName(model), path: join(directory, optimizerFile) }];
}

async function writeAll(variables: Variables, path: string, signal: AbortSignal): Promise<void> {
  const tensors = [...variables].map(([name, variable]) => ({
    name,
    shape: variable.shape,
    dtype: 'F32' as const,
    values: async () => Float32Array.from(await variable.data()),
  }));
  await writeSafetensors(path, tensors, {}, signal);
}

/** Replaces the variables' values by those in the file, which must hold these and no others. */
async function assignAll(variables: Variables, path: string, signal: AbortSignal): Promise<void> {
  await using file = await openSafetensors(path, signal);
  checkFits(variables, file);
  for (const [name, variable] of variables) {
    const values = await file.read(name, signal);
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
}

function checkFits(variables: Variables, { path, tensors }: SafetensorsFile): void {
  const unknown = [...tensors.keys()].find((name) => !variables.has(name));
  if (unknown !== undefined) throw new ConfigError(`${path} has a tensor ${unknown} that the model's config has not`);
  for (const [name, { shape }] of variables) {
    const stored = tensors.get(name);
    if (stored === undefined) throw new ConfigError(`${path} has no tensor ${name}`);
    if (!tf.util.arraysEqual([...stored.shape], shape)) {
      throw new ConfigError(`${name} in ${path} has shape [${stored.shape}], the model's config says [${shape}]`);
    }
  }
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
