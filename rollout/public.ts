export { type CollectRequest, collectGroups } from './collect.js';
export { type RolloutConfig, rolloutConfig } from './config.js';
export { type EngineCall, ScriptedEngine, type ScriptedTurn } from './engines/scripted.js';
export { type TeacherRequest, teacherEngine } from './engines/teacher.js';
export { EPISODE_JOB, type EpisodeDeps, type EpisodePayload, episodeHandler, episodePayload } from './episode-job.js';
export { chatMlRenderer, type Renderer, type RendererOptions } from './renderer.js';
export { type RolloutRequest, rollout } from './rollout.js';
