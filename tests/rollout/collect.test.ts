import { describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../core/errors.js';
import { setLogSink } from '../../core/log.js';
import { rngKey } from '../../core/rng.js';
import { byteTokenizer } from '../../core/text/byte-tokenizer.js';
import type { InferenceEngine, JobFabric, JobHandler, TrajectoryGroup } from '../../core/types.js';
import { type CollectRequest, collectGroups } from '../../rollout/collect.js';
import { rolloutConfig } from '../../rollout/config.js';
import { ScriptedEngine } from '../../rollout/engines/scripted.js';
import { EPISODE_JOB, type EpisodePayload, episodeHandler, episodePayload } from '../../rollout/episode-job.js';
import { InProcessFabric } from '../../rollout/fabric/in-process.js';
import { never, noSandbox, question, renderer } from './episode-fixture.js';

const tasks = [0, 1, 2].map((index) => question.task({}, 'train', index, 1));
const answering = new ScriptedEngine(byteTokenizer, () => 'yes');

/** A promise that somebody resolves. */
class Gate {
  open: () => void = () => {};
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

function collection(fabric: JobFabric, overrides: Partial<CollectRequest> = {}): CollectRequest {
  const common = { split: 'train', runId: 'run', seed: 5, deadlineMs: 10_000, attempts: 2 } as const;
  return { fabric, tasks, n: 3, step: 4, ...common, ...overrides };
}

function handlerFor(engine: InferenceEngine): JobHandler {
  const common = { definition: question, options: {}, tools: question.defaultTools, sandboxProvider: noSandbox };
  return episodeHandler({ ...common, engine, renderer, config: rolloutConfig.parse({}) });
}

/** Collects over a fabric with one worker, whose handler may step in before each episode. */
async function collected(
  intercept: (payload: EpisodePayload, signal: AbortSignal) => Promise<void> | void,
  overrides: Partial<CollectRequest> = {},
): Promise<TrajectoryGroup[]> {
  await using fabric = new InProcessFabric({ backoffMs: 1 });
  const handle = handlerFor(answering);
  await using _worker = fabric.work(
    EPISODE_JOB,
    async (payload, context) => {
      await intercept(episodePayload.parse(payload), context.signal);
      return await handle(payload, context);
    },
    { concurrency: 16 },
  );
  return await listed(collectGroups(collection(fabric, overrides), never));
}

const statuses = (groups: TrajectoryGroup[]) => groups.map(({ outcomes }) => outcomes.map(({ status }) => status));

describe('collectGroups', () => {
  it('gives one group a task with n scored outcomes', async () => {
    const groups = await collected(() => {});
    expect(groups.map(({ task }) => task)).toEqual(tasks);
    expect(statuses(groups)).toEqual(tasks.map(() => ['scored', 'scored', 'scored']));
  });

  it('keeps the order of the tasks when the first is done last', async () => {
    const release = new Gate();
    let running = 0;
    const groups = await collected(async ({ task }) => {
      if (++running === 9) release.open();
      if (task.id === tasks[0]?.id) await release.opened;
    });
    expect(groups.map(({ task }) => task.id)).toEqual(tasks.map(({ id }) => id));
  });

  it('gives a group as soon as it is done, while later ones still run', async () => {
    const release = new Gate();
    await using fabric = new InProcessFabric();
    const handle = handlerFor(answering);
    const waiting: JobHandler = async (payload, context) => {
      if (episodePayload.parse(payload).task.id !== tasks[0]?.id) await release.opened;
      return await handle(payload, context);
    };
    await using _worker = fabric.work(EPISODE_JOB, waiting, { concurrency: 16 });
    const groups = collectGroups(collection(fabric), never);
    expect((await groups.next()).value).toMatchObject({ task: tasks[0] });
    release.open();
    expect((await listed(groups)).map(({ task }) => task)).toEqual(tasks.slice(1));
  });

  it('warns once a collection of what failed and why', async () => {
    const lines: string[] = [];
    setLogSink((line) => lines.push(line));
    await collected(() => {
      throw new InfrastructureError('sandbox_died', 'killed', { retryable: false });
    });
    setLogSink();
    expect(lines).toEqual([
      expect.stringMatching(/ warn rollouts_failed .*failed=9 of=9 code=sandbox_died first=killed$/),
    ]);
  });

  it('leaves a group ragged when a rollout fails for good, and touches no other', async () => {
    const groups = await collected(({ task, member }) => {
      if (task.id === tasks[1]?.id && member === 2)
        throw new InfrastructureError('sandbox_died', 'killed', { retryable: true });
    });
    expect(statuses(groups)).toEqual([
      ['scored', 'scored', 'scored'],
      ['scored', 'scored', 'failed'],
      ['scored', 'scored', 'scored'],
    ]);
    expect(groups[1]?.outcomes[2]).toMatchObject({ error: { code: 'sandbox_died' } });
  });

  it('scores a rollout whose second attempt succeeds', async () => {
    const seen = new Set<number>();
    const groups = await collected(({ seed }) => {
      if (seen.has(seed)) return;
      seen.add(seed);
      throw new InfrastructureError('engine_gone', 'reset', { retryable: true });
    });
    expect(new Set(statuses(groups).flat())).toEqual(new Set(['scored']));
  });

  it('turns a hung rollout into a failure by its deadline', async () => {
    const groups = await collected(
      ({ task, member }, signal) =>
        task.id === tasks[0]?.id && member === 0
          ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
          : undefined,
      { deadlineMs: 500 },
    );
    expect(statuses(groups)[0]).toEqual(['failed', 'scored', 'scored']);
  });

  it('fails all, and does not wait for ever, when nobody works', async () => {
    await using fabric = new InProcessFabric();
    const groups = await listed(collectGroups(collection(fabric, { deadlineMs: 100 }), never));
    expect(new Set(statuses(groups).flat())).toEqual(new Set(['failed']));
  });

  it('is empty for no tasks and refuses the same task twice', async () => {
    expect(await collected(() => {}, { tasks: [] })).toEqual([]);
    await expect(collected(() => {}, { tasks: [tasks[0]!, tasks[0]!] })).rejects.toThrow('1 different ids');
  });
});

describe('the jobs of collectGroups', () => {
  /** A fabric that runs nothing and keeps what was submitted. */
  class Noting implements JobFabric {
    readonly submitted: [string, unknown, string][] = [];
    running = 0;
    mostRunning = 0;

    async submit(...[kind, payload, { id }]: Parameters<JobFabric['submit']>) {
      this.submitted.push([kind, payload, id]);
      this.mostRunning = Math.max(this.mostRunning, ++this.running);
      await new Promise(setImmediate);
      this.running--;
      return { status: 'cancelled', reason: 'noted' };
    }

    work(): AsyncDisposable {
      return { async [Symbol.asyncDispose]() {} };
    }

    async [Symbol.asyncDispose](): Promise<void> {}
  }

  async function noted(overrides: Partial<CollectRequest> = {}): Promise<Noting> {
    const fabric = new Noting();
    await listed(collectGroups(collection(fabric, overrides), never));
    return fabric;
  }

  it('have equal payloads and ids for equal seeds', async () => {
    expect((await noted()).submitted).toEqual((await noted()).submitted);
  });

  it('have ids and seeds that name run, split, step, task and member', async () => {
    const [kind, payload, id] = (await noted()).submitted[4]!;
    expect([kind, id]).toEqual(['episode', 'run-train-4-question-train-1-1']);
    expect(payload).toMatchObject({ member: 1, seed: rngKey(5, 'train', 4, 'question-train-1', 1), policy: 'model' });
  });

  it('of a teacher are other jobs than those of the model', async () => {
    const ids = new Set(
      [...(await noted()).submitted, ...(await noted({ policy: 'teacher' })).submitted].map(([, , id]) => id),
    );
    expect(ids.size).toBe(18);
  });

  it('are never more at once than maxInFlight', async () => {
    const fabric = await noted({ n: 10, maxInFlight: 4 });
    expect(fabric.submitted).toHaveLength(30);
    expect(fabric.mostRunning).toBe(4);
  });
});

describe('stopping a collection', () => {
  /** Starts a collection of hanging episodes; resolves once they run. */
  async function hanging(signal: AbortSignal, firstTaskAnswers: boolean) {
    const fabric = new InProcessFabric();
    const handle = handlerFor(answering);
    const started = new Gate();
    const aborted: unknown[] = [];
    const expected = firstTaskAnswers ? 6 : 9;
    let running = 0;
    fabric.work(
      EPISODE_JOB,
      (payload, context) => {
        if (firstTaskAnswers && episodePayload.parse(payload).task.id === tasks[0]?.id) return handle(payload, context);
        if (++running === expected) started.open();
        return new Promise((_, reject) =>
          context.signal.addEventListener('abort', () => {
            aborted.push(context.signal.reason);
            reject(context.signal.reason);
          }),
        );
      },
      { concurrency: 16 },
    );
    return {
      fabric,
      groups: collectGroups(collection(fabric, { deadlineMs: 600_000 }), signal),
      started: started.opened,
      aborted,
    };
  }

  it('by abort throws the reason and cancels what runs', async () => {
    const controller = new AbortController();
    const { fabric, groups, started, aborted } = await hanging(controller.signal, false);
    await using _fabric = fabric;
    const first = groups.next();
    await started;
    controller.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    await expect.poll(() => aborted.length).toBe(9);
  });

  it('by leaving the loop cancels what runs', async () => {
    const { fabric, groups, started, aborted } = await hanging(never, true);
    await using _fabric = fabric;
    for await (const group of groups) {
      expect(group.task).toEqual(tasks[0]);
      await started;
      break;
    }
    await expect.poll(() => aborted.length).toBe(6);
  });
});
