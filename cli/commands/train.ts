import { Command } from 'commander';
import { ConfigError } from '../../core/errors.js';
import { resolveRolloutCorrection } from '../../core/rollout-correction/config.js';
import { type CommandContext, example } from '../command-context.js';
import { makeRun, type RunKind } from '../make-run.js';
import { type ResolvedRun, resolveRun } from '../resolve-run.js';
import type { RunConfig } from '../run-config.js';
import { type RunFlags, withRunFlags } from '../run-request.js';
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
    .action((config: string | undefined, words: string[], flags: RunFlags) =>
      makeRun(context, trainingRuns(context), { config, words, flags }),
    );
}

function trainingRuns({ builtins, runTraining, signal }: CommandContext): RunKind<ResolvedRun, TrainingSummary> {
  return {
    command: 'train',
    async resolve({ configPath, overrides }, models) {
      const run = await resolveRun(configPath, overrides, { builtins, models }, signal);
      refuseCutSampling(run.config);
      return run;
    },
    work: runTraining,
    tell({ initialReward, finalReward, steps, seconds, toolCallRate }) {
      const course = Number.isNaN(initialReward) ? '' : `${formatNumber(initialReward)} -> `;
      return (
        `mean evaluation reward: ${course}${formatNumber(finalReward)} after ${steps} steps and ${formatDuration(seconds * 1000)}\n` +
        `episodes that used a tool: ${formatNumber(100 * toolCallRate)} %\n`
      );
    },
  };
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
