import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { Client } from 'pg';
import { createClient } from 'redis';

/** One connection to a service through its real driver, with a place for one value. */
export interface Session {
  write(value: string): Promise<void>;
  read(): Promise<unknown>;
  close(): void;
}

export type Connect = (url: string, place: string) => Promise<Session>;

export async function connectRedis(url: string, place: string): Promise<Session> {
  const client = createClient({ url, socket: { reconnectStrategy: false } });
  client.on('error', () => undefined);
  await client.connect();
  return {
    write: async (value) => void (await client.set(place, value)),
    read: () => client.get(place),
    close: () => client.destroy(),
  };
}

export async function connectPostgres(url: string, place: string): Promise<Session> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`CREATE TABLE IF NOT EXISTS ${place} (value text)`);
  return {
    write: async (value) => void (await client.query(`INSERT INTO ${place} VALUES ($1)`, [value])),
    read: async () => (await client.query(`SELECT value FROM ${place}`)).rows[0]?.value ?? null,
    close: () => void client.end().catch(() => undefined),
  };
}

export async function connectMysql(url: string, place: string): Promise<Session> {
  const connection = await createConnection(url);
  connection.on('error', () => undefined);
  await connection.query(`CREATE TABLE IF NOT EXISTS ${place} (value text)`);
  return {
    write: async (value) => void (await connection.query(`INSERT INTO ${place} VALUES (?)`, [value])),
    read: async () => {
      const [rows] = await connection.query<RowDataPacket[]>(`SELECT value FROM ${place}`);
      return rows[0]?.value ?? null;
    },
    close: () => connection.destroy(),
  };
}
