import { fileURLToPath } from 'node:url';
import { startScript } from '../harness/processes.ts';
import type { ContestRow } from '../pools/contest.ts';
import type { LoadedRow } from '../workers/under-load.ts';
import type { ExtraGoal, ExtraResult, ExtraTable } from './extra.ts';
import { ownSuite } from './suite.ts';

const LONGEST_MS = 120_000;

interface Found {
  readonly thread: readonly ContestRow[];
  readonly process: readonly ContestRow[];
  readonly loaded: readonly LoadedRow[];
}

/** What a call takes, over what the bare one takes. */
function ratioOf(rows: readonly ContestRow[], row: ContestRow | undefined): number {
  return (row?.wallUs ?? Number.NaN) / (rows[0]?.wallUs ?? Number.NaN);
}

function roundTripTable(title: string, rows: readonly ContestRow[]): ExtraTable {
  return {
    title,
    headings: ['way', 'µs', 'µs / bare', 'CPU µs of the caller', 'calls'],
    rows: rows.map((row) => [
      row.name,
      row.wallUs.toFixed(1),
      ratioOf(rows, row).toFixed(2),
      row.cpuUs.toFixed(1),
      row.calls,
    ]),
  };
}

function loadedTable(rows: readonly LoadedRow[]): ExtraTable {
  return {
    title: 'Fibonacci 27 over HTTP on 8 connections, an innocent tool on a ninth',
    headings: ['runs', 'req/s', 'P99 ms', 'innocent req/s', 'innocent P50 ms', 'innocent P99 ms'],
    rows: rows.map((row) => [
      row.mode,
      row.heavyPerSecond,
      row.heavyP99Ms.toFixed(1),
      row.innocentPerSecond,
      row.innocentP50Ms.toFixed(2),
      row.innocentP99Ms.toFixed(2),
    ]),
  };
}

function goalsOf({ thread, process, loaded }: Found): ExtraGoal[] {
  const innocent = (mode: string): number => loaded.find((row) => row.mode === mode)?.innocentP99Ms ?? Number.NaN;
  return [
    { title: 'a task in the thread pool / a bare thread', value: ratioOf(thread, thread[1]), atMost: 1.5 },
    { title: 'a task in the process pool / a bare fork', value: ratioOf(process, process[1]), atMost: 1.5 },
    { title: 'innocent P99 beside threads / inline', value: innocent('thread') / innocent('inline'), atMost: 0.5 },
    { title: 'innocent P99 beside processes / inline', value: innocent('process') / innocent('inline'), atMost: 0.5 },
  ];
}

/** In a process of its own, which is not pinned: threads and processes are for using every core. */
async function measureInProcess(): Promise<ExtraResult> {
  const child = startScript({ script: fileURLToPath(new URL('../workers/main.ts', import.meta.url)) });
  try {
    const found = JSON.parse(await child.nextLine(LONGEST_MS)) as Found;
    return {
      tables: [
        roundTripTable('A trivial task in a thread, one at a time', found.thread),
        roundTripTable('A trivial task in a process, one at a time', found.process),
        loadedTable(found.loaded),
      ],
      goals: goalsOf(found),
    };
  } finally {
    await child.stop();
  }
}

export const suite = ownSuite('workers', measureInProcess);
