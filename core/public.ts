/** The door of this room for users of the package. */
export { type AlgorithmConfig, algorithmConfig } from './algorithm-config.js';
export { type CriticConfig, criticConfig } from './critic-config.js';
export { ConfigError, InfrastructureError } from './errors.js';
export { initialLoopState, type LoopState } from './loop-state.js';
export { type ModelConfig, modelConfig } from './model/config.js';
export { Policy } from './model/policy.js';
export { PolicySampler, type Sampler } from './model/sampler.js';
export type { JudgedEpisode, Judgement, RewardModel } from './reward-models/reward-model.js';
export { scoreGroups } from './reward-models/score-groups.js';
export {
  type Comparison,
  type RewardModelTrainingConfig,
  rewardModelTrainingConfig,
  trainRewardModel,
} from './reward-models/train-reward-model.js';
export { Rng, rngKey } from './rng.js';
export { type OptimizerConfig, optimizerConfig } from './schedule.js';
export { useBackend } from './tensor/backend.js';
export { type BackendName, backendNames } from './tensor/backend-names.js';
export { byteTokenizer } from './text/byte-tokenizer.js';
export type { Tokenizer } from './text/tokenizer.js';
export { type LoopParts, type LoopPlan, loopConfig, train } from './train.js';
export { PolicyTrainer, type PolicyTrainerOptions } from './trainer.js';
export type { CollectStep } from './training-step.js';
export type {
  Action,
  ActorUpdateOptions,
  CriticUpdateOptions,
  ExecOptions,
  ExecResult,
  Generation,
  InferColumn,
  InferenceEngine,
  InferOptions,
  InferredColumns,
  JobFabric,
  Json,
  Message,
  Metrics,
  OptimizerPasses,
  Outcome,
  ProcessRewardUpdateOptions,
  Reward,
  Sampling,
  Sandbox,
  SandboxProvider,
  StopReason,
  Task,
  TokenSequence,
  ToolCall,
  Tracker,
  Trainer,
  TrainSequence,
  Trajectory,
  TrajectoryGroup,
  UpdateOptions,
} from './types.js';
