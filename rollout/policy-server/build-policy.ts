import { ConfigError } from '../../core/errors.js';
import { withMemoryMetrics } from '../../core/memory-metrics.js';
import { loadPolicy } from '../../core/model/load-policy.js';
import { loadAdapter } from '../../core/model/lora/load-adapter.js';
import { readPeftConfig } from '../../core/model/lora/peft-config.js';
import { openModel } from '../../core/model/open-model.js';
import { openText } from '../../core/model/open-text.js';
import { Policy } from '../../core/model/policy.js';
import { loadRewardModel } from '../../core/model/policy-files.js';
import { PolicySampler } from '../../core/model/sampler.js';
import { FrozenRewardModel } from '../../core/model/trained-model.js';
import { useBackend } from '../../core/tensor/backend.js';
import { PolicyTrainer } from '../../core/trainer.js';
import { LocalEngine } from '../engines/local.js';
import type { PolicyServerConfig } from './config.js';
import type { PolicyServerParts } from './server.js';

/** Engine and trainer over one set of weights; disposing it frees all of them. */
export interface ServedPolicy extends PolicyServerParts, AsyncDisposable {}

/** Makes backend, weights, engine and trainer; throws ConfigError for what cannot be built. */
export async function buildPolicy(config: PolicyServerConfig, signal: AbortSignal): Promise<ServedPolicy> {
  const backend = await useBackend(config.backend, config);
  signal.throwIfAborted();
  const policy = await openPolicy(config, signal);
  const rewardModel = await openRewardModel(policy, config, signal).catch((error: unknown) => {
    policy[Symbol.dispose]();
    throw error;
  });
  const trainer = new PolicyTrainer(policy, { ...config, ...(rewardModel && { rewardModel }) });
  const engine = new LocalEngine(new PolicySampler(policy), { maxBatchSize: config.maxBatchSize });
  return {
    engine,
    trainer: withMemoryMetrics(trainer),
    backend,
    version: policy.version,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      trainer[Symbol.dispose]();
      rewardModel?.[Symbol.dispose]();
      policy[Symbol.dispose]();
    },
  };
}

/** The pretrained model, or a fresh one. */
async function openPolicy(config: PolicyServerConfig, signal: AbortSignal): Promise<Policy> {
  const { model, vocabSize, seed } = config;
  const env = { env: process.env };
  if (model.path === null) return Policy.fresh(model, vocabSize, seed, await openText(config, env, signal));
  await using files = await openModel(model.path, env, signal);
  const isOwn = config.tokenizer === null && model.customChatTemplate === null;
  const text = isOwn ? files.text : await openText(config, env, signal);
  const { enableGradientCheckpointing } = model;
  const options = {
    enableGradientCheckpointing,
    lora: model.loraAdapterPath === null ? model : (await readPeftConfig(model.loraAdapterPath)).lora,
    source: model.path,
    seed,
    ...(config.contextLength !== undefined && { contextLength: config.contextLength }),
    ...(text && { text }),
  };
  const policy = await loadPolicy(files, options, signal);
  try {
    if (model.loraAdapterPath !== null) await loadAdapter(policy, model.loraAdapterPath, signal);
    checkVocabulary(policy, config);
    return policy;
  } catch (error) {
    policy[Symbol.dispose]();
    throw error;
  }
}

/** A model may have room for more tokens than its tokenizer has, not for fewer. */
function checkVocabulary(policy: Policy, { vocabSize, model }: PolicyServerConfig): void {
  if (vocabSize <= policy.vocabSize) return;
  throw new ConfigError(
    `the tokenizer has ${vocabSize} tokens, ${model.path} only ${policy.vocabSize}: name its own tokenizer`,
  );
}

/** Loaded at once, so that a directory without one is known before any work. */
async function openRewardModel(
  policy: Policy,
  { rewardModelPath }: PolicyServerConfig,
  signal: AbortSignal,
): Promise<FrozenRewardModel | undefined> {
  if (rewardModelPath === undefined) return undefined;
  const rewardModel = new FrozenRewardModel(policy);
  try {
    await loadRewardModel(rewardModelPath, rewardModel, signal);
    return rewardModel;
  } catch (error) {
    rewardModel[Symbol.dispose]();
    throw error;
  }
}
