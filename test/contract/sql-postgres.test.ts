import { inject } from 'vitest';
import { describeSqlContract } from './sql-contract.ts';

const { postgresUrl } = inject('services');

describeSqlContract({
  name: 'PostgreSQL',
  options: () => ({ url: postgresUrl, maxConnections: 3, preparedStatements: 8 }),
  typeColumns: `i INTEGER, big BIGINT, price NUMERIC(10, 2), ratio DOUBLE PRECISION, yes BOOLEAN, no BOOLEAN, t TEXT,
    day DATE, at TIMESTAMPTZ, doc JSONB, bytes BYTEA`,
  autoId: 'INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  slow: 'SELECT pg_sleep(20)',
  series: (count) => `SELECT n FROM generate_series(1, ${count}) AS n`,
});
