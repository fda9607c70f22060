import type { Goal, Row, Suite } from './suite.ts';

/** `peregrine-silent` has no listener, `peregrine` is what a server without `monitor` has: requests are counted. */
const CONTENDERS = [
  'peregrine-silent',
  'peregrine',
  'peregrine-monitored',
  'peregrine-scraped',
  'peregrine-watched',
] as const;
const MOST = 1.05;

const row = (contender: string): Row => ({ group: 'call', contender, toolset: '3', scenario: 'call-modern' });
const goal = (title: string, contender: string, reference: string): Goal => ({
  title,
  row: row(contender),
  reference: row(reference),
  atMost: MOST,
});

export const suite: Suite = {
  name: 'monitor',
  rows: CONTENDERS.map(row),
  goals: [
    goal('requests counted against nobody listening', 'peregrine', 'peregrine-silent'),
    goal('monitor on against off (requests counted)', 'peregrine-monitored', 'peregrine'),
    goal('monitor on and read each second against off', 'peregrine-scraped', 'peregrine'),
    goal('monitor on with a dashboard open against off', 'peregrine-watched', 'peregrine'),
    goal('monitor on and read each second against nobody listening', 'peregrine-scraped', 'peregrine-silent'),
  ],
  connections: 16,
  // Slices of more than a second: each holds a reading of the metrics.
  requests: 1_000_000,
  measuredMs: 10_000,
  roundMs: 60_000,
  slices: 8,
  warmUp: { requests: 40_000, ms: 2_000 },
};
