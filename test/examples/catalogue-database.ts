import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConnectionPoolManager, type SqlPool } from 'peregrine-mcp';
import { TABLES } from '../../examples/catalogue/schema.ts';
import { seedCatalogue } from '../../examples/catalogue/seed.ts';

/** A temporary folder with one seeded SQLite database, to take copies of. */
export class SeededFolder {
  readonly folder = mkdtempSync(join(tmpdir(), 'catalogue-'));
  readonly file = join(this.folder, 'seeded.db');
  /** Of everything in it. */
  hash = '';
  /** What the seeding cost, in milliseconds of CPU: unlike elapsed time the same on a busy machine. */
  cpuMs = 0;

  async seed(): Promise<void> {
    await withDatabase(`sqlite:${this.file}`, async (pool) => {
      const before = process.cpuUsage();
      await seedCatalogue(pool, () => undefined);
      const { user, system } = process.cpuUsage(before);
      this.cpuMs = (user + system) / 1_000;
      this.hash = await hashOf(pool);
    });
  }

  /** The address of a database that is not there yet. */
  url(name: string): string {
    return `sqlite:${join(this.folder, `${name}.db`)}`;
  }

  /** The address of a copy of the seeded database. */
  copy(name: string): string {
    copyFileSync(this.file, join(this.folder, `${name}.db`));
    return this.url(name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Opens a database for some work. */
export async function withDatabase<T>(url: string, work: (pool: SqlPool) => Promise<T>): Promise<T> {
  const manager = new ConnectionPoolManager({ database: url });
  try {
    return await work(manager.database());
  } finally {
    await manager.close();
  }
}

/** Of all rows of the catalogue: the same on every kind of database. */
export async function hashOf(pool: SqlPool): Promise<string> {
  const hash = createHash('sha256');
  for (const table of Object.keys(TABLES)) {
    for await (const row of pool.stream(`SELECT * FROM ${table} ORDER BY 1, 2`)) hash.update(JSON.stringify(row));
  }
  return hash.digest('hex');
}
