import {
  type ChurnRow,
  type CostRow,
  measureChurn,
  measureListens,
  measureSessions,
  type SessionCounts,
} from '../sessions/measure.ts';
import type { ExtraResult } from './extra.ts';
import { ownSuite } from './suite.ts';

/** The official SDK takes a millisecond for a session and keeps all: fewer of them show the same. */
const COUNTS: SessionCounts = {
  sessions: 10_000,
  streams: 2_000,
  churn: [
    { contender: 'peregrine', count: 100_000, warmUp: 20_000, settlingMs: 12_000 },
    { contender: 'sdk-v1', count: 5_000, warmUp: 500, settlingMs: 3_000 },
  ],
  warmUp: 500,
};

const kb = (bytes: number): string => (bytes / 1_000).toFixed(1);
const mb = (bytes: number): string => (bytes / 1_000_000).toFixed(1);

function costTable(rows: readonly CostRow[]): ExtraResult['tables'][number] {
  return {
    title: 'Memory of each that is open and idle, its connection included where it has one',
    headings: ['what', 'server', 'open', 'heap kB each', 'resident kB each'],
    rows: rows.map(({ what, contender, count, heap, resident }) => [what, contender, count, kb(heap), kb(resident)]),
  };
}

function churnTable(rows: readonly ChurnRow[]): ExtraResult['tables'][number] {
  return {
    title: 'Sessions that never say DELETE; idle for 2 s where the server has a limit',
    headings: [
      'server',
      'sessions',
      'sessions/s',
      'heap before MB',
      'at once MB',
      'when idle MB',
      'left of each, bytes',
    ],
    rows: rows.map((row) => [
      row.contender,
      row.count,
      row.perSecond,
      mb(row.before),
      mb(row.atOnce),
      mb(row.after),
      Math.round((row.after - row.before) / row.count),
    ]),
  };
}

/** Measures all of it, one server after the other. */
export async function measureAll(counts: SessionCounts): Promise<ExtraResult> {
  const costs = [
    ...(await measureSessions('peregrine', counts)),
    ...(await measureSessions('sdk-v1', counts)),
    await measureListens('peregrine', counts),
    await measureListens('sdk-v2', counts),
  ].sort((a, b) => b.what.localeCompare(a.what));
  const churn: ChurnRow[] = [];
  for (const each of counts.churn) churn.push(await measureChurn(each));
  const own = churn[0] as ChurnRow;
  return {
    tables: [costTable(costs), churnTable(churn)],
    goals: [
      {
        title: `heap that ${own.count} sessions leave behind, MB`,
        value: (own.after - own.before) / 1_000_000,
        atMost: 2,
      },
    ],
  };
}

export const suite = ownSuite('sessions', () => measureAll(COUNTS));
