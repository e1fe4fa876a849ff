import { Readable } from 'node:stream';
import { z } from 'zod';
import { builtins } from '../../cli/builtins.js';
import type { Wiring } from '../../cli/command-context.js';
import type { RunEvaluation } from '../../cli/evaluation.js';
import { main } from '../../cli/program.js';
import type { TextStream } from '../../cli/progress.js';
import type { RunTraining } from '../../cli/training.js';
import type { EnvDefinition } from '../../envs/environment.js';
import type { Tool } from '../../tools/tool.js';
import { exampleGroup } from './trajectories.js';

/** A stream that keeps what was written to it. */
export class CollectingStream implements TextStream {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;

  constructor({ isTTY = false, columns = 80 }: { isTTY?: boolean; columns?: number } = {}) {
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }
}

/** A tool that repeats what it is told. */
export const echoTool: Tool = {
  kind: 'tool',
  name: 'echo',
  description: 'Repeats the text.',
  input: z.strictObject({ text: z.string() }),
  timeoutMs: 1000,
  execute: async (input) => ({ content: JSON.stringify(input) }),
};

/** An environment of one question, for tests that only need one to be there. */
export const sumEnv: EnvDefinition = {
  kind: 'env',
  name: 'sum',
  description: 'Adds two numbers.',
  options: z.strictObject({ maxNumber: z.int().min(1).default(9) }),
  defaultTools: [echoTool],
  task: (_options, split, index) => ({ id: `sum-${split}-${index}`, dataSource: 'sum', data: {} }),
  create: (_options, tools) => ({
    tools,
    reset: async () => [{ role: 'user', content: '2+2?' }],
    step: async () => ({ messages: [], terminated: true, toolCalls: [] }),
    score: async () => ({ value: 1, parts: {} }),
    [Symbol.asyncDispose]: async () => undefined,
  }),
};

/** Logs two steps and an evaluation, as a training would. */
export const twoSteps: RunTraining = async ({ tracker, progress, openTrackers }) => {
  for (const note of await openTrackers(undefined)) progress.note(note);
  progress.phase('train', 2);
  for (const step of [1, 2]) {
    await tracker.log(step, { 'critic/score/mean': step / 2, 'actor/entropy': 1.5 });
    await tracker.trajectories(step, 'eval', [exampleGroup()]);
  }
  await tracker.log(2, { 'val-core/sum/reward/mean@1': 0.75 });
  progress.done();
  return { initialReward: 0.25, finalReward: 0.75, steps: 2, seconds: 3, toolCallRate: 0.5 };
};

const evaluateOnce: RunEvaluation = async () => ({ 'val-core/sum/reward/mean@1': 0.75 });

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process, with the sum environment built in and the lines on stdin. */
export async function runCli(
  argv: readonly string[],
  changes: Partial<Wiring> & { readonly signal?: AbortSignal; readonly lines?: readonly string[] } = {},
): Promise<CliResult> {
  const [stdout, stderr] = [new CollectingStream(), new CollectingStream()];
  const { signal = new AbortController().signal, lines = [], ...wiring } = changes;
  const parts = { builtins: { ...builtins, envs: [sumEnv], tools: [echoTool] }, runTraining: twoSteps };
  const stdin = Readable.from(lines.map((line) => `${line}\n`));
  const io = { stdin, stdout, stderr, env: {} };
  const exitCode = await main(argv, io, signal, { ...parts, runEvaluation: evaluateOnce, ...wiring });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}
