import { dirname, resolve } from 'node:path';
import { applyOverrides, loadYaml, lookUp, parseConfig } from '../core/config.js';
import type { ResolveOptions } from '../core/model/hub/resolve-options.js';
import { openText } from '../core/model/open-text.js';
import type { RewardModelConfig } from '../core/reward-models/config.js';
import type { EnvDefinition, OpenContext } from '../envs/environment.js';
import { type ChatLanguage, chatLanguage } from '../rollout/chat-language.js';
import { describeTool } from '../tools/describe-tool.js';
import type { Tool } from '../tools/tool.js';
import type { Builtins } from './builtins.js';
import { absoluteImport, loadModules } from './load-modules.js';
import { refuseShape, withAbsolutePaths } from './model-choice.js';
import { kinds, type RunConfig, runConfigSchema } from './run-config.js';
import { verlNames } from './verl-names.js';

/** A run as it was asked for, with every name looked up. */
export interface ResolvedRun {
  /** JSON only; starts the same run again wherever it is written. */
  readonly config: RunConfig;
  /** Opened, where it has files to read. */
  readonly env: EnvDefinition;
  /** What the environment's own schema made of `env`, without its name. */
  readonly envOptions: unknown;
  readonly tools: readonly Tool[];
  readonly language: ChatLanguage;
}

/** What a run is looked up in. */
export interface ResolveContext {
  readonly builtins: Builtins;
  /** How a model that is named by its id is found. */
  readonly models: ResolveOptions;
}

/** Reads, overrides and checks the config; throws ConfigError before anything was started or written. */
export async function resolveRun(
  configPath: string,
  overrides: readonly string[],
  { builtins, models }: ResolveContext,
  signal: AbortSignal,
): Promise<ResolvedRun> {
  const input = applyOverrides(await loadYaml(configPath), overrides);
  const registered = await loadModules(importsOf(input), configPath, builtins);
  refuseShape(input);
  const source = overrides.length === 0 ? configPath : `${configPath} with ${overrides.join(' ')}`;
  const parsed = parseConfig(runConfigSchema(registered), input, { source, aliases: verlNames, kinds });
  const imports = parsed.imports.map((specifier) => absoluteImport(specifier, configPath));
  const { name, ...envOptions } = parsed.env;
  const env = lookUp('environment', name, byName(registered.envs));
  const tools = parsed.tools?.map((choice) => chooseTool(choice, registered.tools)) ?? env.defaultTools;
  const config = {
    ...parsed,
    imports,
    model: await withAbsolutePaths(parsed.model, configPath),
    rewardModel: withAbsolutePath(parsed.rewardModel, configPath),
  };
  const language = chatLanguage(await openText(config, models, signal), config.rollout);
  const opened = await env.open?.(envOptions, { seed: parsed.seed, tools, countTokens: counter(language) }, signal);
  return { config, env: opened ?? env, envOptions, tools, language };
}

/** Counts as the run's renderer writes prompts. */
function counter({ renderer }: ChatLanguage): OpenContext['countTokens'] {
  return (messages, tools) => renderer.start(messages, tools.map(describeTool)).length;
}

/** The modules to load before the whole config can be parsed; a wrong form is left to that. */
function importsOf(input: unknown): string[] {
  if (typeof input !== 'object' || input === null || !('imports' in input) || !Array.isArray(input.imports)) return [];
  return input.imports.filter((specifier) => typeof specifier === 'string');
}

/** A reward model's directory is relative to the file that names it. */
function withAbsolutePath(rewardModel: RewardModelConfig, configPath: string): RewardModelConfig {
  if (rewardModel.name !== 'value_head') return rewardModel;
  return { ...rewardModel, path: resolve(dirname(configPath), rewardModel.path) };
}

function chooseTool(choice: NonNullable<RunConfig['tools']>[number], tools: readonly Tool[]): Tool {
  const { name, timeoutMs = undefined } = typeof choice === 'string' ? { name: choice } : choice;
  const tool = lookUp('tool', name, byName(tools));
  if (timeoutMs === undefined) return tool;
  const { kind, description, input } = tool;
  return { kind, name, description, input, timeoutMs, execute: (given, context) => tool.execute(given, context) };
}

function byName<Value extends { readonly name: string }>(values: readonly Value[]): ReadonlyMap<string, Value> {
  return new Map(values.map((value) => [value.name, value]));
}
