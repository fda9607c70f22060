import type { Goal, Row, Suite } from './suite.ts';

const row = (contender: string): Row => ({ group: 'gateway', contender, toolset: '3', scenario: 'call-modern' });
const goal = (title: string, contender: string, atMost: number): Goal => ({
  title,
  row: row(contender),
  reference: row('gateway-nginx'),
  atMost,
});

export const suite: Suite = {
  name: 'scale',
  needs: ['nginx'],
  rows: ['gateway-nginx', 'gateway-lane', 'gateway-peregrine', 'gateway-undici'].map(row),
  goals: [
    goal('the lane and our own client against nginx, same backends', 'gateway-lane', 1.5),
    goal('the whole gateway against nginx, same backends', 'gateway-peregrine', 1.5),
  ],
  connections: 16,
  requests: 60_000,
  measuredMs: 6_000,
  roundMs: 60_000,
  slices: 12,
  warmUp: { requests: 40_000, ms: 4_000 },
};
