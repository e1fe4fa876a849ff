import { readFile } from 'node:fs/promises';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { ConfigError, InfrastructureError } from '../core/errors.js';
import { builtins } from './builtins.js';
import { type CommandContext, example, type Io, type Wiring } from './command-context.js';
import { chatCommand } from './commands/chat.js';
import { evalCommand } from './commands/eval.js';
import { modelCommand } from './commands/model.js';
import { reportCommand } from './commands/report.js';
import { sftCommand } from './commands/sft.js';
import { trainCommand } from './commands/train.js';
import { runEvaluation } from './evaluation.js';
import { Interrupted } from './interrupt.js';
import { runTraining } from './training.js';

/**
 * Runs one command line (without node and script) and returns the exit code: 0 done, 1 failed, 2 the user's mistake,
 * 130 and the like interrupted.
 */
export async function main(
  argv: readonly string[],
  io: Io,
  signal: AbortSignal,
  wiring: Wiring = { builtins, runTraining, runEvaluation },
): Promise<number> {
  try {
    const program = await createProgram({ ...wiring, io, signal });
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    return explain(error, io, signal);
  }
}

async function createProgram(context: CommandContext): Promise<Command> {
  const { stdout, stderr } = context.io;
  const program = new Command('verlet')
    .description('Trains language-model agents with reinforcement learning: several turns, tools, verifiable rewards.')
    .version(await version())
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .configureHelp({ showGlobalOptions: false, helpWidth: 100 })
    .addHelpText('after', example(['verlet train run.yaml', 'verlet eval runs/NAME', 'verlet report runs/NAME']));
  const commands = [trainCommand, sftCommand, evalCommand, reportCommand, chatCommand, modelCommand];
  for (const command of commands) program.addCommand(inherit(command(context), program));
  return program;
}

/** The command and those below it write where the program does, and throw as it does. */
function inherit(command: Command, program: Command): Command {
  for (const below of command.commands) inherit(below, program);
  return command.copyInheritedSettings(program);
}

function explain(error: unknown, { stderr }: Io, signal: AbortSignal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (signal.aborted && error === signal.reason) return error instanceof Interrupted ? error.exitCode : 130;
  if (error instanceof ConfigError) {
    stderr.write(`error: ${error.message}\n`);
    return 2;
  }
  if (error instanceof InfrastructureError) stderr.write(`failed: ${error.message} (${error.code})\n`);
  else stderr.write(`${error instanceof Error ? withCauses(error) : String(error)}\n`);
  return 1;
}

function withCauses(error: Error): string {
  const text = error.stack ?? String(error);
  return error.cause instanceof Error ? `${text}\ncaused by ${withCauses(error.cause)}` : text;
}

/** From the package.json above this file, in the sources and in the build. */
async function version(): Promise<string> {
  for (const place of ['../package.json', '../../package.json']) {
    const text = await readFile(new URL(place, import.meta.url), 'utf8').catch(() => undefined);
    if (text !== undefined) return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
  }
  return 'unknown';
}
