import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ConfigError, InfrastructureError } from '../../core/errors.js';
import type { Failure, Trainer } from '../../core/types.js';
import type { PausableEngine } from '../engines/local.js';
import { CallSignal } from './call-signal.js';
import { failureOf } from './failures.js';
import { TrainerTurn } from './trainer-turn.js';
import { decodeInfer, decodeUpdate, maxUpdateBytes } from './update-frames.js';
import { describeProblem, directorySchema, emptySchema, generateRequestSchema } from './wire.js';

/** What a policy server serves: an engine and a trainer over the same weights. */
export interface PolicyServerParts {
  readonly engine: PausableEngine;
  readonly trainer: Trainer;
  /** Name of the tensor backend, for `GET /health`. */
  readonly backend: string;
  /** Version of the weights that sampling starts with. */
  readonly version: number;
}

type Handler = (request: FastifyRequest, signal: AbortSignal) => Promise<unknown>;

/**
 * The HTTP face of a policy, not yet listening:
 *   POST /generate {tokens, sampling} -> Generation       POST /publish {} -> {version}
 *   POST /update   frames -> Metrics                      POST /save, /load {directory} -> {}
 *   POST /infer    frames -> InferredColumns              GET  /health   -> {status, version, backend}
 * A client that goes away aborts its call; closing the server aborts all. One trainer call at a time, and none while a
 * decoding step runs. Owns neither engine nor trainer.
 */
export function createPolicyServer(parts: PolicyServerParts): FastifyInstance {
  const { engine, trainer } = parts;
  const turn = new TrainerTurn(engine);
  const routes = new Routes();
  let version = parts.version;

  routes.post('/generate', async (request, signal) => {
    const { tokens, sampling } = parseBody(generateRequestSchema, request);
    return engine.generate(tokens, sampling, signal);
  });
  routes.post('/update', async (request, signal) => {
    const { sequences, options } = parseFrames(request, decodeUpdate);
    return turn.run(() => trainer.update(sequences, options, signal), signal);
  });
  routes.post('/infer', async (request, signal) => {
    const { sequences, options } = parseFrames(request, decodeInfer);
    return turn.run(() => trainer.infer(sequences, options, signal), signal);
  });
  routes.post('/publish', async (request, signal) => {
    parseBody(emptySchema, request);
    version = await turn.run(() => trainer.publish(signal), signal);
    return { version };
  });
  routes.post('/save', async (request, signal) => {
    const { directory } = parseBody(directorySchema, request);
    await turn.run(() => trainer.save(directory, signal), signal);
    return {};
  });
  routes.post('/load', async (request, signal) => {
    const { directory } = parseBody(directorySchema, request);
    await turn.run(() => trainer.load(directory, signal), signal);
    return {};
  });
  routes.app.get('/health', async () => {
    return { status: turn.isTaken ? 'training' : 'ready', version, backend: parts.backend };
  });
  return routes.app;
}

/** A Fastify instance whose handlers get a signal that aborts when their client or the server goes away. */
class Routes {
  readonly app = Fastify({ bodyLimit: maxUpdateBytes, return503OnClosing: false });
  readonly #closing = new AbortController();

  constructor() {
    this.app.addContentTypeParser(
      'application/octet-stream',
      { parseAs: 'buffer' },
      async (_: unknown, body: Buffer) => body,
    );
    this.app.setErrorHandler(async (error: FastifyError, _, reply) => answerFailure(error, reply));
    this.app.setNotFoundHandler(async ({ method, url }, reply) =>
      reply.code(404).send({ failure: badRequest(`there is no ${method} ${url}`) }),
    );
    this.app.addHook('onSend', async (_, reply) => {
      if (this.#closing.signal.aborted) reply.header('connection', 'close');
    });
    this.app.addHook('preClose', async () => {
      this.#closing.abort(
        new InfrastructureError('engine_gone', 'the policy server is shutting down', { retryable: true }),
      );
    });
  }

  post(path: string, handler: Handler): void {
    this.app.post(path, async (request, reply) => {
      using call = new CallSignal(reply.raw, this.#closing.signal);
      call.signal.throwIfAborted();
      return await handler(request, call.signal);
    });
  }
}

/** The client sent what this server does not understand. */
class BadRequestError extends Error {
  readonly statusCode = 400;
}

function parseBody<T>(schema: z.ZodType<T>, request: FastifyRequest): T {
  const parsed = schema.safeParse(request.body);
  if (!parsed.success) throw new BadRequestError(describeProblem(parsed.error));
  return parsed.data;
}

function parseFrames<T>(request: FastifyRequest, decode: (body: Buffer) => T): T {
  if (!Buffer.isBuffer(request.body)) throw new BadRequestError('sequences are sent as application/octet-stream');
  try {
    return decode(request.body);
  } catch (cause) {
    if (cause instanceof z.ZodError) throw new BadRequestError(`options.${describeProblem(cause)}`, { cause });
    if (cause instanceof RangeError) throw new BadRequestError(cause.message, { cause });
    throw cause;
  }
}

function answerFailure(error: FastifyError | Error, reply: FastifyReply): FastifyReply {
  if (error instanceof ConfigError) return reply.code(400).send({ failure: failureOf(error) });
  if (error instanceof InfrastructureError) {
    return reply.code(error.code === 'trainer_busy' ? 409 : 503).send({ failure: failureOf(error) });
  }
  if (reply.raw.destroyed) return reply.code(499).send(); // nobody reads it: the client went away and aborted its call
  const status = 'statusCode' in error && error.statusCode !== undefined ? error.statusCode : 500;
  if (status < 500) return reply.code(status).send({ failure: badRequest(error.message) });
  return reply.code(500).send({ failure: failureOf(error) });
}

function badRequest(message: string): Failure {
  return { code: 'bad_request', message, retryable: false };
}
