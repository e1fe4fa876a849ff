import { setPriority } from 'node:os';
import { ConfigError } from '../../core/errors.js';
import type { ServedPolicy } from './build-policy.js';
import { type PolicyServerConfig, policyServerConfig } from './config.js';
import { failureOf } from './failures.js';
import { LifeLine } from './life-line.js';
import { servePolicy } from './serve.js';
import { describeProblem } from './wire.js';

/** Tensor work takes every processor there is: the controller and the sandboxes, which need one for moments, go first. */
const niceness = 5;

/** Makes the policy that a process serves. */
export type PolicyBuilder = (config: PolicyServerConfig, signal: AbortSignal) => Promise<ServedPolicy>;

/**
 * The life of a policy server's process, returning its exit code. The only argument is its config as JSON; the only
 * line on stdout is `{"url","backend"}` once it listens or `{"failure"}` when it cannot. Ends when stdin does, or on SIGTERM.
 */
export async function runPolicyProcess(build: PolicyBuilder): Promise<number> {
  setPriority(niceness);
  try {
    await buildAndServe(parseArgument(process.argv[2]), build);
    return 0;
  } catch (error) {
    report({ failure: failureOf(error) });
    return 1;
  }
}

async function buildAndServe(config: PolicyServerConfig, build: PolicyBuilder): Promise<void> {
  const { host, port, stopTimeoutMs } = config;
  using lifeLine = new LifeLine(process.stdin, 2 * stopTimeoutMs); // who spawned it comes first
  const { signal } = lifeLine;
  try {
    await using policy = await build(config, signal);
    await servePolicy(policy, { host, port, onListening: (url) => report({ url, backend: policy.backend }) }, signal);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  }
}

function parseArgument(argument: string | undefined): PolicyServerConfig {
  if (argument === undefined) throw new ConfigError('the policy server needs its config as JSON in its first argument');
  const parsed = policyServerConfig.safeParse(JSON.parse(argument));
  if (!parsed.success) throw new ConfigError(`policy server config: ${describeProblem(parsed.error)}`);
  return parsed.data;
}

function report(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
