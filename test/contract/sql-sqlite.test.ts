import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { describeSqlContract } from './sql-contract.ts';
import type { SqlSubject } from './sql-subject.ts';

const folder = mkdtempSync(join(tmpdir(), 'peregrine-sql-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const common: Omit<SqlSubject, 'name' | 'options'> = {
  typeColumns: `i INTEGER, big BIGINT, price NUMERIC(10, 2), ratio REAL, yes BOOLEAN, no BOOLEAN, t TEXT, day DATE,
    at TIMESTAMP, doc JSON, bytes BLOB`,
  autoId: 'INTEGER PRIMARY KEY',
  slow: undefined,
  series: (count) =>
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count}) SELECT n FROM numbers`,
};

describeSqlContract({
  ...common,
  name: 'SQLite in a file',
  options: () => ({ url: `sqlite:${join(folder, 'shop.db')}`, maxConnections: 2, preparedStatements: 8 }),
});

describeSqlContract({
  ...common,
  name: 'SQLite in memory',
  options: () => ({ url: 'sqlite::memory:', preparedStatements: 8 }),
});
