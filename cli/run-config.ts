import { z } from 'zod';
import { algorithmConfig } from '../core/algorithm-config.js';
import { criticConfig } from '../core/critic-config.js';
import { ConfigError } from '../core/errors.js';
import { modelConfig } from '../core/model/config.js';
import { rewardModelConfig } from '../core/reward-models/config.js';
import { optimizerConfig } from '../core/schedule.js';
import { loopConfig } from '../core/train.js';
import { warmStartConfig } from '../core/warm-start.js';
import type { EnvDefinition } from '../envs/environment.js';
import { rolloutConfig } from '../rollout/config.js';
import { fabricConfig } from '../rollout/fabric/config.js';
import { engineConfig } from '../rollout/policy-server/config.js';
import { sandboxConfig } from '../sandbox/config.js';
import type { Tool } from '../tools/tool.js';
import { machineConfig, trackingConfig } from './common-config.js';

export interface RunConfigParts {
  readonly envs: readonly EnvDefinition[];
  readonly tools: readonly Tool[];
}

/** The config of a run: the sections below, the rooms' own, and `env` and `tools` by what is registered. */
export function runConfigSchema({ envs, tools }: RunConfigParts) {
  return z
    .strictObject({ ...general, env: envSchema(envs), tools: toolsSchema(tools), ...rooms })
    .superRefine((config, context) => {
      const env = envs.find(({ name }) => name === config.env.name);
      if (config.warmStart.steps > 0 && env !== undefined && env.demonstrate === undefined) {
        const message = `environment "${env.name}" has no demonstrations to learn from; write warmStart.steps: 0`;
        context.addIssue({ code: 'custom', path: ['warmStart', 'steps'], message });
      }
      const { n, temperature } = config.rollout.valKwargs;
      if (n > 1 && (temperature ?? config.rollout.temperature) === 0) {
        const message = `is ${n}, but at temperature 0 all episodes of a task are the same; write 1, or a rollout.valKwargs.temperature`;
        context.addIssue({ code: 'custom', path: ['rollout', 'valKwargs', 'n'], message });
      }
      const longest = config.model.maxPositionEmbeddings;
      if (config.model.path === null && config.rollout.maxContext > longest) {
        const message = `is more than model.maxPositionEmbeddings (${longest}), write ${longest} or less, or raise that`;
        context.addIssue({ code: 'custom', path: ['rollout', 'maxContext'], message });
      }
      const { name: estimator } = config.algorithm.advEstimator;
      if (config.rollout.n < 2 && ['best_vs_worst', 'win_rate'].includes(estimator)) {
        const message = `is ${config.rollout.n}, but ${estimator} compares episodes of a task, write 2 or more`;
        context.addIssue({ code: 'custom', path: ['rollout', 'n'], message });
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
  ...machineConfig,
  imports: z.array(z.string()).default([]).describe('modules with your environments and tools, relative to this file'),
};

const directoryPath = z.string().min(1).nullable().default(null);

const trainerConfig = z.strictObject({
  ...loopConfig.shape,
  ...trackingConfig,
  rolloutDataDir: directoryPath.describe(
    'directory for the samples of each training step as verl dumps them, from the run directory; null writes none',
  ),
  validationDataDir: directoryPath.describe('the same for evaluations, another directory'),
});

/** The sections of rooms, each configured beside its code. */
const rooms = {
  model: modelConfig.prefault({}).describe('the policy'),
  warmStart: warmStartConfig.prefault({}).describe('supervised training before reinforcement learning'),
  optimizer: optimizerConfig.prefault({}).describe('the optimizer of reinforcement learning'),
  algorithm: algorithmConfig.prefault({}).describe('advantages and losses'),
  critic: criticConfig.prefault({}).describe('the value function, where there is one'),
  rewardModel: rewardModelConfig.prefault({ name: 'none' }).describe('a model whose score is part of the reward'),
  rollout: rolloutConfig.prefault({}).describe('how episodes are sampled and what they may spend'),
  data: z
    .strictObject({
      trainBatchSize: z.int().min(1).default(16).describe('tasks a step; each is played rollout.n times'),
      evalSize: z.int().min(1).default(64).describe('tasks an evaluation; each is played rollout.valKwargs.n times'),
    })
    .prefault({})
    .describe('how many tasks'),
  trainer: trainerConfig.prefault({}).describe('the loop, and where it writes'),
  engine: engineConfig.prefault({}).describe('the policy server'),
  fabric: fabricConfig.prefault({}).describe('how jobs travel'),
  sandbox: sandboxConfig.prefault({}).describe('where the model’s code runs'),
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
