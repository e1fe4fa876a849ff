import { ConfigError } from '../core/errors.js';
import type { ModelConfig } from '../core/model/config.js';
import type { ResolveOptions } from '../core/model/hub/resolve-options.js';
import type { RunDirectory } from '../core/run-directory.js';
import { JsonlTracker } from '../core/trackers/jsonl.js';
import type { CommandContext } from './command-context.js';
import { DownloadProgress } from './download-progress.js';
import { writtenConfig } from './model-choice.js';
import { ProgressTracker } from './progress-tracker.js';
import { writeReport } from './report/write-report.js';
import type { RunOptions } from './run-options.js';
import { openDirectory, type RunFlags, type RunRequest, readRequest, takeBack } from './run-request.js';
import { RunTracker, type TrackedConfig } from './run-tracker.js';
import { StreamTracker } from './stream-tracker.js';
import { TerminalProgress } from './terminal-progress.js';

/** A run that was looked up: what every kind of them has. */
interface MadeRun {
  readonly config: TrackedConfig & { readonly name: string; readonly model: ModelConfig };
}

/** What sets a command that makes runs apart from the others. */
export interface RunKind<Run extends MadeRun, Summary> {
  readonly command: 'train' | 'sft';
  /** Throws ConfigError before anything was started or written. */
  resolve(request: RunRequest, models: ResolveOptions): Promise<Run>;
  work(options: RunOptions<Run>, signal: AbortSignal): Promise<Summary>;
  /** What came of it, in whole lines. */
  tell(summary: Summary): string;
}

interface RunWords {
  readonly config: string | undefined;
  readonly words: readonly string[];
  readonly flags: RunFlags;
}

/** Makes a run in a directory of its own, or takes one up, and says what came of it. */
export async function makeRun<Run extends MadeRun, Summary>(
  context: CommandContext,
  kind: RunKind<Run, Summary>,
  { config, words, flags }: RunWords,
): Promise<void> {
  const request = await readRequest(config, words, flags);
  const { overrides, earlier } = request;
  using download = new DownloadProgress(context, { isQuiet: flags.quiet === true });
  const run = await kind.resolve(request, { env: context.io.env, onProgress: download.onProgress });
  const directory = await openDirectory(run.config.name, { flags, earlier });
  const earlierConfig = await earlier?.readConfig();
  if (earlier === undefined || overrides.length > 0) await directory.writeConfig(writtenConfig(run.config));
  try {
    const summary = await workIn(directory, { context, kind, run, flags });
    const { htmlPath } = await writeReport(directory, directory.path, context.signal);
    const told = `${kind.tell(summary)}run: ${directory.displayPath}\nreport: ${htmlPath}\n`;
    context.io.stdout.write(flags.json ? `${JSON.stringify(summary)}\n` : told);
  } catch (error) {
    if (error instanceof ConfigError) await takeBack(directory, earlierConfig);
    if (context.signal.aborted) {
      context.io.stderr.write(`continue with: verlet ${kind.command} --resume ${directory.displayPath}\n`);
    }
    throw error;
  }
}

interface Started<Run extends MadeRun, Summary> {
  readonly context: CommandContext;
  readonly kind: RunKind<Run, Summary>;
  readonly run: Run;
  readonly flags: RunFlags;
}

async function workIn<Run extends MadeRun, Summary>(
  directory: RunDirectory,
  { context, kind, run, flags }: Started<Run, Summary>,
): Promise<Summary> {
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
  const summary = await kind.work(options, context.signal);
  tracker.finish();
  return summary;
}
