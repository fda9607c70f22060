import { measureInstances } from '../scale/instances.ts';
import { measureModel } from '../scale/model.ts';
import type { ExtraResult } from './extra.ts';
import type { Goal, Row, Suite } from './suite.ts';

const row = (contender: string): Row => ({ group: 'gateway', contender, toolset: '3', scenario: 'call-modern' });
const goal = (title: string, contender: string, atMost: number): Goal => ({
  title,
  row: row(contender),
  reference: row('gateway-nginx'),
  atMost,
});

async function measureScale(): Promise<ExtraResult> {
  const model = measureModel();
  const instances = await measureInstances();
  const alone = (tool: string): number =>
    instances.find((found) => found.tool === tool && found.instances === 1)?.requestsPerSecond ?? Number.NaN;
  return {
    tables: [
      {
        title: '`peregrine start`, 64 connections; instances and load share the cores',
        headings: ['tool', 'instances', 'req/s', '/ one', 'P50 µs', 'P99 µs', 'CPU µs a call', 'errors'],
        rows: instances.map((found) => [
          found.tool,
          found.instances,
          found.requestsPerSecond,
          (found.requestsPerSecond / alone(found.tool)).toFixed(2),
          found.p50Us,
          found.p99Us,
          found.cpuUs.toFixed(1),
          found.errors,
        ]),
      },
      ...model.tables,
    ],
    goals: model.goals,
  };
}

export const suite: Suite = {
  name: 'scale',
  needs: ['nginx'],
  rows: ['gateway-nginx', 'gateway-lane', 'gateway-peregrine', 'gateway-undici'].map(row),
  goals: [
    goal('the lane and our own client against nginx, same backends', 'gateway-lane', 1.5),
    goal('the whole gateway against nginx, same backends', 'gateway-peregrine', 1.5),
  ],
  extra: measureScale,
  connections: 16,
  requests: 60_000,
  measuredMs: 6_000,
  roundMs: 60_000,
  slices: 12,
  warmUp: { requests: 40_000, ms: 4_000 },
};
