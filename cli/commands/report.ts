import { Command } from 'commander';
import { RunDirectory } from '../../core/run-directory.js';
import { type CommandContext, example } from '../command-context.js';
import { writeReport } from '../report/write-report.js';

/** `verlet report RUN` */
export function reportCommand({ io, signal }: CommandContext): Command {
  return new Command('report')
    .description('Draw the curves and some episodes of a run: report.html and curves.svg.')
    .argument('<run>', 'the run directory, finished or still going')
    .option('--out <directory>', 'where to write them (default: the run directory)')
    .addHelpText('after', example(['verlet report runs/NAME', 'verlet report runs/NAME --out /tmp/report']))
    .action(async (path: string, { out }: { readonly out?: string }) => {
      const directory = await RunDirectory.open(path);
      const { htmlPath, svgPath } = await writeReport(directory, out ?? directory.path, signal);
      io.stdout.write(`${htmlPath}\n${svgPath}\n`);
    });
}
