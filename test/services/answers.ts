import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { createClient } from 'redis';
import { inTime } from './in-time.ts';

const TIMEOUT_MS = 5_000;

/** Resolves when the Redis at this URL answers `PING`. */
export async function redisAnswers(url: string): Promise<void> {
  const client = createClient({ url, socket: { connectTimeout: TIMEOUT_MS, reconnectStrategy: false } });
  client.on('error', () => undefined); // what fails is told by the promise
  try {
    await inTime(
      client.connect().then(() => client.ping()),
      TIMEOUT_MS,
    );
  } finally {
    client.destroy();
  }
}

/** Resolves when the PostgreSQL at this URL answers a query. */
export async function postgresAnswers(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await inTime(client.end(), TIMEOUT_MS);
  }
}

/** Resolves when the MySQL or MariaDB at this URL answers a query. */
export async function mysqlAnswers(url: string): Promise<void> {
  const connection = await createConnection({ uri: url, connectTimeout: TIMEOUT_MS });
  try {
    await inTime(connection.query('SELECT 1'), TIMEOUT_MS);
  } finally {
    connection.destroy();
  }
}

/** What is wrong, in one line; a host with several addresses fails with an error for each and no message. */
export function reasonOf(error: Error & { readonly code?: string }): string {
  return (error.message || error.code || error.name).split('\n')[0] ?? '';
}
