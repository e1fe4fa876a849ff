import { assert, InfrastructureError } from '../core/errors.js';
import { log } from '../core/log.js';
import { rngKey } from '../core/rng.js';
import type { Failure, JobFabric, Outcome, Task, TrajectoryGroup } from '../core/types.js';
import type { Split } from '../envs/environment.js';
import type { SamplingOverrides } from './config.js';
import { EPISODE_JOB, type EpisodePayload, parseOutcome } from './episode-job.js';
import { Submissions } from './submissions.js';

export interface CollectRequest {
  readonly fabric: JobFabric;
  /** Each id once: a job's id is made from it. */
  readonly tasks: readonly Task[];
  /** Episodes a task. */
  readonly n: number;
  readonly step: number;
  readonly split: Split;
  readonly runId: string;
  readonly seed: number;
  /** For each episode, from submission to result, waiting for a free worker included. */
  readonly deadlineMs: number;
  readonly attempts: number;
  /** Default 'model'. */
  readonly policy?: EpisodePayload['policy'];
  /** Default: the workers' config. */
  readonly sampling?: SamplingOverrides;
  /** Jobs handed to the fabric at once; default 256. */
  readonly maxInFlight?: number;
}

/**
 * One group a task, in the order of the tasks, each as soon as it and those before it are done. A rollout that fails
 * leaves its group smaller and stops nothing. Stopping early cancels what is still running; abort throws the signal's reason.
 */
export async function* collectGroups(
  request: CollectRequest,
  signal: AbortSignal,
): AsyncGenerator<TrajectoryGroup, void> {
  const ids = new Set(request.tasks.map((task) => task.id));
  assert(ids.size === request.tasks.length, `${request.tasks.length} tasks have only ${ids.size} different ids`);
  await using submissions = new Submissions(request.maxInFlight ?? 256, signal);
  const groups = request.tasks.map((task) => submitGroup(request, task, submissions));
  const failures: Failure[] = [];
  for (const { task, outcomes } of groups) {
    const group = { task, outcomes: await Promise.all(outcomes) };
    signal.throwIfAborted();
    failures.push(...group.outcomes.flatMap((outcome) => (outcome.status === 'failed' ? [outcome.error] : [])));
    yield group;
  }
  warnOfFailures(request, failures);
}

/** One line a collection, however many failed. */
function warnOfFailures({ split, step, tasks, n }: CollectRequest, failures: readonly Failure[]): void {
  const [first] = failures;
  if (first === undefined) return;
  const of = tasks.length * n;
  log('warn', 'rollouts_failed', { split, step, failed: failures.length, of, code: first.code, first: first.message });
}

function submitGroup(
  request: CollectRequest,
  task: Task,
  submissions: Submissions,
): { task: Task; outcomes: Promise<Outcome>[] } {
  const members = Array.from({ length: request.n }, (_, member) => member);
  const submitMember = (member: number) => submissions.add((signal) => episode(request, task, member, signal));
  return { task, outcomes: members.map(submitMember) };
}

/** Never throws: what goes wrong is the outcome. */
async function episode(request: CollectRequest, task: Task, member: number, signal: AbortSignal): Promise<Outcome> {
  const { fabric, step, split, runId, deadlineMs, attempts, policy = 'model' } = request;
  const seed = rngKey(request.seed, split, step, task.id, member);
  const sampling = request.sampling === undefined ? {} : { sampling: { ...request.sampling } };
  const payload = { task: { ...task }, split, step, member, seed, policy, ...sampling };
  const run = policy === 'teacher' ? `${runId}-teacher` : runId;
  const options = { id: `${run}-${split}-${step}-${task.id}-${member}`, deadlineMs, attempts };
  try {
    return parseOutcome(await fabric.submit(EPISODE_JOB, payload, options, signal));
  } catch (error) {
    if (signal.aborted) return { status: 'cancelled', reason: String(signal.reason) };
    if (error instanceof InfrastructureError) return { status: 'failed', error: error.toFailure() };
    return { status: 'failed', error: { code: 'fabric_failed', message: String(error), retryable: false } };
  }
}
