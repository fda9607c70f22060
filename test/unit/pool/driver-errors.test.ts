import { describe, expect, it } from 'vitest';
import { publicMessage } from '../../../src/dispatch/result-writer.ts';
import { loadDriver } from '../../../src/pool/adapter/load-driver.ts';
import { createMysqlDriver } from '../../../src/pool/adapter/mysql.ts';
import { toMysqlError } from '../../../src/pool/adapter/mysql-errors.ts';
import { createPostgresDriver } from '../../../src/pool/adapter/postgres.ts';
import { toPostgresError } from '../../../src/pool/adapter/postgres-errors.ts';
import { toSqliteError } from '../../../src/pool/adapter/sqlite-errors.ts';

const serverError = (fields: object) => Object.assign(new Error('column "secret" of table "hidden"'), fields);

describe('errors of drivers', () => {
  it.each([
    ['23505', 'DB_CONSTRAINT', 'unique'],
    ['23503', 'DB_CONSTRAINT', 'foreign-key'],
    ['23514', 'DB_CONSTRAINT', 'check'],
    ['23P01', 'DB_CONSTRAINT', 'other'],
    ['42P01', 'DB_SYNTAX', undefined],
    ['42501', 'DB_PERMISSION', undefined],
    ['40001', 'DB_DEADLOCK', undefined],
    ['40P01', 'DB_DEADLOCK', undefined],
    ['25006', 'DB_READONLY', undefined],
    ['22P02', 'DB_VALUE', undefined],
    ['55P03', 'DB_BUSY', undefined],
    ['57P01', 'DB_CONNECTION_LOST', undefined],
    ['53300', 'DB_UNAVAILABLE', undefined],
    ['XX000', 'DB_FAILED', undefined],
  ])('of PostgreSQL with state %s are %s', (code, expected, constraint) => {
    expect(toPostgresError(serverError({ code, severity: 'ERROR' }), 'shop', false)).toMatchObject({
      code: expected,
      constraint,
    });
  });

  it.each([
    [1062, '23000', 'DB_CONSTRAINT', 'unique'],
    [1452, '23000', 'DB_CONSTRAINT', 'foreign-key'],
    [4025, '23000', 'DB_CONSTRAINT', 'check'],
    [1146, '42S02', 'DB_SYNTAX', undefined],
    [1213, '40001', 'DB_DEADLOCK', undefined],
    [1020, 'HY000', 'DB_DEADLOCK', undefined],
    [1205, 'HY000', 'DB_BUSY', undefined],
    [1045, '28000', 'DB_AUTHENTICATION', undefined],
    [1040, '08004', 'DB_UNAVAILABLE', undefined],
    [1792, '25006', 'DB_READONLY', undefined],
    [1366, '22007', 'DB_VALUE', undefined],
    [9999, 'HY000', 'DB_FAILED', undefined],
  ])('of MySQL with number %s are as they should', (errno, sqlState, expected, constraint) => {
    expect(toMysqlError(serverError({ errno, sqlState, code: 'ER_X' }), 'shop', false)).toMatchObject({
      code: expected,
      constraint,
    });
  });

  it.each([
    [2067, 'DB_CONSTRAINT', 'unique'],
    [787, 'DB_CONSTRAINT', 'foreign-key'],
    [5, 'DB_BUSY', undefined],
    [517, 'DB_BUSY', undefined],
    [8, 'DB_READONLY', undefined],
    [13, 'DB_FULL', undefined],
    [14, 'DB_UNAVAILABLE', undefined],
    [1, 'DB_SYNTAX', undefined],
    [11, 'DB_FAILED', undefined],
  ])('of SQLite with code %s are %s', (errcode, expected, constraint) => {
    expect(toSqliteError(serverError({ errcode, code: 'ERR_SQLITE_ERROR' }), 'shop')).toMatchObject({
      code: expected,
      constraint,
    });
  });

  it('say while connecting that the database cannot be reached', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432'), {
      code: 'ECONNREFUSED',
      errno: -111,
    });
    for (const translate of [toPostgresError, toMysqlError]) {
      expect(translate(refused, 'shop', true)).toMatchObject({
        code: 'DB_UNAVAILABLE',
        retryable: true,
        cause: refused,
      });
      expect(translate(refused, 'shop', false)).toMatchObject({ code: 'DB_CONNECTION_LOST', retryable: false });
    }
  });

  it('say so too where there is no such database', () => {
    const ofPostgres = serverError({ code: '3D000', severity: 'FATAL' });
    expect(toPostgresError(ofPostgres, 'shop', true)).toMatchObject({ code: 'DB_UNAVAILABLE', retryable: true });
    const ofMysql = serverError({ errno: 1049, sqlState: '42000' });
    expect(toMysqlError(ofMysql, 'shop', true)).toMatchObject({ code: 'DB_UNAVAILABLE', retryable: true });
    expect(toMysqlError(ofMysql, 'shop', false)).toMatchObject({ code: 'DB_SYNTAX' });
  });

  it('have a message that clients may read, without what the database said', () => {
    const error = toPostgresError(serverError({ code: '23505', severity: 'ERROR' }), 'shop', false);
    expect(publicMessage(error, 'fallback')).toBe('database "shop": a constraint refused the statement (unique)');
  });
});

describe('a driver that is not installed', () => {
  const missing = (name: string) => () =>
    Promise.reject(
      Object.assign(new Error(`Cannot find package '${name}' imported from x`), { code: 'ERR_MODULE_NOT_FOUND' }),
    );
  const { signal } = new AbortController();
  const options = { database: 'shop', url: 'postgres://localhost/shop', connectTimeoutMs: 100, preparedStatements: 1 };

  it('is named with the command that installs it', async () => {
    await expect(createPostgresDriver(options, missing('pg')).connect(signal)).rejects.toMatchObject({
      code: 'DRIVER_MISSING',
      message: '"postgres" databases need the package "pg": npm install pg',
      retryable: false,
    });
    await expect(createMysqlDriver(options, missing('mysql2')).connect(signal)).rejects.toMatchObject({
      message: '"mysql" databases need the package "mysql2": npm install mysql2',
    });
  });

  it('is not blamed for what it lacks itself', async () => {
    const broken = missing('pg-types')();
    await expect(loadDriver('postgres', 'pg', () => broken)).rejects.toThrow("Cannot find package 'pg-types'");
  });
});
