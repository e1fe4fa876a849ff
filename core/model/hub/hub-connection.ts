import { setTimeout as delay } from 'node:timers/promises';
import { EnvHttpProxyAgent, fetch, type Response } from 'undici';
import { ConfigError, InfrastructureError } from '../../errors.js';
import type { HubSettings } from './environment.js';
import { IdleDeadline } from './idle-deadline.js';

const RETRIES = 5; // 15 seconds of pauses
const MAX_BACKOFF_MS = 30_000;

/** Listings of the largest repositories are far below it. */
const MAX_TEXT_BYTES = 64 * 2 ** 20;

export interface ConnectionOptions extends Pick<HubSettings, 'endpoint' | 'silenceMs'> {
  /** For proxies. */
  readonly env: NodeJS.ProcessEnv;
  /** Sent to the endpoint alone, never to where it redirects. */
  readonly credentials: { readonly [header: string]: string };
  readonly backoffMs: number;
  /** What a status that will not change means to the user; undefined for one that has no meaning of its own. */
  explain(response: Response): ConfigError | undefined;
}

export interface HubRequest<T> {
  readonly url: string;
  /** Asked before every attempt: a download goes on where the one before ended. */
  headers?(): { readonly [header: string]: string };
  /** Takes the answer; `heard` puts off the deadline. */
  read(response: Response, heard: () => void): Promise<T>;
  /** True when so much came since the last failure that it does not count. */
  hasAdvanced?(): boolean;
  /** How often it is tried again. */
  readonly retries?: number | undefined;
}

/**
 * GETs from one hub. No answer, a broken one, 5xx, 408 and 429 are tried again, then are an InfrastructureError; other statuses are a
 * ConfigError. No wait is longer than the deadline without a byte. Owns its connections.
 */
export class HubConnection implements AsyncDisposable {
  readonly #options: ConnectionOptions;
  readonly #origin: string;
  readonly #agent: EnvHttpProxyAgent;

  constructor(options: ConnectionOptions) {
    const { env, endpoint } = options;
    this.#options = options;
    this.#origin = new URL(endpoint).origin;
    this.#agent = new EnvHttpProxyAgent({
      httpProxy: env.http_proxy ?? env.HTTP_PROXY ?? '',
      httpsProxy: env.https_proxy ?? env.HTTPS_PROXY ?? '',
      noProxy: env.no_proxy ?? env.NO_PROXY ?? '',
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async get<T>(request: HubRequest<T>, signal: AbortSignal): Promise<T> {
    for (let failures = 0; ; failures++) {
      try {
        return await this.#attempt(request, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (request.hasAdvanced?.() === true) failures = 0;
        if (!(error instanceof Unanswered) || failures >= (request.retries ?? RETRIES)) throw asFailure(error);
        const backoffMs = this.#options.backoffMs * 2 ** failures;
        await delay(Math.min(Math.max(backoffMs, error.waitMs), MAX_BACKOFF_MS), undefined, { signal }).catch(() =>
          signal.throwIfAborted(),
        );
      }
    }
  }

  /** A small answer as text. */
  getText(
    request: Pick<HubRequest<string>, 'url' | 'retries'>,
    signal: AbortSignal,
  ): Promise<{ readonly text: string; readonly headers: Response['headers'] }> {
    const read = async (response: Response, heard: () => void) => ({
      text: await textOf(response, heard),
      headers: response.headers,
    });
    return this.get({ ...request, read }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #attempt<T>(request: HubRequest<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    using deadline = new IdleDeadline(signal, this.#options.silenceMs);
    const { host, origin } = new URL(request.url);
    const credentials = origin === this.#origin ? this.#options.credentials : {};
    try {
      const response = await fetch(request.url, {
        headers: { 'user-agent': 'verlet', 'accept-encoding': 'identity', ...request.headers?.(), ...credentials },
        dispatcher: this.#agent,
        signal: deadline.signal,
      });
      deadline.refresh();
      await this.#refuse(response);
      return await request.read(response, () => deadline.refresh());
    } catch (error) {
      if (error instanceof ConfigError || error instanceof Unanswered) throw error;
      const reason = deadline.signal.aborted ? deadline.signal.reason : error;
      throw new Unanswered(`${host} does not answer: ${reasonOf(reason)}`, { cause: error });
    }
  }

  async #refuse(response: Response): Promise<void> {
    if (response.ok) return;
    await response.body?.cancel();
    const { status, url } = response;
    const said = `${new URL(url).host} answers ${status} to ${new URL(url).pathname}`;
    if (status >= 500 || status === 408 || status === 429) {
      throw new Unanswered(said, { waitMs: 1000 * Number(response.headers.get('retry-after') ?? 0) });
    }
    const isHub = new URL(url).origin === this.#origin || response.headers.has('x-error-code');
    if (!isHub) throw new Unanswered(said); // a signed address that ended, for one: the hub gives another
    throw this.#options.explain(response) ?? new ConfigError(`${said}: check that ${this.#options.endpoint} is a hub`);
  }
}

/** One attempt failed in a way that another may not. */
export class Unanswered extends Error {
  /** So long the server wants to be left alone. */
  readonly waitMs: number;

  constructor(message: string, { waitMs = 0, cause }: { waitMs?: number; cause?: unknown } = {}) {
    super(message, { cause });
    this.waitMs = Number.isFinite(waitMs) ? waitMs : 0;
  }
}

function asFailure(error: unknown): unknown {
  if (!(error instanceof Unanswered)) return error;
  return new InfrastructureError('model_hub_unreachable', error.message, { retryable: true, cause: error });
}

async function textOf({ body, url }: Response, heard: () => void): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    heard();
    size += chunk.byteLength;
    if (size > MAX_TEXT_BYTES) throw new ConfigError(`${new URL(url).host} sends a listing without end`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** fetch says only "fetch failed"; why stands in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}
