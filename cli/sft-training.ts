import { z } from 'zod';
import { loadLatestCheckpoint, saveCheckpoint } from '../core/checkpoint.js';
import { ConfigError } from '../core/errors.js';
import { LinkedAbort } from '../core/linked-abort.js';
import { supervisedSteps, trainSupervised } from '../core/sft/train-supervised.js';
import type { Trainer } from '../core/types.js';
import { policyServerConfig } from '../rollout/policy-server/config.js';
import { spawnPolicyServer } from '../rollout/policy-server/spawn.js';
import { HttpTrainer } from '../rollout/trainers/http.js';
import { longestOf, type ResolvedSft } from './resolve-sft.js';
import type { RunOptions } from './run-options.js';

type SftOptions = RunOptions<ResolvedSft>;

/** What a run came to: mean loss of held-out tokens, in nats, before and after; NaN where nothing is held out. */
export type SftSummary = {
  readonly initialLoss: number;
  readonly finalLoss: number;
  readonly steps: number;
  readonly seconds: number;
};

const sftState = z.strictObject({ step: z.int().min(0), seed: z.int() });

/** Supervised fine-tuning in a policy server of its own. On abort writes a checkpoint and throws the signal's reason. */
export async function runSft(options: SftOptions, signal: AbortSignal): Promise<SftSummary> {
  const startedAt = performance.now();
  const { config, data, vocabSize } = options.run;
  const { backend, threads, matmulPrecision, model, tokenizer, seed, engine } = config;
  const longest = longestOf([...data.train, ...data.val]);
  const serverConfig = policyServerConfig.parse({
    ...{ backend, threads, matmulPrecision, model, tokenizer, seed, vocabSize },
    contextLength: longest,
    maxBatchSize: engine.maxBatchSize,
  });
  await using server = await spawnPolicyServer(serverConfig, { startTimeoutMs: engine.timeoutMs }, signal);
  await using trainer = new HttpTrainer(server.url, { timeoutMs: engine.timeoutMs, gone: server.gone });
  using either = new LinkedAbort(signal, server.gone);
  const steps = await trainIn(options, trainer, either.signal);
  const losses = (await evaluations(options)).map(({ loss }) => loss);
  return {
    initialLoss: losses[0] ?? Number.NaN,
    finalLoss: losses.at(-1) ?? Number.NaN,
    steps,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

/** Returns the number of steps that the run has. */
async function trainIn(options: SftOptions, trainer: Trainer, signal: AbortSignal): Promise<number> {
  const { run, directory, tracker, progress, resume } = options;
  const { config, data } = run;
  const lastStep = resume ? await takeUp(options, trainer, signal) : 0;
  const standing = lastStep === 0 ? -1 : lastStep;
  const notes = await options.openTrackers(resume ? standing : undefined);
  for (const note of [...data.notes, ...notes]) progress.note(note);
  if (resume) await options.records.resumeAt(standing);
  const { trainBatchSize, maxTokenLenPerGpu, memoryBudgetGb } = config.data;
  const steps = supervisedSteps({ loop: config.trainer, trainBatchSize }, data.train.length);
  const plan = {
    loop: config.trainer,
    optimizer: { ...config.optimizer, lrWarmupSteps: config.optimizer.lrWarmupSteps ?? Math.floor(steps / 10) },
    trainBatchSize,
    limit: { ppoMaxTokenLenPerGpu: maxTokenLenPerGpu, memoryBudgetGb },
    seed: config.seed,
    lastStep,
    lastEvaluation: (await evaluations(options)).at(-1)?.step ?? -1,
  };
  progress.phase('sft', steps, lastStep);
  const save = async (step: number, signal: AbortSignal): Promise<void> => {
    const state = { step, seed: config.seed };
    await saveCheckpoint(directory.checkpointsPath, { state, trainer, keep: config.trainer.maxCkptToKeep }, signal);
  };
  await trainSupervised(plan, { trainer, tracker, train: data.train, val: data.val, save }, signal);
  return steps;
}

/** Losses of held-out tokens as the records tell them, with their steps. */
async function evaluations({ records }: SftOptions): Promise<{ readonly step: number; readonly loss: number }[]> {
  const metrics = await records.readMetrics();
  return metrics.flatMap(({ step, data }) => (data['val/loss'] === undefined ? [] : { step, loss: data['val/loss'] }));
}

/** Loads the newest checkpoint; returns its step, 0 where there is none. */
async function takeUp({ run, directory }: SftOptions, trainer: Trainer, signal: AbortSignal): Promise<number> {
  const found = await loadLatestCheckpoint(directory.checkpointsPath, { trainer, schema: sftState }, signal);
  if (found === undefined) return 0;
  if (found.seed === run.config.seed) return found.step;
  throw new ConfigError(
    `the run began with seed ${found.seed} and cannot go on with ${run.config.seed}; leave seed out`,
  );
}
