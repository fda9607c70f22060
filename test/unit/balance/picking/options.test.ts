import { expect, it } from 'vitest';
import { LoadBalancer, type LoadBalancerOptions } from '../../../../src/balance/balance.ts';

const check = () => Promise.resolve();

it.each<[unknown, string]>([
  [
    { algorithm: 'random' },
    'option "algorithm" must be one of round-robin, weighted-round-robin, least-connections, resource-based, peak-ewma, got "random"',
  ],
  [{ algoritm: 'round-robin' }, 'option "algoritm" is not known (did you mean "algorithm"?), got "round-robin"'],
  [{ slowStartMs: -1 }, 'option "slowStartMs" must be an integer from 0 to 3600000, got -1'],
  [{ panicBelow: 50 }, 'option "panicBelow" must be a number from 0 to 1, got 50'],
  [{ maxMemory: '90 %' }, 'option "maxMemory" must be a number from 0 to 1, got "90 %"'],
  [{ ejection: true }, 'option "ejection" must be an object, got true'],
  [{ ejection: { failures: 0 } }, 'option "ejection.failures" must be an integer from 1 to 1000, got 0'],
  [{ ejection: { baseMs: 0.5 } }, 'option "ejection.baseMs" must be an integer from 1 to 3600000, got 0.5'],
  [{ ejection: { maxShare: 2 } }, 'option "ejection.maxShare" must be a number from 0 to 1, got 2'],
  [{ ejection: { base: 1 } }, 'option "ejection.base" is not known (did you mean "baseMs"?), got 1'],
  [{ probe: {} }, 'option "probe.check" must be a function, got undefined'],
  [{ probe: { check: 'GET /health' } }, 'option "probe.check" must be a function, got "GET /health"'],
  [{ probe: { check, intervalMs: 0 } }, 'option "probe.intervalMs" must be an integer from 1 to 2147483647, got 0'],
  [
    { probe: { check, timeoutMs: 1e10 } },
    'option "probe.timeoutMs" must be an integer from 1 to 2147483647, got 10000000000',
  ],
  [{ probe: { check, unhealthyAfter: 0 } }, 'option "probe.unhealthyAfter" must be an integer from 1 to 1000, got 0'],
  [{ probe: { check, healthyAfter: 1.5 } }, 'option "probe.healthyAfter" must be an integer from 1 to 1000, got 1.5'],
  [{ clock: {} }, 'option "clock" must be a Clock, got an object'],
  [{ random: 4 }, 'option "random" must be a function, got 4'],
])('refuses %o', (options, message) => {
  expect(() => new LoadBalancer(options as LoadBalancerOptions)).toThrow(message);
});

it('refuses weights that are none', () => {
  const balancer = new LoadBalancer();
  balancer.add('a');
  expect(() => balancer.add('b', { weight: 0 })).toThrow(
    'option "weight" must be a number from 0.001 to 1000000, got 0',
  );
  expect(() => balancer.setWeight('a', Number.NaN)).toThrow('option "weight" must be a number');
  expect(balancer.getStatistics().instances).toHaveLength(1);
  balancer.close();
});

it('chooses by the least connections unless it is told otherwise', () => {
  const balancer = new LoadBalancer();
  expect(balancer.getStatistics()).toEqual({ algorithm: 'least-connections', load: { overall: 0 }, instances: [] });
});
