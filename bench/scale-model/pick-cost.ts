/**
 * What choosing a backend costs: `node bench/scale-model/pick-cost.ts`.
 *
 * A call is settled and the next one chosen, while seven tenths as many are in flight as there are backends.
 */
import { pathToFileURL } from 'node:url';
import { type BalancingAlgorithm, type ChosenBackend, LoadBalancer } from '../../src/balance/balance.ts';

const ALGORITHMS: readonly BalancingAlgorithm[] = [
  'round-robin',
  'weighted-round-robin',
  'least-connections',
  'resource-based',
  'peak-ewma',
];

/** Nanoseconds to settle a call and choose the next backend: the best of five rounds. */
export function pickCost(algorithm: BalancingAlgorithm, backends: number, calls = 200_000): number {
  const balancer = new LoadBalancer({ algorithm, slowStartMs: 0 });
  for (let at = 0; at < backends; at++) balancer.add(`10.0.${at >> 8}.${at & 255}:3000`);
  const inFlight = Array.from({ length: Math.ceil(0.7 * backends) }, () => balancer.pick() as ChosenBackend);
  let bestNs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const startedAt = process.hrtime.bigint();
    for (let call = 0; call < calls; call++) {
      const at = (call * 7_919) % inFlight.length;
      inFlight[at]?.settle('success');
      inFlight[at] = balancer.pick() as ChosenBackend;
    }
    bestNs = Math.min(bestNs, Number(process.hrtime.bigint() - startedAt) / calls);
  }
  balancer.close();
  return bestNs;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const backends of [4, 16, 64, 1_000]) {
    const costs = ALGORITHMS.map((algorithm) => `${algorithm} ${pickCost(algorithm, backends).toFixed(0)}`);
    console.log(`${backends} backends, ns: ${costs.join(', ')}`);
  }
}
