import { spawn } from 'node:child_process';

/** A failure whose message is all the reader needs: printed without a stack. */
export class SetupError extends Error {}

const KEPT_LINES = 20;
const KEPT_CHARACTERS = 100_000;

/** Runs a program to its end, unseen; throws a SetupError with its last lines when it fails. */
export async function runCommand(command, args, { cwd, env = process.env }) {
  const { code, output, error } = await runToEnd(command, args, { cwd, env });
  if (code === 0) return;
  const shown = [command === process.execPath ? 'node' : command, ...args].join(' ');
  const reason = error ? `could not start (${error.message})` : `ended with ${code}`;
  throw new SetupError(`\`${shown}\` ${reason}.${lastLines(output)}`);
}

function runToEnd(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => resolve({ code: null, output, error }));
    child.once('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

function lastLines(output) {
  const lines = output.trimEnd().split('\n').slice(-KEPT_LINES);
  return lines.join('').trim() === '' ? '' : ` Its last lines:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** Says in one line what is going on; on stderr, so that stdout stays for results. */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** Runs a script's main function; a SetupError becomes its sentence and exit code 1. */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    process.exit(1);
  }
}
