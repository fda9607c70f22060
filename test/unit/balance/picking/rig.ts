import { LoadBalancer, type LoadBalancerOptions } from '../../../../src/balance/balance.ts';
import { seededRandom } from '../../../../src/kernel/random.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';

/** A balancer whose time stands still, with backends of these weights. */
export function balancerWith(
  weights: { readonly [id: string]: number },
  options: LoadBalancerOptions = {},
  seed = 1,
): { readonly balancer: LoadBalancer; readonly clock: FakeClock } {
  const clock = new FakeClock();
  const balancer = new LoadBalancer({ slowStartMs: 0, clock, random: seededRandom(seed), ...options });
  for (const [id, weight] of Object.entries(weights)) balancer.add(id, { weight });
  return { balancer, clock };
}

/** The backends chosen for calls one after the other, each settled at once or left in flight. */
export function pickMany(balancer: LoadBalancer, calls: number, settles = true): string[] {
  return Array.from({ length: calls }, () => {
    const chosen = balancer.pick();
    if (settles) chosen?.settle('success');
    return chosen?.id ?? 'nothing';
  });
}

/** How often each occurs. */
export function countOf(ids: readonly string[]): { readonly [id: string]: number } {
  const counts: { [id: string]: number } = {};
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

/** Settles so many calls of one backend, whatever else would be chosen. */
export function callsTo(
  balancer: LoadBalancer,
  id: string,
  outcomes: readonly ('success' | 'failure' | 'unknown')[],
): void {
  const others = balancer.getStatistics().instances.map((instance) => instance.id);
  const exclude = new Set(others.filter((other) => other !== id));
  for (const outcome of outcomes) balancer.pick({ exclude })?.settle(outcome);
}

/** The states of all backends. */
export function statesOf(balancer: LoadBalancer): { readonly [id: string]: string } {
  return Object.fromEntries(balancer.getStatistics().instances.map(({ id, state }) => [id, state]));
}
