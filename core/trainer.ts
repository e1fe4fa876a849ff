import type { Policy } from './model/policy.js';
import type { FrozenRewardModel } from './model/trained-model.js';
import { updateActor } from './training/actor-update.js';
import { updateCritic } from './training/critic-update.js';
import { infer } from './training/infer.js';
import { TrainerModels } from './training/models.js';
import { updateProcessReward } from './training/process-reward-update.js';
import { updateRewardModel } from './training/reward-model-update.js';
import type { InferOptions, InferredColumns, Metrics, Trainer, TrainSequence, UpdateOptions } from './types.js';

export interface PolicyTrainerOptions {
  /** What the critic's head stands on, when there is a critic: a copy of the policy, or the policy itself. */
  readonly criticTrunk: 'own' | 'shared';
  /** Gives scores instead of one that is trained here; stays its owner's. */
  readonly rewardModel?: FrozenRewardModel;
}

/** Trains a policy in this process, with its weights shared in place. */
export class PolicyTrainer implements Trainer, Disposable {
  readonly #policy: Policy;
  readonly #models: TrainerModels;

  constructor(policy: Policy, options: PolicyTrainerOptions = { criticTrunk: 'own' }) {
    this.#policy = policy;
    this.#models = new TrainerModels(policy, options);
  }

  async infer(
    sequences: readonly Pick<TrainSequence, 'tokens' | 'mask'>[],
    options: InferOptions,
    signal: AbortSignal,
  ): Promise<InferredColumns> {
    return infer(this.#models, sequences, options, signal);
  }

  async update(sequences: readonly TrainSequence[], options: UpdateOptions, signal: AbortSignal): Promise<Metrics> {
    signal.throwIfAborted();
    if (options.model === 'critic') return updateCritic(this.#models, sequences, options, signal);
    if (options.model === 'processReward') return updateProcessReward(this.#models, sequences, options, signal);
    if (options.model === 'rewardModel') return updateRewardModel(this.#models, sequences, options, signal);
    const metrics = await updateActor(this.#models, sequences, options, signal);
    this.#policy.version += 1;
    return metrics;
  }

  async publish(signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    return this.#policy.version;
  }

  async save(directory: string, signal: AbortSignal): Promise<void> {
    await this.#models.save(directory, signal);
  }

  async load(directory: string, signal: AbortSignal): Promise<void> {
    await this.#models.load(directory, signal);
  }

  [Symbol.dispose](): void {
    this.#models[Symbol.dispose]();
  }
}
