import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InfrastructureError } from '../../../core/errors.js';
import { setLogSink } from '../../../core/log.js';
import type { JobContext, JobFabric, JobHandler, Json } from '../../../core/types.js';

const never = new AbortController().signal;
const patient = { deadlineMs: 20_000, attempts: 3 };
const one = { concurrency: 1 };

/** What every JobFabric promises; `open` makes a fresh one with a short back-off. */
export function describeJobFabric(name: string, open: () => Promise<JobFabric>): void {
  describe(name, () => {
    let fabric: JobFabric;
    beforeEach(async () => {
      setLogSink(() => {});
      fabric = await open();
    });
    afterEach(async () => {
      await fabric[Symbol.asyncDispose]();
      setLogSink();
    });

    test('a job submitted before any worker gets its result, equal but not identical', async () => {
      const payload = { text: 'ä \u0000 "', list: [1, null, { deep: [true] }], number: 0.1 };
      const seen: Json[] = [];
      const handler: JobHandler = async (json) => seen[seen.push(json) - 1] ?? null;
      const result = fabric.submit('echo', payload, { ...patient, id: 'run:1/task 7:%3A' }, never);
      await using _worker = fabric.work('echo', handler, one);
      expect(await result).toEqual(payload);
      expect(await result).not.toBe(payload);
      expect(seen).toEqual([payload]);
      expect(seen[0]).not.toBe(payload);
    });

    test('200 jobs are all answered and never more run at once than the worker may', async () => {
      let running = 0;
      let most = 0;
      const handler: JobHandler = async (json) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
        return json;
      };
      await using _worker = fabric.work('n', handler, { concurrency: 8 });
      const ids = Array.from({ length: 200 }, (_, index) => index);
      const results = await Promise.all(ids.map((n) => fabric.submit('n', n, { ...patient, id: `${n}` }, never)));
      expect(results).toEqual(ids);
      expect(most).toBe(8);
    });

    test('one worker runs jobs in the order of their submission', async () => {
      const order: Json[] = [];
      const results = [1, 2, 3, 4].map((n) => fabric.submit('n', n, { ...patient, id: `job ${n}` }, never));
      await using _worker = fabric.work('n', async (json) => order.push(json), one);
      await Promise.all(results);
      expect(order).toEqual([1, 2, 3, 4]);
    });

    test('an id submitted again while pending and after it finished runs once', async () => {
      let runs = 0;
      const first = fabric.submit('count', null, { ...patient, id: 'x' }, never);
      const second = fabric.submit('count', null, { ...patient, id: 'x' }, never);
      await using _worker = fabric.work('count', async () => ++runs, one);
      expect(await Promise.all([first, second])).toEqual([1, 1]);
      expect(await fabric.submit('count', null, { ...patient, id: 'x' }, never)).toBe(1);
    });

    test('equal ids of two kinds are two jobs', async () => {
      await using _a = fabric.work('a', async () => 'from a', one);
      await using _b = fabric.work('b', async () => 'from b', one);
      const results = ['a', 'b'].map((kind) => fabric.submit(kind, null, { ...patient, id: 'x' }, never));
      expect(await Promise.all(results)).toEqual(['from a', 'from b']);
    });

    test('a retryable failure is tried again and the handler sees the number of the attempt', async () => {
      const attempts: number[] = [];
      const handler: JobHandler = async (_payload, { attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new InfrastructureError('engine_gone', 'no', { retryable: true });
        return 'done';
      };
      await using _worker = fabric.work('flaky', handler, one);
      expect(await fabric.submit('flaky', null, { ...patient, id: 'x' }, never)).toBe('done');
      expect(attempts).toEqual([1, 2, 3]);
    });

    test('the last attempt answers with its failure', async () => {
      let runs = 0;
      await using _worker = fabric.work('bad', () => Promise.reject(gone(true, ++runs)), one);
      const result = fabric.submit('bad', null, { id: 'x', deadlineMs: 20_000, attempts: 2 }, never);
      await expect(result).rejects.toMatchObject({ code: 'engine_gone', message: 'run 2', retryable: true });
      await expect(result).rejects.toBeInstanceOf(InfrastructureError);
      expect(runs).toBe(2);
    });

    test('a failure that is not retryable uses one attempt', async () => {
      let runs = 0;
      await using _worker = fabric.work('bad', () => Promise.reject(gone(false, ++runs)), one);
      const result = fabric.submit('bad', null, { ...patient, id: 'x' }, never);
      await expect(result).rejects.toMatchObject({ code: 'engine_gone', retryable: false });
      expect(runs).toBe(1);
    });

    test('a bug in the handler fails the job once and spares the worker', async () => {
      let runs = 0;
      const handler: JobHandler = async (payload) => {
        runs++;
        if (payload === 'bug') throw new TypeError('x is not a function');
        return payload;
      };
      await using _worker = fabric.work('buggy', handler, one);
      const bug = fabric.submit('buggy', 'bug', { ...patient, id: 'bug' }, never);
      await expect(bug).rejects.toMatchObject({ code: 'handler_crashed', retryable: false });
      expect(await fabric.submit('buggy', 'fine', { ...patient, id: 'fine' }, never)).toBe('fine');
      expect(runs).toBe(2);
    });

    test('a deadline passes while no worker is there', async () => {
      const result = fabric.submit('nobody', null, { id: 'x', deadlineMs: 50, attempts: 3 }, never);
      await expect(result).rejects.toMatchObject({ code: 'deadline', name: 'InfrastructureError' });
    });

    test('a deadline aborts the running handler', async () => {
      const handler = new Hanging();
      await using _worker = fabric.work('slow', handler.run, one);
      const result = fabric.submit('slow', null, { id: 'x', deadlineMs: 800, attempts: 3 }, never);
      await expect(result).rejects.toMatchObject({ code: 'deadline' });
      expect(await handler.stopped()).toMatchObject({ name: 'TimeoutError' });
    });

    test('aborting rejects with the reason and reaches the running handler', async () => {
      const handler = new Hanging();
      const abort = new AbortController();
      await using _worker = fabric.work('slow', handler.run, one);
      const result = fabric.submit('slow', null, { ...patient, id: 'x' }, abort.signal);
      await handler.started();
      abort.abort(new Error('enough'));
      await expect(result).rejects.toThrow('enough');
      expect(await handler.stopped()).toMatchObject({ name: 'AbortError' });
    });

    test('an aborted job that was waiting never runs', async () => {
      const abort = new AbortController();
      const seen: Json[] = [];
      const aborted = fabric.submit('n', 'aborted', { ...patient, id: 'a' }, abort.signal);
      abort.abort(new Error('enough'));
      await expect(aborted).rejects.toThrow('enough');
      await using _worker = fabric.work('n', async (json) => seen.push(json), one);
      await fabric.submit('n', 'kept', { ...patient, id: 'b' }, never);
      expect(seen).toEqual(['kept']);
    });

    test('an aborted job can be submitted again', async () => {
      const abort = new AbortController();
      const aborted = fabric.submit('n', 1, { ...patient, id: 'x' }, abort.signal);
      abort.abort(new Error('enough'));
      await expect(aborted).rejects.toThrow('enough');
      const again = fabric.submit('n', 2, { ...patient, id: 'x' }, never);
      await using _worker = fabric.work('n', async (json) => json, one);
      expect(await again).toBe(2);
    });

    test('of two submitters one may abort and the other still gets the result', async () => {
      const abort = new AbortController();
      const handler = new Hanging();
      await using _worker = fabric.work('n', handler.run, one);
      const leaving = fabric.submit('n', null, { ...patient, id: 'x' }, abort.signal);
      const staying = fabric.submit('n', null, { ...patient, id: 'x' }, never);
      await handler.started();
      abort.abort(new Error('enough'));
      await expect(leaving).rejects.toThrow('enough');
      handler.finish('result');
      expect(await staying).toBe('result');
    });

    test('disposing a worker aborts its handlers and another worker finishes the job, at the cost of no attempt', async () => {
      const handler = new Hanging();
      const first = fabric.work('n', handler.run, one);
      const result = fabric.submit('n', null, { id: 'x', deadlineMs: 20_000, attempts: 1 }, never);
      await handler.started();
      await first[Symbol.asyncDispose]();
      expect(await handler.stopped()).toMatchObject({ name: 'AbortError' });
      await using _second = fabric.work('n', async (_payload, { attempt }) => `attempt ${attempt}`, one);
      expect(await result).toBe('attempt 1');
    });

    test('disposing the fabric aborts handlers, rejects what waits, and refuses more', async () => {
      const handler = new Hanging();
      fabric.work('n', handler.run, one);
      const results = ['running', 'waiting'].map((id) => fabric.submit('n', null, { ...patient, id }, never));
      const rejections = results.map((result) => expect(result).rejects.toMatchObject({ code: 'fabric_closed' }));
      await handler.started();
      await fabric[Symbol.asyncDispose]();
      await Promise.all(rejections);
      expect(await handler.stopped()).toMatchObject({ name: 'AbortError' });
      await expect(fabric.submit('n', null, { ...patient, id: 'x' }, never)).rejects.toMatchObject({
        code: 'fabric_closed',
      });
    });

    test('an aborted signal submits nothing', async () => {
      let runs = 0;
      await using _worker = fabric.work('n', async () => ++runs, one);
      const aborted = AbortSignal.abort(new Error('enough'));
      await expect(fabric.submit('n', null, { ...patient, id: 'x' }, aborted)).rejects.toThrow('enough');
      expect(await fabric.submit('n', null, { ...patient, id: 'y' }, never)).toBe(1);
    });
  });
}

/** A handler that runs until it is told to finish or its signal aborts. */
export class Hanging {
  #reportStart: (context: JobContext) => void = () => {};
  #reportStop: (reason: unknown) => void = () => {};
  #finish: (value: Json) => void = () => {};
  readonly #started = new Promise<JobContext>((resolve) => {
    this.#reportStart = resolve;
  });
  readonly #stopped = new Promise<unknown>((resolve) => {
    this.#reportStop = resolve;
  });

  readonly run: JobHandler = (_payload, context) =>
    new Promise((resolve, reject) => {
      this.#finish = resolve;
      context.signal.addEventListener('abort', () => {
        this.#reportStop(context.signal.reason);
        reject(context.signal.reason);
      });
      this.#reportStart(context);
    });

  started(): Promise<JobContext> {
    return this.#started;
  }

  /** The reason of the abort. */
  stopped(): Promise<unknown> {
    return this.#stopped;
  }

  finish(value: Json): void {
    this.#finish(value);
  }
}

function gone(retryable: boolean, run: number): InfrastructureError {
  return new InfrastructureError('engine_gone', `run ${run}`, { retryable });
}
