import type { Command } from 'commander';
import { ConfigError } from '../core/errors.js';
import { RunDirectory } from '../core/run-directory.js';

/** What every command that makes a run can be told. */
export interface RunFlags {
  readonly backend?: string;
  readonly seed?: string;
  readonly steps?: string;
  readonly runDir?: string;
  readonly resume?: string;
  readonly json?: true;
  readonly quiet?: true;
}

/** The arguments `[config] [overrides...]` and the options of RunFlags. */
export function withRunFlags(command: Command): Command {
  return command
    .argument('[config]', 'the YAML file; left out with --resume')
    .argument('[overrides...]', 'key=value with dotted keys, values as in YAML')
    .option('--backend <name>', 'where tensors are computed (the same as backend=NAME)')
    .option('--seed <number>', 'the same as seed=NUMBER')
    .option('--steps <number>', 'the same as trainer.totalTrainingSteps=NUMBER')
    .option('--run-dir <path>', 'the directory of this run (default: runs/NAME-TIME)')
    .option('--resume <run>', 'take up an earlier run where its newest checkpoint stands')
    .option('--json', 'one line of JSON a step on stdout')
    .option('--quiet', 'no progress; only warnings and the result');
}

export interface RunRequest {
  readonly configPath: string;
  readonly overrides: readonly string[];
  /** The run to take up. */
  readonly earlier?: RunDirectory;
}

/** What was asked for: a new run of a config, or an earlier run with its own. */
export async function readRequest(
  config: string | undefined,
  words: readonly string[],
  flags: RunFlags,
): Promise<RunRequest> {
  const overrides = [...words];
  if (flags.seed !== undefined) overrides.push(`seed=${flags.seed}`);
  if (flags.backend !== undefined) overrides.push(`backend=${flags.backend}`);
  if (flags.steps !== undefined) overrides.push(`trainer.totalTrainingSteps=${flags.steps}`);
  if (flags.resume === undefined) {
    if (config === undefined) throw new ConfigError('name a YAML file to train from, or --resume and a run directory');
    return { configPath: config, overrides };
  }
  if (flags.runDir !== undefined)
    throw new ConfigError('--resume keeps to the run’s own directory; leave out --run-dir');
  const earlier = await RunDirectory.open(flags.resume);
  if (config === undefined) return { configPath: earlier.configPath, overrides, earlier };
  if (!config.includes('=')) {
    throw new ConfigError(`--resume takes the run’s own config; leave out ${config}, or give key=value to change it`);
  }
  return { configPath: earlier.configPath, overrides: [config, ...overrides], earlier };
}

/** The earlier run's directory, or a new one. */
export async function openDirectory(
  name: string,
  { flags: { runDir }, earlier }: { readonly flags: RunFlags; readonly earlier: RunDirectory | undefined },
): Promise<RunDirectory> {
  if (earlier !== undefined) return earlier;
  return runDir === undefined ? RunDirectory.create('runs', name, new Date()) : RunDirectory.createAt(runDir);
}

/** A refused start leaves things as they were: no new directory, or the earlier config. */
export async function takeBack(directory: RunDirectory, earlierConfig: unknown): Promise<void> {
  if (earlierConfig === undefined) await directory.removeIfUnused();
  else await directory.writeConfig(earlierConfig);
}
