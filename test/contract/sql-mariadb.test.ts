import { inject } from 'vitest';
import { describeSqlContract } from './sql-contract.ts';

const { mysqlUrl } = inject('services');

describeSqlContract({
  name: 'MariaDB',
  options: () => ({ url: mysqlUrl, maxConnections: 3, preparedStatements: 8 }),
  typeColumns: `i INTEGER, big BIGINT, price DECIMAL(10, 2), ratio DOUBLE, yes BOOLEAN, no BOOLEAN, t TEXT CHARACTER SET utf8mb4, day DATE,
    at DATETIME(6), doc JSON, bytes BLOB`,
  autoId: 'INTEGER AUTO_INCREMENT PRIMARY KEY',
  slow: 'SELECT sleep(20)',
  series: (count) => `SELECT seq AS n FROM seq_1_to_${count}`,
});
