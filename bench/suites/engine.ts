import type { Goal, Row, Suite } from './suite.ts';

const CONTENDERS = ['plain-http', 'lane-fixed', 'peregrine', 'peregrine-node-http', 'sdk-v2'] as const;
/** The SDK takes 0.5 ms to 20 ms a request: a shorter time keeps the whole suite under four minutes. */
const SLOW_MS = 1_500;
/** An answer of 155 kB costs several times as much as the call. */
const LONG_MS = 2_000;

function row(contender: string, toolset: Row['toolset'], scenario: Row['scenario']): Row {
  if (contender === 'sdk-v2') return { contender, toolset, scenario, measuredMs: SLOW_MS };
  if (toolset === '53x25' && scenario !== 'call-modern') return { contender, toolset, scenario, measuredMs: LONG_MS };
  return { contender, toolset, scenario };
}

function rowsOf(contenders: readonly string[], toolset: Row['toolset'], scenario: Row['scenario']): Row[] {
  return contenders.map((contender) => row(contender, toolset, scenario));
}

const rows: Row[] = [
  ...rowsOf(CONTENDERS, '3', 'call-modern'),
  ...rowsOf(['peregrine', 'sdk-v2'], '500', 'call-modern'),
  ...rowsOf(CONTENDERS, '3', 'call-legacy'),
  ...rowsOf(CONTENDERS, '3', 'list-modern'),
  ...rowsOf(['peregrine', 'sdk-v2'], '53x25', 'call-modern'),
  ...rowsOf(['sdk-v2', 'peregrine'], '53x25', 'list-modern'),
  ...rowsOf(['peregrine'], '53x25', 'call-long'),
];

const call = row('peregrine', '3', 'call-modern');
const wideList = row('peregrine', '53x25', 'list-modern');

const goals: Goal[] = [
  {
    title: 'tools/call, modern: at most 0.6 of plain node:http',
    row: call,
    reference: row('plain-http', '3', 'call-modern'),
    atMost: 0.6,
  },
  {
    title: 'tools/call, modern: at most 1/15 of SDK v2',
    row: call,
    reference: row('sdk-v2', '3', 'call-modern'),
    atMost: 1 / 15,
  },
  {
    title: 'tools/call with 500 tools: within 5 % of three tools',
    row: row('peregrine', '500', 'call-modern'),
    reference: call,
    atMost: 1.05,
  },
  {
    title: 'tools/list of 53 x 25: at most 1/300 of SDK v2',
    row: wideList,
    reference: row('sdk-v2', '53x25', 'list-modern'),
    atMost: 1 / 300,
  },
  {
    title: 'tools/list of 53 x 25: within 20 % of a tools/call with an equally long answer',
    row: wideList,
    reference: row('peregrine', '53x25', 'call-long'),
    atMost: 1.2,
  },
];

export const suite: Suite = {
  name: 'engine',
  rows,
  goals,
  connections: 16,
  requests: 50_000,
  measuredMs: 4_000,
  roundMs: 75_000,
  // By work done: the SDK's code takes two seconds of it until it is compiled.
  warmUp: { requests: 12_000, ms: 2_000 },
};
