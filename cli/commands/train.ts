import { Command } from 'commander';
import { ConfigError } from '../../core/errors.js';
import { resolveRolloutCorrection } from '../../core/rollout-correction/config.js';
import type { RunDirectory } from '../../core/run-directory.js';
import { JsonlTracker } from '../../core/trackers/jsonl.js';
import { type CommandContext, example } from '../command-context.js';
import { DownloadProgress } from '../download-progress.js';
import { writtenConfig } from '../model-choice.js';
import { ProgressTracker } from '../progress-tracker.js';
import { writeReport } from '../report/write-report.js';
import { resolveRun } from '../resolve-run.js';
import type { RunConfig } from '../run-config.js';
import { openDirectory, type RunFlags, readRequest, takeBack, withRunFlags } from '../run-request.js';
import { RunTracker } from '../run-tracker.js';
import { StreamTracker } from '../stream-tracker.js';
import { TerminalProgress } from '../terminal-progress.js';
import { formatDuration, formatNumber } from '../text.js';
import type { TrainingSummary } from '../training.js';

/** `verlet train CONFIG [key=value…]` */
export function trainCommand(context: CommandContext): Command {
  return withRunFlags(new Command('train'))
    .description('Train as a YAML file says; keep everything in a run directory.')
    .addHelpText(
      'after',
      example([
        'verlet train run.yaml',
        'verlet train run.yaml optimizer.lr=3e-4 rollout.n=16 --seed 3',
        "verlet train run.yaml 'tools=[python]' --json > metrics.jsonl",
        'verlet train --resume runs/NAME trainer.totalTrainingSteps=400',
      ]),
    )
    .action((config: string | undefined, overrides: string[], flags: RunFlags) =>
      train(context, config, overrides, flags),
    );
}

async function train(
  context: CommandContext,
  config: string | undefined,
  words: string[],
  flags: RunFlags,
): Promise<void> {
  const { configPath, overrides, earlier } = await readRequest(config, words, flags);
  using download = new DownloadProgress(context, { isQuiet: flags.quiet === true });
  const models = { env: context.io.env, onProgress: download.onProgress };
  const run = await resolveRun(configPath, overrides, { builtins: context.builtins, models }, context.signal);
  refuseCutSampling(run.config);
  const directory = await openDirectory(run.config.name, { flags, earlier });
  const earlierConfig = await earlier?.readConfig();
  if (earlier === undefined || overrides.length > 0) await directory.writeConfig(writtenConfig(run.config));
  try {
    const summary = await runInDirectory(context, { run, directory, flags });
    const report = await writeReport(directory, directory.path, context.signal);
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

type Started = Pick<Parameters<CommandContext['runTraining']>[0], 'run' | 'directory'> & { readonly flags: RunFlags };

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
  readonly flags: RunFlags;
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
