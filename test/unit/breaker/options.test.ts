import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../../../src/breaker/breaker.ts';
import { OptionError } from '../../../src/kernel/errors.ts';

const call = async (): Promise<number> => 1;

describe('the options of a breaker', () => {
  it.each<[object | null | number, string]>([
    [{ threshold: 0 }, 'option "breaker.threshold" must be an integer from 1 to 1000000, got 0'],
    [{ threshold: 2.5 }, 'option "breaker.threshold" must be an integer'],
    [{ threshold: '5' }, 'option "breaker.threshold" must be an integer'],
    [{ timeout: -1 }, 'option "breaker.timeout" must be an integer from 0 to 2147483647, got -1'],
    [{ timeout: Number.POSITIVE_INFINITY }, 'option "breaker.timeout" must be an integer'],
    [{ resetTimeout: 0 }, 'option "breaker.resetTimeout" must be an integer from 1 to 2147483647, got 0'],
    [{ resetBackoff: 0.5 }, 'option "breaker.resetBackoff" must be a number from 1 to 100, got 0.5'],
    [{ resetBackoff: Number.NaN }, 'option "breaker.resetBackoff" must be a number from 1 to 100, got NaN'],
    [{ maxResetTimeout: 29_999 }, 'option "breaker.maxResetTimeout" must be an integer from 30000 to'],
    [{ resetJitter: 1.1 }, 'option "breaker.resetJitter" must be a number from 0 to 1, got 1.1'],
    [{ name: '' }, 'option "breaker.name" must be a non-empty string'],
    [{ isFailure: true }, 'option "breaker.isFailure" must be a function, got true'],
    [{ isFailedResult: 1 }, 'option "breaker.isFailedResult" must be a function, got 1'],
    [{ fallback: 'none' }, 'option "breaker.fallback" must be a function, got "none"'],
    [{ changed: () => {} }, 'option "breaker.changed" must be a Signal, got a function'],
    [{ clock: null }, 'option "breaker.clock" must be a Clock, got null'],
    [{ clock: { now: () => 0 } }, 'option "breaker.clock" must be a Clock, got an object'],
    [{ random: 4 }, 'option "breaker.random" must be a function, got 4'],
    [{ treshold: 5 }, 'option "breaker.treshold" is not known (did you mean "threshold"?)'],
    [{ falback: call }, 'option "breaker.falback" is not known (did you mean "fallback"?)'],
    [null, 'option "breaker" must be an object, got null'],
    [5, 'option "breaker" must be an object, got 5'],
  ])('are checked at construction: %o', (options, message) => {
    expect(() => new CircuitBreaker(call, options as object)).toThrow(OptionError);
    expect(() => new CircuitBreaker(call, options as object)).toThrow(message);
  });

  it('are not needed, and the longest reset timeout follows the reset timeout', () => {
    expect(() => new CircuitBreaker(call)).not.toThrow();
    expect(() => new CircuitBreaker(call, { resetTimeout: 600_000 })).not.toThrow();
  });

  it('come after a call', () => {
    expect(() => new CircuitBreaker({} as () => void)).toThrow('option "call" must be a function, got an object');
  });
});
