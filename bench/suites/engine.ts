import type { Goal, Row, Suite } from './suite.ts';

const CONTENDERS = ['plain-http', 'lane-fixed', 'peregrine', 'peregrine-node-http', 'sdk-v2'] as const;
/** The SDK takes 0.5 ms to 20 ms a request: a shorter time keeps the whole suite under four minutes. */
const SLOW_MS = 1_000;
/** An answer of 155 kB costs several times as much as the call. */
const LONG_MS = 1_500;

function row(group: string, contender: string, toolset: Row['toolset'], scenario: Row['scenario']): Row {
  const isLong = toolset === '53x25' && scenario !== 'call-modern';
  const measuredMs = contender === 'sdk-v2' ? SLOW_MS : isLong ? LONG_MS : undefined;
  return { group, contender, toolset, scenario, ...(measuredMs === undefined ? {} : { measuredMs }) };
}

function rowsOf(
  group: string,
  contenders: readonly string[],
  toolset: Row['toolset'],
  scenario: Row['scenario'],
): Row[] {
  return contenders.map((contender) => row(group, contender, toolset, scenario));
}

const rows: Row[] = [
  ...rowsOf('call', CONTENDERS, '3', 'call-modern'),
  ...rowsOf('call', ['peregrine', 'sdk-v2'], '500', 'call-modern'),
  ...rowsOf('legacy', CONTENDERS, '3', 'call-legacy'),
  ...rowsOf('list', CONTENDERS, '3', 'list-modern'),
  ...rowsOf('wide', ['peregrine', 'sdk-v2'], '53x25', 'call-modern'),
  ...rowsOf('wide', ['sdk-v2', 'peregrine'], '53x25', 'list-modern'),
  ...rowsOf('wide', ['peregrine'], '53x25', 'call-long'),
];

const call = row('call', 'peregrine', '3', 'call-modern');
const wideList = row('wide', 'peregrine', '53x25', 'list-modern');

const goals: Goal[] = [
  {
    title: 'tools/call, modern: at most 0.6 of plain node:http',
    row: call,
    reference: row('call', 'plain-http', '3', 'call-modern'),
    atMost: 0.6,
  },
  {
    title: 'tools/call, modern: at most 1/15 of SDK v2',
    row: call,
    reference: row('call', 'sdk-v2', '3', 'call-modern'),
    atMost: 1 / 15,
  },
  {
    title: 'tools/call with 500 tools: within 5 % of three tools',
    row: row('call', 'peregrine', '500', 'call-modern'),
    reference: call,
    atMost: 1.05,
  },
  {
    title: 'tools/list of 53 x 25: at most 1/300 of SDK v2',
    row: wideList,
    reference: row('wide', 'sdk-v2', '53x25', 'list-modern'),
    atMost: 1 / 300,
  },
  {
    title: 'tools/list of 53 x 25: within 20 % of a tools/call with an equally long answer',
    row: wideList,
    reference: row('wide', 'peregrine', '53x25', 'call-long'),
    atMost: 1.2,
  },
];

export const suite: Suite = {
  name: 'engine',
  rows,
  goals,
  connections: 16,
  requests: 30_000,
  measuredMs: 2_000,
  roundMs: 52_000,
  slices: 12,
  // By work done: a fast server's code is compiled after 40,000 requests, the SDK's after two seconds.
  warmUp: { requests: 40_000, ms: 2_000 },
};
