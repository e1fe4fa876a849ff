import { LinkedAbort } from '../core/linked-abort.js';
import { passLimit } from '../core/pass-limit.js';
import { openRewardModel } from '../core/reward-models/open-reward-model.js';
import { scoreGroups } from '../core/reward-models/score-groups.js';
import type { LoopParts } from '../core/train.js';
import type { JobFabric, Trainer } from '../core/types.js';
import { HttpEngine } from '../rollout/engines/http.js';
import { EPISODE_JOB, episodeHandler } from '../rollout/episode-job.js';
import { openFabric } from '../rollout/fabric/open-fabric.js';
import { policyServerConfig } from '../rollout/policy-server/config.js';
import { spawnPolicyServer } from '../rollout/policy-server/spawn.js';
import { HttpTrainer } from '../rollout/trainers/http.js';
import { openSandboxProvider } from '../sandbox/open-sandbox-provider.js';
import type { ResolvedRun } from './resolve-run.js';

/** What a run has standing while it works; `notes` says in sentences what was chosen on this machine. */
export interface House {
  readonly fabric: JobFabric;
  readonly trainer: Trainer;
  readonly notes: readonly string[];
  /** Puts the scores of the run's reward model, where it has one, into the rewards of finished groups. */
  readonly score?: ScoreGroups;
}

export type ScoreGroups = NonNullable<LoopParts['score']>;

/**
 * Starts everything on one machine (sandboxes, job fabric, policy server, a rollout worker), hands it to `use`, and takes it
 * down in reverse order however `use` ends. `use` gets a signal that also aborts, with the failure, when the policy server dies.
 */
export async function withHouse<Result>(
  run: ResolvedRun,
  use: (house: House, signal: AbortSignal) => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  const { config } = run;
  const sandbox = await openSandboxProvider(config.sandbox, signal);
  await using sandboxProvider = sandbox.provider;
  const opened = await openFabric(config.fabric, signal);
  await using fabric = opened.fabric;
  const { backend, threads, matmulPrecision, model, tokenizer, seed } = config;
  const { maxBatchSize, timeoutMs } = config.engine;
  const serverConfig = policyServerConfig.parse({
    backend,
    threads,
    matmulPrecision,
    model,
    criticTrunk: config.critic.trunk,
    ...(config.rewardModel.name === 'value_head' && { rewardModelPath: config.rewardModel.path }),
    seed,
    tokenizer,
    vocabSize: run.language.tokenizer.vocabSize,
    ...(model.path !== null && { contextLength: config.rollout.maxContext }),
    maxBatchSize,
  });
  const start = model.path === null ? {} : { startTimeoutMs: timeoutMs }; // reading weights may take long
  await using server = await spawnPolicyServer(serverConfig, start, signal);
  await using engine = new HttpEngine(server.url, { timeoutMs, gone: server.gone });
  await using trainer = new HttpTrainer(server.url, { timeoutMs, gone: server.gone });
  const judge = { trainer, ...passLimit(config.algorithm), env: process.env };
  await using rewardModel = openRewardModel(config.rewardModel, judge);
  await using _worker = fabric.work(
    EPISODE_JOB,
    episodeHandler({
      definition: run.env,
      options: run.envOptions,
      tools: run.tools,
      engine,
      renderer: run.language.renderer,
      config: config.rollout,
      sandboxProvider,
    }),
    { concurrency: config.fabric.concurrency },
  );
  const warnings = sandbox.warning === undefined ? [] : [sandbox.warning];
  const isolation = `The model's code runs in: ${sandboxProvider.name}.`;
  const policy = `Policy server: process ${server.pid} at ${server.url}, backend ${server.backend}.`;
  using either = new LinkedAbort(signal, server.gone);
  const notes = [opened.description, isolation, ...warnings, policy];
  if (rewardModel === undefined) return await use({ fabric, trainer, notes }, either.signal);
  const score: ScoreGroups = (groups, signal) => scoreGroups(groups, rewardModel, signal);
  return await use({ fabric, trainer, notes, score }, either.signal);
}
