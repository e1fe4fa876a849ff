import { ConfigError, InfrastructureError } from '../../core/errors.js';
import { log } from '../../core/log.js';
import type { Failure } from '../../core/types.js';

/** The failure code that stands for a ConfigError between processes. */
const configFailureCode = 'config';

/** Any error in the form that travels; a mistake of the program's becomes `server_failed` and is logged. */
export function failureOf(error: unknown): Failure {
  if (error instanceof InfrastructureError) return error.toFailure();
  if (error instanceof ConfigError) return { code: configFailureCode, message: error.message, retryable: false };
  log('error', 'unexpected_error', { error: (error instanceof Error && error.stack) || `${error}` });
  return { code: 'server_failed', message: `${error}`, retryable: false };
}

/** The reverse of failureOf: an error of the class the other process met. */
export function errorOf(failure: Failure): ConfigError | InfrastructureError {
  return failure.code === configFailureCode
    ? new ConfigError(failure.message)
    : InfrastructureError.fromFailure(failure);
}
