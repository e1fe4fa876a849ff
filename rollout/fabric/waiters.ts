import { setMaxListeners } from 'node:events';
import { Deadline } from '../../core/deadline.js';
import { InfrastructureError } from '../../core/errors.js';
import type { Json } from '../../core/types.js';
import { resultOf } from './record.js';

/** Why nobody waits for a job any more. */
export type Abandonment = 'cancelled' | 'deadline';

interface Waiter {
  resolve(record: string): void;
  reject(error: unknown): void;
}

interface WaitOptions {
  readonly deadlineMs: number;
  /** Called when the last waiter of the key leaves without a result. */
  onAbandoned(why: Abandonment): void;
}

/** Who waits for which job. Each waiter has its own deadline and signal; a job is abandoned when its last waiter leaves. */
export class Waiters {
  readonly #rooms = new Map<string, Set<Waiter>>();

  /** Registers at once; resolves or rejects with the record. Throws InfrastructureError `deadline`, or the signal's reason. */
  async join(key: string, options: WaitOptions, signal: AbortSignal): Promise<Json> {
    signal.throwIfAborted();
    setMaxListeners(0, signal); // one signal of a step is shared by all its submissions
    using deadline = new Deadline(signal, options.deadlineMs);
    const record = await new Promise<string>((resolve, reject) => {
      const waiter = { resolve, reject };
      this.#room(key).add(waiter);
      const onAbort = (): void => {
        reject(deadline.isExpired ? late(key, options.deadlineMs) : signal.reason);
        if (this.#leave(key, waiter)) options.onAbandoned(deadline.isExpired ? 'deadline' : 'cancelled');
      };
      deadline.signal.addEventListener('abort', onAbort, { once: true });
    });
    return resultOf(record);
  }

  has(key: string): boolean {
    return this.#rooms.has(key);
  }

  settle(key: string, record: string): void {
    for (const waiter of this.#empty(key)) waiter.resolve(record);
  }

  reject(key: string, error: InfrastructureError): void {
    for (const waiter of this.#empty(key)) waiter.reject(error);
  }

  #room(key: string): Set<Waiter> {
    const room = this.#rooms.get(key) ?? new Set<Waiter>();
    this.#rooms.set(key, room);
    return room;
  }

  #empty(key: string): Iterable<Waiter> {
    const room = this.#rooms.get(key) ?? [];
    this.#rooms.delete(key);
    return room;
  }

  /** True when the waiter was the last one of its room. */
  #leave(key: string, waiter: Waiter): boolean {
    const room = this.#rooms.get(key);
    if (!room?.delete(waiter) || room.size > 0) return false;
    return this.#rooms.delete(key);
  }
}

/** What a submitter gets when its fabric is disposed under it. */
export function closed(): InfrastructureError {
  return new InfrastructureError('fabric_closed', 'the job fabric was closed', { retryable: false });
}

function late(key: string, deadlineMs: number): InfrastructureError {
  const message = `no result of job ${key} within its deadline of ${deadlineMs} ms`;
  return new InfrastructureError('deadline', message, { retryable: false });
}
