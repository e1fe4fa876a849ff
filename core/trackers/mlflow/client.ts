import { Agent } from 'undici';
import { z } from 'zod';
import { Deadline } from '../../deadline.js';
import { ConfigError, InfrastructureError } from '../../errors.js';

const errorSchema = z.object({ error_code: z.string().optional(), message: z.string().optional() });

/** Where the server is and who asks. */
export interface MlflowServer {
  /** Without credentials and without a slash at the end. */
  readonly url: string;
  readonly authorization?: string;
  /** Takes any certificate. */
  readonly isInsecure: boolean;
}

export interface MlflowCall<Answer> {
  readonly method: 'GET' | 'POST';
  /** Below /api/2.0/mlflow/. */
  readonly path: string;
  readonly body?: object | undefined;
  readonly answer: z.ZodType<Answer>;
  /** 10 s when left out. */
  readonly timeoutMs?: number;
}

/** The server understood and said no; `errorCode` is its word, such as RESOURCE_DOES_NOT_EXIST. */
export class MlflowRefusal extends InfrastructureError {
  readonly errorCode: string;

  constructor(errorCode: string, message: string) {
    super('mlflow_refused', message, { retryable: false });
    this.errorCode = errorCode;
  }
}

/** The server that the environment names, by MLflow's own variables; throws ConfigError when it names none that is a server. */
export function mlflowServer(env: NodeJS.ProcessEnv): MlflowServer {
  const uri = env.MLFLOW_TRACKING_URI ?? '';
  const remedy = 'set MLFLOW_TRACKING_URI to the http or https address of a tracking server (mlflow server)';
  if (uri === '') throw new ConfigError(`tracker mlflow: no server is named; ${remedy}`);
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new ConfigError(
      `tracker mlflow: MLFLOW_TRACKING_URI is "${uri}", and files and databases are not written; ${remedy}`,
    );
  }
  const user = env.MLFLOW_TRACKING_USERNAME ?? decodeURIComponent(url.username);
  const password = env.MLFLOW_TRACKING_PASSWORD ?? decodeURIComponent(url.password);
  const token = env.MLFLOW_TRACKING_TOKEN ?? '';
  const isInsecure = ['true', '1'].includes((env.MLFLOW_TRACKING_INSECURE_TLS ?? '').toLowerCase());
  const server = { url: `${url.origin}${url.pathname.replace(/\/+$/, '')}`, isInsecure };
  if (user !== '' && password !== '') return { ...server, authorization: `Basic ${base64(`${user}:${password}`)}` };
  return token === '' ? server : { ...server, authorization: `Bearer ${token}` };
}

/** Speaks MLflow's REST API 2.0; owns its connections. */
export class MlflowClient implements AsyncDisposable {
  readonly #server: MlflowServer;
  readonly #agent: Agent;

  constructor(server: MlflowServer) {
    this.#server = server;
    const timeouts = { headersTimeout: 0, bodyTimeout: 0 };
    this.#agent = new Agent(server.isInsecure ? { ...timeouts, connect: { rejectUnauthorized: false } } : timeouts);
  }

  get url(): string {
    return this.#server.url;
  }

  /**
   * Resolves with the checked answer. Throws MlflowRefusal when the server said no, ConfigError when it wants another login,
   * and a retryable InfrastructureError when it cannot be asked or is not well.
   */
  async call<Answer>(
    { method, path, body, answer, timeoutMs = 10_000 }: MlflowCall<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    signal.throwIfAborted();
    using deadline = new Deadline(signal, timeoutMs);
    const { status, text } = await this.#send({ method, path, body }, deadline.signal).catch((cause: unknown) => {
      if (signal.aborted) throw signal.reason;
      const problem = deadline.isExpired ? `did not answer within ${timeoutMs} ms` : `cannot be reached: ${cause}`;
      throw new InfrastructureError('mlflow_unreachable', `${this.url} ${problem}`, { retryable: true, cause });
    });
    const said = parseJson(text);
    if (status !== 200) throw this.#failure(status, path, said);
    const parsed = answer.safeParse(said);
    if (parsed.success) return parsed.data;
    throw new MlflowRefusal('BAD_ANSWER', `${this.url} does not answer ${path} like an MLflow server`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #send({ method, path, body }: Pick<MlflowCall<unknown>, 'method' | 'path' | 'body'>, signal: AbortSignal) {
    const { origin, pathname } = new URL(this.url);
    const { authorization } = this.#server;
    const response = await this.#agent.request({
      origin,
      path: `${pathname === '/' ? '' : pathname}/api/2.0/mlflow/${path}`,
      method,
      headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    });
    return { status: response.statusCode, text: await response.body.text() };
  }

  #failure(status: number, path: string, said: unknown): Error {
    const { error_code: code, message } = errorSchema.safeParse(said).data ?? {};
    const text = `${this.url} answered ${path} with ${status}${message === undefined ? '' : `: ${message}`}`;
    if (status === 401 || status === 403) {
      const remedy = 'set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD';
      return new ConfigError(`tracker mlflow: ${text}; ${remedy}`);
    }
    const isUnwell = status >= 500 || status === 429 || status === 408;
    if (isUnwell) return new InfrastructureError('mlflow_unwell', text, { retryable: true });
    return new MlflowRefusal(code ?? `HTTP_${status}`, text);
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

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
