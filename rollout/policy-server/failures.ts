import { ConfigError, InfrastructureError } from '../../core/errors.js';
import type { Failure } from '../../core/types.js';

/** The failure code that stands for a ConfigError between processes. */
const configFailureCode = 'config';

/** Any error in the form that travels; what is neither the user's nor the world's fault becomes `server_failed`. */
export function failureOf(error: unknown): Failure {
  if (error instanceof InfrastructureError) return error.toFailure();
  if (error instanceof ConfigError) return { code: configFailureCode, message: error.message, retryable: false };
  return { code: 'server_failed', message: `${error}`, retryable: false };
}

/** The reverse of failureOf: an error of the class the other process met. */
export function errorOf(failure: Failure): ConfigError | InfrastructureError {
  return failure.code === configFailureCode
    ? new ConfigError(failure.message)
    : InfrastructureError.fromFailure(failure);
}
