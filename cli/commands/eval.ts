import { Command } from 'commander';
import { RunDirectory } from '../../core/run-directory.js';
import type { Metrics } from '../../core/types.js';
import { type CommandContext, example } from '../command-context.js';
import { DownloadProgress } from '../download-progress.js';
import { resolveRun } from '../resolve-run.js';
import { TerminalProgress } from '../terminal-progress.js';
import { formatNumber } from '../text.js';

interface Flags {
  readonly json?: true;
  readonly quiet?: true;
}

/** `verlet eval RUN [key=value…]` */
export function evalCommand(context: CommandContext): Command {
  return new Command('eval')
    .description('Evaluate the newest checkpoint of a run; the run itself is left as it is.')
    .argument('<run>', 'the run directory')
    .argument('[overrides...]', 'key=value with dotted keys, values as in YAML')
    .option('--json', 'the metrics as one JSON object on stdout')
    .option('--quiet', 'no progress; only warnings and the result')
    .addHelpText('after', example(['verlet eval runs/NAME', 'verlet eval runs/NAME data.evalSize=500 --json']))
    .action((path: string, overrides: string[], flags: Flags) => evaluate(context, path, overrides, flags));
}

async function evaluate(context: CommandContext, path: string, overrides: string[], flags: Flags): Promise<void> {
  const directory = await RunDirectory.open(path);
  using download = new DownloadProgress(context, { isQuiet: false });
  const models = { env: context.io.env, onProgress: download.onProgress };
  const run = await resolveRun(directory.configPath, overrides, { builtins: context.builtins, models }, context.signal);
  using terminal = new TerminalProgress(context, { isQuiet: flags.quiet === true });
  const { progress } = terminal;
  const metrics = await context.runEvaluation({ run, directory, progress }, context.signal);
  context.io.stdout.write(flags.json ? `${JSON.stringify(metrics)}\n` : table(metrics));
}

function table(metrics: Metrics): string {
  const width = Math.max(0, ...Object.keys(metrics).map((key) => key.length));
  return Object.entries(metrics)
    .map(([key, value]) => `${key.padEnd(width)}  ${formatNumber(value)}\n`)
    .join('');
}
