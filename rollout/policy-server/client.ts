import { once } from 'node:events';
import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import type { z } from 'zod';
import { Deadline } from '../../core/deadline.js';
import { ConfigError, InfrastructureError } from '../../core/errors.js';
import { onAbort } from '../../core/on-abort.js';
import { errorOf } from './failures.js';
import { describeProblem, failureSchema } from './wire.js';

export interface PolicyClientOptions {
  /** How long one call may take, waiting for a connection included. */
  readonly timeoutMs: number;
  /** Aborts, with an InfrastructureError as its reason, when the server's process is gone: calls then fail at once. */
  readonly gone?: AbortSignal;
}

/** One call to a policy server: a JSON body, or frames for what is too large for JSON. */
export interface PolicyCall<T> {
  readonly path: string;
  readonly body: object | Generator<Buffer>;
  /** What the answer must look like. */
  readonly answer: z.ZodType<T>;
}

const maxConnections = 256;
const exitReportMs = 250;

/** Speaks the policy server's wire format; owns its connections. */
export class PolicyClient implements AsyncDisposable {
  readonly #origin: string;
  readonly #options: PolicyClientOptions;
  readonly #agent = new Agent({ connections: maxConnections, headersTimeout: 0, bodyTimeout: 0 });
  readonly #gone: Disposable | undefined;

  constructor(url: string, options: PolicyClientOptions) {
    if (!URL.canParse(url)) throw new ConfigError(`"${url}" is not the URL of a policy server; write http://host:port`);
    this.#origin = new URL(url).origin;
    this.#options = options;
    const { gone } = options;
    this.#gone = gone && onAbort(gone, () => void this.#agent.destroy(gone.reason));
  }

  /** Resolves with the checked answer; fails as the server failed, and with `engine_unreachable` when it cannot be asked. */
  async call<T>({ path, body, answer }: PolicyCall<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    using deadline = new Deadline(signal, this.#options.timeoutMs);
    const { status, text } = await this.#send(path, body, deadline.signal).catch(async (cause: unknown) => {
      throw await this.#explain(cause, path, signal, deadline);
    });
    if (status !== 200) throw this.#rebuild(path, status, text);
    const parsed = answer.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw badAnswer(`${this.#origin}${path}: ${describeProblem(parsed.error)}`, parsed.error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone?.[Symbol.dispose]();
    await this.#agent.destroy();
  }

  async #send(path: string, body: PolicyCall<unknown>['body'], signal: AbortSignal) {
    const isFrames = Symbol.iterator in body;
    const options: Dispatcher.RequestOptions = {
      origin: this.#origin,
      path,
      method: 'POST',
      headers: { 'content-type': isFrames ? 'application/octet-stream' : 'application/json' },
      body: isFrames ? Readable.from(body) : JSON.stringify(body),
      signal,
    };
    const response = await this.#agent.request(options);
    return { status: response.statusCode, text: await response.body.text() };
  }

  async #explain(cause: unknown, path: string, signal: AbortSignal, deadline: Deadline): Promise<unknown> {
    if (signal.aborted) return signal.reason;
    const call = `${this.#origin}${path}`;
    if (deadline.isExpired) {
      const message = `${call} did not answer within ${this.#options.timeoutMs} ms`;
      return new InfrastructureError('deadline', message, { retryable: true, cause });
    }
    const gone = await this.#reasonGone();
    if (gone !== undefined) return gone;
    return new InfrastructureError('engine_unreachable', `cannot reach ${call}: ${cause}`, { retryable: true, cause });
  }

  /** A dying process closes its sockets a moment before its exit is reported. */
  async #reasonGone(): Promise<unknown> {
    const { gone } = this.#options;
    if (gone === undefined) return undefined;
    using moment = new Deadline(gone, exitReportMs);
    if (!moment.signal.aborted) await once(moment.signal, 'abort');
    return gone.aborted ? gone.reason : undefined;
  }

  /** The error the server met, as the same class. */
  #rebuild(path: string, status: number, text: string): Error {
    const parsed = failureSchema.safeParse(parseJson(text));
    if (!parsed.success) return badAnswer(`${this.#origin}${path} answered ${status} without a failure`, parsed.error);
    return errorOf(parsed.data.failure);
  }
}

/** Undefined where the text is no JSON, which no schema accepts. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function badAnswer(message: string, cause: Error): InfrastructureError {
  return new InfrastructureError('engine_bad_answer', message, { retryable: false, cause });
}
