import { describe, expect, it } from 'vitest';
import { assert, ConfigError, InfrastructureError } from '../../core/errors.js';

describe('errors', () => {
  it('of the infrastructure survive a journey as JSON', () => {
    const error = new InfrastructureError('sandbox_died', 'killed', { retryable: true, cause: new Error('why') });
    const arrived = InfrastructureError.fromFailure(JSON.parse(JSON.stringify(error.toFailure())));
    expect(arrived).toBeInstanceOf(InfrastructureError);
    expect(arrived).toMatchObject({ code: 'sandbox_died', message: 'killed', retryable: true });
    expect(error.cause).toMatchObject({ message: 'why' });
  });

  it('without a cause have none', () => {
    expect(Object.hasOwn(new InfrastructureError('gone', 'gone', { retryable: false }), 'cause')).toBe(false);
  });

  it('are told apart by name', () => {
    const errors = [new ConfigError('a'), new InfrastructureError('b', 'b', { retryable: false })];
    expect(errors.map(({ name }) => name)).toEqual(['ConfigError', 'InfrastructureError']);
  });

  it('of broken invariants carry the values; kept ones say nothing', () => {
    expect(() => assert(false, 'mask 5, tokens 7')).toThrow('invariant broken: mask 5, tokens 7');
    expect(() => assert(true, 'never')).not.toThrow();
  });
});
