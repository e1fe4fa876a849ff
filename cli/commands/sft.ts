import { Command } from 'commander';
import { ConfigError } from '../../core/errors.js';
import type { RunDirectory } from '../../core/run-directory.js';
import { JsonlTracker } from '../../core/trackers/jsonl.js';
import { type CommandContext, example } from '../command-context.js';
import { DownloadProgress } from '../download-progress.js';
import { writtenConfig } from '../model-choice.js';
import { ProgressTracker } from '../progress-tracker.js';
import { writeReport } from '../report/write-report.js';
import { type ResolvedSft, resolveSft } from '../resolve-sft.js';
import { openDirectory, type RunFlags, readRequest, takeBack, withRunFlags } from '../run-request.js';
import { RunTracker } from '../run-tracker.js';
import { runSft, type SftSummary } from '../sft-training.js';
import { StreamTracker } from '../stream-tracker.js';
import { TerminalProgress } from '../terminal-progress.js';
import { formatDuration, formatNumber } from '../text.js';

/** `verlet sft CONFIG [key=value…]` */
export function sftCommand(context: CommandContext): Command {
  return withRunFlags(new Command('sft'))
    .description('Fine-tune on conversations as a YAML file says; keep everything in a run directory.')
    .addHelpText(
      'after',
      example([
        'verlet sft sft.yaml',
        'verlet sft sft.yaml model.path=HuggingFaceTB/SmolLM2-135M-Instruct model.loraRank=16',
        'verlet sft --resume runs/NAME',
      ]),
    )
    .action((config: string | undefined, overrides: string[], flags: RunFlags) =>
      sft(context, config, overrides, flags),
    );
}

async function sft(
  context: CommandContext,
  config: string | undefined,
  words: string[],
  flags: RunFlags,
): Promise<void> {
  const { configPath, overrides, earlier } = await readRequest(config, words, flags);
  using download = new DownloadProgress(context, { isQuiet: flags.quiet === true });
  const models = { env: context.io.env, onProgress: download.onProgress };
  const run = await resolveSft(configPath, overrides, models, context.signal);
  const directory = await openDirectory(run.config.name, { flags, earlier });
  const earlierConfig = await earlier?.readConfig();
  if (earlier === undefined || overrides.length > 0) await directory.writeConfig(writtenConfig(run.config));
  try {
    const summary = await sftInDirectory(context, { run, directory, flags });
    const report = await writeReport(directory, directory.path, context.signal);
    tellResult(context, { directory, summary, reportPath: report.htmlPath, flags });
  } catch (error) {
    if (error instanceof ConfigError) await takeBack(directory, earlierConfig);
    if (context.signal.aborted) {
      context.io.stderr.write(`continue with: verlet sft --resume ${directory.displayPath}\n`);
    }
    throw error;
  }
}

interface Started {
  readonly run: ResolvedSft;
  readonly directory: RunDirectory;
  readonly flags: RunFlags;
}

async function sftInDirectory(context: CommandContext, { run, directory, flags }: Started): Promise<SftSummary> {
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
  const summary = await runSft(options, context.signal);
  tracker.finish();
  return summary;
}

interface Result {
  readonly directory: RunDirectory;
  readonly summary: SftSummary;
  readonly reportPath: string;
  readonly flags: RunFlags;
}

function tellResult({ io }: CommandContext, { directory, summary, reportPath, flags }: Result): void {
  if (flags.json) {
    io.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const { initialLoss, finalLoss, steps, seconds } = summary;
  const losses = Number.isNaN(finalLoss)
    ? []
    : [`held-out loss: ${formatNumber(initialLoss)} -> ${formatNumber(finalLoss)}\n`];
  io.stdout.write(
    `${losses.join('')}${steps} steps in ${formatDuration(seconds * 1000)}\n` +
      `run: ${directory.displayPath}\nreport: ${reportPath}\n`,
  );
}
