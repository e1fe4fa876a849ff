import { Command } from 'commander';
import { type CommandContext, example } from '../command-context.js';
import { makeRun, type RunKind } from '../make-run.js';
import { type ResolvedSft, resolveSft } from '../resolve-sft.js';
import { type RunFlags, withRunFlags } from '../run-request.js';
import { runSft, type SftSummary } from '../sft-training.js';
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
    .action((config: string | undefined, words: string[], flags: RunFlags) =>
      makeRun(context, sftRuns(context), { config, words, flags }),
    );
}

function sftRuns({ signal }: CommandContext): RunKind<ResolvedSft, SftSummary> {
  return {
    command: 'sft',
    resolve: ({ configPath, overrides }, models) => resolveSft(configPath, overrides, models, signal),
    work: runSft,
    tell({ initialLoss, finalLoss, steps, seconds }) {
      const losses = Number.isNaN(finalLoss)
        ? ''
        : `held-out loss: ${formatNumber(initialLoss)} -> ${formatNumber(finalLoss)}\n`;
      return `${losses}${steps} steps in ${formatDuration(seconds * 1000)}\n`;
    },
  };
}
