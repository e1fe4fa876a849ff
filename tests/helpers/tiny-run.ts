import { join } from 'node:path';
import { algorithmConfig } from '../../core/algorithm-config.js';
import { loadLatestCheckpoint, saveCheckpoint } from '../../core/checkpoint.js';
import { criticConfig } from '../../core/critic-config.js';
import { initialLoopState } from '../../core/loop-state.js';
import { type RunState, runState } from '../../core/run-state.js';
import { optimizerConfig } from '../../core/schedule.js';
import { byteTokenizer } from '../../core/text/byte-tokenizer.js';
import { MemoryTracker } from '../../core/trackers/memory.js';
import { type LoopParts, loopConfig, train } from '../../core/train.js';
import type { InferenceEngine, Metrics, SandboxProvider, TrajectoryGroup } from '../../core/types.js';
import { defineEnv } from '../../envs/define-env.js';
import { collectGroups } from '../../rollout/collect.js';
import { rolloutConfig } from '../../rollout/config.js';
import { LocalEngine } from '../../rollout/engines/local.js';
import { EPISODE_JOB, type EpisodeDeps, episodeHandler } from '../../rollout/episode-job.js';
import { InProcessFabric } from '../../rollout/fabric/in-process.js';
import { chatMlRenderer } from '../../rollout/renderer.js';
import { openTinyPolicy, type TinyPolicy } from './tiny-policy.js';

/** Two turns; the reward is a checksum of what was said, so that a fresh policy's rewards differ within a group. */
export const babble = defineEnv({
  name: 'babble',
  task: ({ index }) => ({ data: index }),
  prompt: (task) => `say ${task.data}`,
  rewards: { checksum: { weight: 1, score: ({ messages }) => checksum(JSON.stringify(messages)) } },
  step: (action, { task }) => ({
    messages: [{ role: 'user', content: `more than ${action.content.length + task.data}` }],
    toolCalls: [],
    terminated: false,
  }),
});

function checksum(text: string): number {
  return (Array.from(text).reduce((sum, char) => sum + (char.codePointAt(0) ?? 0), 0) % 8) / 8;
}

export const tinyRollout = rolloutConfig.parse({ maxTurns: 2, maxTurnTokens: 6, maxContext: 200 });

export interface TinyHouseOptions {
  readonly seed?: number;
  /** What episodes are run with instead of the house's own parts. */
  readonly deps?: (engine: InferenceEngine) => Partial<EpisodeDeps>;
}

export interface TinyHouse extends AsyncDisposable {
  readonly tiny: TinyPolicy;
  readonly fabric: InProcessFabric;
  readonly deps: EpisodeDeps;
  readonly seed: number;
}

/** Real parts for a whole run in this process: policy, engine, fabric and one worker that runs episodes. */
export function openTinyHouse({ seed = 1, deps }: TinyHouseOptions = {}): TinyHouse {
  const tiny = openTinyPolicy(seed);
  const engine = new LocalEngine(tiny.sampler, { maxBatchSize: 16 });
  const all: EpisodeDeps = {
    definition: babble,
    options: {},
    tools: [],
    engine,
    renderer: chatMlRenderer(byteTokenizer, { showTools: false }),
    config: tinyRollout,
    sandboxProvider: brokenSandboxes,
    ...deps?.(engine),
  };
  const fabric = new InProcessFabric({ backoffMs: 1 });
  const worker = fabric.work(EPISODE_JOB, episodeHandler(all), { concurrency: 16 });
  return {
    tiny,
    fabric,
    deps: all,
    seed,
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      await fabric[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
      tiny[Symbol.dispose]();
    },
  };
}

/** A provider whose sandboxes cannot be made. */
export const brokenSandboxes: SandboxProvider = {
  name: 'broken',
  create: async () => {
    throw new Error('no sandbox today');
  },
  async [Symbol.asyncDispose]() {},
};

export interface TinyRunOptions {
  readonly totalTrainingSteps: number;
  readonly saveFreq?: number;
  readonly testFreq?: number;
  /** Where checkpoints go; without it nothing is saved. */
  readonly root?: string;
  /** Keys of the algorithm and of the critic that are not the default. */
  readonly algorithm?: object;
  readonly critic?: object;
  /** Tasks a step; default 2. */
  readonly trainBatchSize?: number;
  /** Called when the collection of a step begins. */
  readonly onCollect?: (step: number) => void;
  /** Doors of the loop that the test replaces. */
  readonly parts?: Partial<LoopParts>;
}

export interface TinyRunResult {
  /** One entry a step, what depends on the clock left out. */
  readonly metrics: readonly Metrics[];
  readonly tracker: MemoryTracker;
  /** Steps saved, in order. */
  readonly saved: readonly number[];
  /** What the loop threw, if it did. */
  readonly error: unknown;
}

/** The loop over a house, taken up at the newest checkpoint of `root` if there is one. */
export async function runTiny(
  house: TinyHouse,
  options: TinyRunOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<TinyRunResult> {
  const { totalTrainingSteps, saveFreq = 0, testFreq = 0, root, trainBatchSize = 2 } = options;
  const tracker = new MemoryTracker();
  const saved: number[] = [];
  const { trainer } = house.tiny;
  const start =
    root === undefined ? undefined : await loadLatestCheckpoint(root, { trainer, schema: runState }, signal);
  let nextTask = start?.nextTask ?? 0;
  const parts: LoopParts = {
    trainer,
    tracker,
    async *collect({ step }, signal) {
      options.onCollect?.(step);
      yield* collectTiny(house, { step, firstTask: nextTask, count: trainBatchSize }, signal);
      nextTask += trainBatchSize;
    },
    remark: () => {},
    evaluate: async () => {},
    async save(step, loop, signal) {
      saved.push(step);
      const state: RunState = { step, nextTask, seed: house.seed, initialReward: null, loop };
      if (root !== undefined) await saveCheckpoint(root, { state, trainer, keep: 2 }, signal);
    },
    ...options.parts,
  };
  const algorithm = algorithmConfig.parse({ ppoMiniBatchSize: 4, ppoMaxTokenLenPerGpu: 200, ...options.algorithm });
  const plan = {
    loop: loopConfig.parse({ totalTrainingSteps, saveFreq, testFreq }),
    algorithm,
    critic: criticConfig.parse(options.critic ?? {}),
    trainBatchSize,
    seed: house.seed,
    state: start?.loop ?? initialLoopState(algorithm),
    optimizer: optimizerConfig.parse({ lr: 3e-3, lrScheduler: 'cosine', lrWarmupSteps: 1 }),
    temperature: 1,
    maxResponseTokens: 100,
    lastStep: start?.step ?? 0,
  };
  const error = await train(plan, parts, signal).catch((error: unknown) => error);
  const records = await tracker.readMetrics();
  return { metrics: records.map(({ data }) => withoutTimes(data)), tracker, saved, error };
}

/** Groups of three episodes a task. */
export function collectTiny(
  { fabric, seed }: TinyHouse,
  { step, firstTask, count }: { step: number; firstTask: number; count: number },
  signal: AbortSignal,
): AsyncIterable<TrajectoryGroup> {
  const tasks = Array.from({ length: count }, (_, i) => babble.task({}, 'train', firstTask + i, seed));
  const request = { fabric, tasks, n: 3, step, split: 'train', runId: 'tiny', seed, attempts: 2 } as const;
  return collectGroups({ ...request, deadlineMs: 20_000 }, signal);
}

export function checkpointPath(root: string, step: number): string {
  return join(root, `global_step_${step}`);
}

function withoutTimes(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !/^(timing_s|perf)\//.test(name)));
}
