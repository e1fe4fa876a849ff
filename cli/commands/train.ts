import { Command } from 'commander';
import { ConfigError } from '../../core/errors.js';
import { resolveRolloutCorrection } from '../../core/rollout-correction/config.js';
import { RunDirectory } from '../../core/run-directory.js';
import { JsonlTracker } from '../../core/trackers/jsonl.js';
import { type CommandContext, example } from '../command-context.js';
import { ProgressTracker } from '../progress-tracker.js';
import { writeReport } from '../report/write-report.js';
import { resolveRun } from '../resolve-run.js';
import type { RunConfig } from '../run-config.js';
import { RunTracker } from '../run-tracker.js';
import { StreamTracker } from '../stream-tracker.js';
import { TerminalProgress } from '../terminal-progress.js';
import { formatDuration, formatNumber } from '../text.js';
import type { TrainingSummary } from '../training.js';

interface Flags {
  readonly backend?: string;
  readonly seed?: string;
  readonly steps?: string;
  readonly runDir?: string;
  readonly resume?: string;
  readonly json?: true;
  readonly quiet?: true;
}

interface Request {
  readonly configPath: string;
  readonly overrides: readonly string[];
  /** The run to take up. */
  readonly earlier?: RunDirectory;
}

/** `verlet train CONFIG [key=value…]` */
export function trainCommand(context: CommandContext): Command {
  return new Command('train')
    .description('Train as a YAML file says; keep everything in a run directory.')
    .argument('[config]', 'the YAML file; left out with --resume')
    .argument('[overrides...]', 'key=value with dotted keys, values as in YAML')
    .option('--backend <name>', 'where tensors are computed (the same as backend=NAME)')
    .option('--seed <number>', 'the same as seed=NUMBER')
    .option('--steps <number>', 'the same as trainer.totalTrainingSteps=NUMBER')
    .option('--run-dir <path>', 'the directory of this run (default: runs/NAME-TIME)')
    .option('--resume <run>', 'take up an earlier run where its newest checkpoint stands')
    .option('--json', 'one line of JSON a step on stdout')
    .option('--quiet', 'no progress; only warnings and the result')
    .addHelpText(
      'after',
      example([
        'verlet train run.yaml',
        'verlet train run.yaml optimizer.lr=3e-4 rollout.n=16 --seed 3',
        "verlet train run.yaml 'tools=[python]' --json > metrics.jsonl",
        'verlet train --resume runs/NAME trainer.totalTrainingSteps=400',
      ]),
    )
    .action((config: string | undefined, overrides: string[], flags: Flags) =>
      train(context, config, overrides, flags),
    );
}

async function train(
  context: CommandContext,
  config: string | undefined,
  words: string[],
  flags: Flags,
): Promise<void> {
  const { configPath, overrides, earlier } = await readRequest(config, words, flags);
  const run = await resolveRun(configPath, overrides, context.builtins, context.signal);
  refuseCutSampling(run.config);
  const directory = earlier ?? (await newDirectory(run.config.name, flags.runDir));
  const earlierConfig = await earlier?.readConfig();
  if (earlier === undefined || overrides.length > 0) await directory.writeConfig(run.config);
  try {
    const summary = await runInDirectory(context, { run, directory, flags });
    const report = await writeReport(directory, directory.path);
    tellResult(context, { directory, summary, reportPath: report.htmlPath, flags });
  } catch (error) {
    if (error instanceof ConfigError) await takeBack(directory, earlierConfig);
    if (context.signal.aborted) {
      context.io.stderr.write(`continue with: verlet train --resume ${directory.displayPath}\n`);
    }
    throw error;
  }
}

/** What was drawn from a cut distribution has another log-prob than the one that training computes. */
function refuseCutSampling({ rollout: { topK, topP, minP }, algorithm }: RunConfig): void {
  const { rolloutIs, bypassMode } = resolveRolloutCorrection(algorithm.rolloutCorrection);
  if (rolloutIs !== null || bypassMode) return;
  const whole = { topK: 0, topP: 1, minP: 0 };
  for (const [name, value] of Object.entries({ topK, topP, minP })) {
    const off = Reflect.get(whole, name);
    if (value === off) continue;
    throw new ConfigError(
      `rollout.${name} is ${value}: training on a cut distribution needs rollout correction; write ${off}, ` +
        'or algorithm.rolloutCorrection.rolloutIs: token (verlet eval may use it as it is)',
    );
  }
}

/** A refused start leaves things as they were: no new directory, or the earlier config. */
async function takeBack(directory: RunDirectory, earlierConfig: unknown): Promise<void> {
  if (earlierConfig === undefined) await directory.removeIfUnused();
  else await directory.writeConfig(earlierConfig);
}

async function readRequest(config: string | undefined, words: readonly string[], flags: Flags): Promise<Request> {
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

function newDirectory(name: string, path: string | undefined): Promise<RunDirectory> {
  return path === undefined ? RunDirectory.create('runs', name, new Date()) : RunDirectory.createAt(path);
}

type Started = Pick<Parameters<CommandContext['runTraining']>[0], 'run' | 'directory'> & { readonly flags: Flags };

async function runInDirectory(context: CommandContext, { run, directory, flags }: Started): Promise<TrainingSummary> {
  using terminal = new TerminalProgress(context, { isQuiet: flags.quiet === true });
  const { progress } = terminal;
  const records = new JsonlTracker(directory);
  const streams = flags.json ? [new StreamTracker(context.io.stdout)] : [];
  const own = [records, new ProgressTracker(progress), ...streams];
  const { env } = context.io;
  await using tracker = new RunTracker({ run, directory, own, stream: terminal, env, startedAt: new Date() });
  const openTrackers = (resumedAt: number | undefined) => tracker.open(resumedAt, context.signal);
  const resume = flags.resume !== undefined;
  const options = { run, directory, tracker, records, progress, openTrackers, resume };
  const summary = await context.runTraining(options, context.signal);
  tracker.finish();
  return summary;
}

interface Result {
  readonly directory: RunDirectory;
  readonly summary: TrainingSummary;
  readonly reportPath: string;
  readonly flags: Flags;
}

function tellResult({ io }: CommandContext, { directory, summary, reportPath, flags }: Result): void {
  if (flags.json) {
    io.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const { initialReward, finalReward, steps, seconds, toolCallRate } = summary;
  const course = Number.isNaN(initialReward) ? '' : `${formatNumber(initialReward)} -> `;
  io.stdout.write(
    `mean evaluation reward: ${course}${formatNumber(finalReward)} after ${steps} steps and ${formatDuration(seconds * 1000)}\n` +
      `episodes that used a tool: ${formatNumber(100 * toolCallRate)} %\n` +
      `run: ${directory.displayPath}\nreport: ${reportPath}\n`,
  );
}
