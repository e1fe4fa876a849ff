import type { Failure } from './types.js';

/** The user's fault, found before any work: the message says what to write instead. Ends the program with exit code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Ours or the world's fault (sandbox died, engine gone): retried or dropped and counted, never a reward. */
export class InfrastructureError extends Error {
  override readonly name = 'InfrastructureError';
  /** Short and stable, snake_case: `sandbox_died`, `engine_unreachable`, `deadline`. */
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
  }

  /** The form that travels between processes. */
  toFailure(): Failure {
    return { code: this.code, message: this.message, retryable: this.retryable };
  }

  static fromFailure(failure: Failure): InfrastructureError {
    return new InfrastructureError(failure.code, failure.message, { retryable: failure.retryable });
  }
}

/** Throws when an invariant of ours is broken; put the values into the message. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}
