export { arithmetic } from './arithmetic.js';
export { countdown } from './countdown.js';
export { dataset } from './dataset.js';
export {
  defineEnv,
  type EnvSpec,
  type JudgedEpisode,
  type RewardPart,
  type StepContext,
  type TaskOf,
  type TaskRequest,
} from './define-env.js';
export type {
  EnvDefinition,
  Environment,
  Episode,
  EpisodeContext,
  OpenContext,
  Split,
  StepResult,
  TeachingMoment,
} from './environment.js';
export { frozenLake } from './frozen-lake.js';
export { builtInEnvs } from './registry.js';
