import { z } from 'zod';
import { ConfigError } from '../core/errors.js';
import type { EnvDefinition } from '../envs/environment.js';
import type { Tool } from '../tools/tool.js';

/** The sections of rooms that are configured beside their code. */
export const rooms = {};

export interface RunConfigParts {
  readonly envs: readonly EnvDefinition[];
  readonly tools: readonly Tool[];
}

/** The config of a run: the sections below, the rooms' own, and `env` and `tools` by what is registered. */
export function runConfigSchema({ envs, tools }: RunConfigParts) {
  return z
    .strictObject({ ...general, env: envSchema(envs), tools: toolsSchema(tools), ...training, ...rooms })
    .superRefine((config, context) => {
      const env = envs.find(({ name }) => name === config.env.name);
      if (config.warmStart.steps > 0 && env !== undefined && env.demonstrate === undefined) {
        const message = `environment "${env.name}" has no demonstrations to learn from; write warmStart.steps: 0`;
        context.addIssue({ code: 'custom', path: ['warmStart', 'steps'], message });
      }
      if (config.optimizer.lrWarmupSteps > config.trainer.totalTrainingSteps) {
        const message = `is more than trainer.totalTrainingSteps (${config.trainer.totalTrainingSteps}), write less`;
        context.addIssue({ code: 'custom', path: ['optimizer', 'lrWarmupSteps'], message });
      }
    });
}

export type RunConfig = z.output<ReturnType<typeof runConfigSchema>>;

/** What a choice is called when an unknown name was chosen. */
export const kinds = { 'env.name': 'environment', 'tools.*': 'tool', 'tools.*.name': 'tool', backend: 'backend' };

const general = {
  name: z
    .string()
    .refine((name) => /^[\w.-]+$/.test(name), 'write letters, digits, dots, dashes and underscores only')
    .default('run')
    .describe('first part of the run directory’s name'),
  seed: z.int().min(0).max(0xffffffff).default(1).describe('the same seed, backend and machine give the same run'),
  backend: z
    .enum(['auto', 'wasm', 'cpu', 'node', 'node-gpu'])
    .default('auto')
    .describe('where tensors are computed; auto takes the fastest that is installed'),
  imports: z.array(z.string()).default([]).describe('modules with your environments and tools, relative to this file'),
  tokenizer: z
    .discriminatedUnion('name', [z.strictObject({ name: z.literal('byte') })])
    .prefault({ name: 'byte' })
    .describe('how text becomes tokens'),
};

const training = {
  optimizer: z
    .strictObject({
      lr: z.number().positive().max(1).default(1e-3).describe('learning rate at its highest'),
      lrScheduler: z.enum(['constant', 'cosine']).default('constant').describe('shape of the learning rate'),
      lrWarmupSteps: z.int().min(0).default(0).describe('steps in which the learning rate rises to lr'),
      lrMinRatio: z.number().min(0).max(1).default(0).describe('lowest learning rate, as a part of lr'),
      weightDecay: z.number().min(0).max(1).default(0.01).describe('decoupled weight decay'),
      gradClip: z.number().positive().default(1).describe('largest global norm of the gradient'),
    })
    .prefault({}),
  warmStart: z
    .strictObject({
      steps: z.int().min(0).default(0).describe('optimizer steps on demonstrations before the first rollout; 0 = none'),
      demonstrations: z.int().min(1).default(512).describe('episodes the environment’s teacher plays'),
      batchSize: z.int().min(1).default(16).describe('demonstrations an optimizer step'),
      lr: z.number().positive().max(1).default(1e-3).describe('learning rate'),
    })
    .prefault({}),
  data: z
    .strictObject({
      trainBatchSize: z.int().min(1).default(16).describe('tasks a step; each is played rollout.n times'),
      evalSize: z.int().min(1).default(64).describe('tasks an evaluation; each is played once'),
    })
    .prefault({}),
  trainer: z
    .strictObject({
      totalTrainingSteps: z.int().min(0).default(100).describe('steps of the run'),
      testFreq: z.int().min(-1).default(10).describe('evaluate every so many steps; -1 or 0 = never'),
      saveFreq: z.int().min(-1).default(10).describe('write a checkpoint every so many steps; -1 or 0 = never'),
      maxCkptToKeep: z.int().min(1).default(2).describe('newest checkpoints kept'),
    })
    .prefault({}),
};

function envSchema(envs: readonly EnvDefinition[]) {
  const [first, ...rest] = envs.map(withName);
  if (first === undefined) throw new ConfigError('no environment is known; name a module with one under "imports"');
  return z.discriminatedUnion('name', [first, ...rest]).describe('the environment and its options');
}

function withName(env: EnvDefinition): z.ZodObject<{ name: z.ZodLiteral<string> }, z.core.$loose> {
  if (!(env.options instanceof z.ZodObject)) {
    throw new ConfigError(`the options of environment "${env.name}" are no zod object; write z.strictObject({ … })`);
  }
  if ('name' in env.options.shape) {
    throw new ConfigError(`environment "${env.name}" has an option "name", which is the environment's own; rename it`);
  }
  return env.options.safeExtend({ name: z.literal(env.name) });
}

function toolsSchema(tools: readonly Tool[]) {
  const name = z.enum(tools.map((tool) => tool.name));
  const timeoutMs = z.int().min(1).max(3_600_000).optional().describe('instead of the tool’s own limit for a call');
  return z
    .array(z.union([name, z.strictObject({ name, timeoutMs })]))
    .optional()
    .describe('tools the model may call; the environment’s own when left out');
}
