import { ConfigError } from '../errors.js';
import { writePapers } from '../model/papers.js';
import type { Policy } from '../model/policy.js';
import { loadModels, type StoredModelName, type StoredModels, saveModels } from '../model/policy-files.js';
import {
  type FrozenRewardModel,
  ReferenceModel,
  TrainedCopy,
  ValueModel,
  type ValueParts,
} from '../model/trained-model.js';
import { AdamW } from '../tensor/adamw.js';
import { TokenBudget } from './token-budget.js';

export interface TrainerModelsOptions {
  readonly criticTrunk: 'own' | 'shared';
  /** Instead of one that is trained here; stays its owner's. */
  readonly rewardModel?: FrozenRewardModel;
}

/**
 * The policy with its optimizer, and the models beside it. Each of those is made from the policy's weights the first time that it
 * is asked for: before the first update of reinforcement learning, that is after a warm start. Owns all but the policy.
 */
export class TrainerModels implements Disposable {
  readonly policy: Policy;
  readonly optimizer: AdamW;
  /** How sequences are cut into passes. */
  readonly tokenBudget: TokenBudget;
  readonly #criticTrunk: 'own' | 'shared';
  readonly #frozenRewardModel: FrozenRewardModel | undefined;
  #others: OtherModels;

  constructor(policy: Policy, { criticTrunk, rewardModel }: TrainerModelsOptions) {
    this.policy = policy;
    this.#frozenRewardModel = rewardModel;
    this.optimizer = new AdamW(policy.weights.variables);
    this.tokenBudget = new TokenBudget(policy);
    this.#criticTrunk = criticTrunk;
    this.#others = new OtherModels(policy, criticTrunk);
  }

  get critic(): ValueModel {
    return this.#others.critic;
  }

  get reference(): ReferenceModel {
    return this.#others.reference;
  }

  get processReward(): TrainedCopy {
    return this.#others.processReward;
  }

  get rewardModel(): ValueParts {
    return this.#frozenRewardModel ?? this.#others.rewardModel;
  }

  /** Throws ConfigError where the reward model is a frozen one. */
  get trainedRewardModel(): ValueModel {
    if (this.#frozenRewardModel === undefined) return this.#others.rewardModel;
    throw new ConfigError('the reward model is frozen; leave rewardModelPath out to train one');
  }

  async save(directory: string, signal: AbortSignal): Promise<void> {
    await saveModels(directory, { models: this.#stored(this.#others), version: this.policy.version }, signal);
    await writePapers(directory, this.policy, signal);
  }

  /** Afterwards there are the models that the checkpoint holds; nothing is changed when it does not fit. */
  async load(directory: string, signal: AbortSignal): Promise<void> {
    let others = new OtherModels(this.policy, this.#criticTrunk);
    try {
      const open = (names: readonly StoredModelName[]) => this.#stored(others.open(names));
      this.policy.version = await loadModels(directory, open, signal);
      [this.#others, others] = [others, this.#others];
    } finally {
      others[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.optimizer[Symbol.dispose]();
    this.#others[Symbol.dispose]();
  }

  #stored(others: OtherModels): StoredModels {
    const { weights, lora } = this.policy;
    return { actor: { weights, optimizer: this.optimizer, isAdapter: lora !== undefined }, ...others.opened };
  }
}

/** The models beside the policy, each made when it is first asked for. */
class OtherModels implements Disposable {
  readonly #policy: Policy;
  readonly #criticTrunk: 'own' | 'shared';
  #critic: ValueModel | undefined;
  #reference: ReferenceModel | undefined;
  #processReward: TrainedCopy | undefined;
  #rewardModel: ValueModel | undefined;

  constructor(policy: Policy, criticTrunk: 'own' | 'shared') {
    this.#policy = policy;
    this.#criticTrunk = criticTrunk;
  }

  get critic(): ValueModel {
    this.#critic ??= new ValueModel(this.#policy, this.#criticTrunk);
    return this.#critic;
  }

  get reference(): ReferenceModel {
    this.#reference ??= new ReferenceModel(this.#policy);
    return this.#reference;
  }

  get processReward(): TrainedCopy {
    this.#processReward ??= new TrainedCopy(this.#policy);
    return this.#processReward;
  }

  get rewardModel(): ValueModel {
    this.#rewardModel ??= new ValueModel(this.#policy, 'own');
    return this.#rewardModel;
  }

  get opened(): Omit<StoredModels, 'actor'> {
    return {
      ...(this.#critic && { critic: this.#critic }),
      ...(this.#reference && { reference: this.#reference }),
      ...(this.#processReward && { processReward: this.#processReward }),
      ...(this.#rewardModel && { rewardModel: this.#rewardModel }),
    };
  }

  open(names: readonly StoredModelName[]): this {
    for (const name of names) if (name !== 'actor') void this[name];
    return this;
  }

  [Symbol.dispose](): void {
    const models = [this.#critic, this.#reference, this.#processReward, this.#rewardModel];
    for (const model of models) model?.[Symbol.dispose]();
  }
}
