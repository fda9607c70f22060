import { fileURLToPath } from 'node:url';
import { startMariadb } from '../../test/services/mariadb.ts';
import { startPostgres } from '../../test/services/postgres.ts';
import { SERVER_CORE } from '../harness/measure.ts';
import { startScript } from '../harness/processes.ts';
import type { ContestRow } from '../pools/contest.ts';
import type { ExtraGoal, ExtraResult, ExtraTable } from './extra.ts';
import { ownSuite } from './suite.ts';

const LONGEST_MS = 300_000;

interface Found {
  readonly sqlite: readonly ContestRow[];
  readonly postgres: readonly ContestRow[];
  readonly mariadb: readonly ContestRow[];
  readonly http: readonly ContestRow[];
}

function tableOf(title: string, rows: readonly ContestRow[]): ExtraTable {
  return {
    title,
    headings: ['way', 'CPU µs', 'µs', 'CPU / first', 'calls'],
    rows: rows.map((row) => [row.name, row.cpuUs.toFixed(2), row.wallUs.toFixed(2), row.ratio.toFixed(3), row.calls]),
  };
}

function row(rows: readonly ContestRow[], index: number): ContestRow {
  return rows[index] as ContestRow;
}

function goalsOf({ sqlite, postgres, mariadb, http }: Found): ExtraGoal[] {
  return [
    { title: 'queryDatabase on PostgreSQL / pg', value: row(postgres, 1).ratio, atMost: 1.05 },
    { title: 'queryDatabase on MariaDB / mysql2', value: row(mariadb, 1).ratio, atMost: 1.05 },
    {
      title: 'queryDatabase on SQLite beyond node:sqlite, µs of CPU a look-up',
      value: row(sqlite, 1).cpuUs - row(sqlite, 0).cpuUs,
      atMost: 2,
    },
    { title: 'server.http.fetch / global fetch', value: row(http, 1).ratio, atMost: 1 },
  ];
}

/** What a call through a pool costs beside the bare driver, in a process of its own. */
async function measureInProcess(): Promise<ExtraResult> {
  const [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
  const child = startScript({
    core: SERVER_CORE,
    script: fileURLToPath(new URL('../pools/main.ts', import.meta.url)),
    scriptArguments: [postgres.url, mariadb.url],
  });
  try {
    const found = JSON.parse(await child.nextLine(LONGEST_MS)) as Found;
    return {
      tables: [
        tableOf('SQLite, a look-up by key, one at a time', found.sqlite),
        tableOf('PostgreSQL, a look-up by key, 64 at a time over 16 connections', found.postgres),
        tableOf('MariaDB, a look-up by key, 64 at a time over 16 connections', found.mariadb),
        tableOf('HTTP, a call of a loopback server, 16 at a time', found.http),
      ],
      goals: goalsOf(found),
    };
  } finally {
    await child.stop();
    await Promise.all([postgres.stop(), mariadb.stop()]);
  }
}

export const suite = ownSuite('pools', measureInProcess);
