import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withDatabase } from '../examples/catalogue-database.ts';
import { uniqueName } from '../services/unique-name.ts';

/** Makes databases of one kind for the catalogue, and removes them all. */
export interface Databases {
  readonly kind: string;
  /** The address of a new, empty database. */
  create(): Promise<string>;
  remove(): Promise<void>;
}

export function sqliteDatabases(): Databases {
  const folder = mkdtempSync(join(tmpdir(), 'peregrine-catalogue-'));
  return {
    kind: 'SQLite',
    create: async () => `sqlite:${join(folder, `${uniqueName('catalogue')}.db`)}`,
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Databases of a server, made by the account of its URL. */
export function serverDatabases(kind: string, url: string): Databases {
  const made: string[] = [];
  const run = (sql: string) => withDatabase(url, (pool) => pool.execute(sql));
  return {
    kind,
    create: async () => {
      const name = uniqueName('catalogue');
      await run(`CREATE DATABASE ${name}`);
      made.push(name);
      return changed(url, { pathname: `/${name}` });
    },
    remove: async () => {
      for (const name of made.splice(0)) await run(`DROP DATABASE ${name}`);
    },
  };
}

/** An address with other parts. */
export function changed(url: string, parts: Partial<Record<'pathname' | 'password' | 'port', string>>): string {
  return Object.assign(new URL(url), parts).href;
}
