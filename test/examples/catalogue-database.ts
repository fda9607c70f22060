import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../../examples/catalogue/database.ts';
import { TABLES } from '../../examples/catalogue/seed.ts';

/** A temporary folder with one seeded database, to take copies of. */
export class SeededFolder {
  readonly folder = mkdtempSync(join(tmpdir(), 'catalogue-'));
  readonly file = join(this.folder, 'seeded.db');
  /** Of everything in it. */
  hash = '';
  /** What the seeding cost, in milliseconds of CPU: unlike elapsed time the same on a busy machine. */
  cpuMs = 0;

  async seed(): Promise<void> {
    const before = process.cpuUsage();
    const { db } = await openDatabase(this.file, () => undefined);
    const { user, system } = process.cpuUsage(before);
    this.cpuMs = (user + system) / 1_000;
    this.hash = hashOf(db);
    db.close();
  }

  /** The path of a database that is not there yet. */
  path(name: string): string {
    return join(this.folder, `${name}.db`);
  }

  copy(name: string): string {
    copyFileSync(this.file, this.path(name));
    return this.path(name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function hashOf(db: DatabaseSync): string {
  const hash = createHash('sha256');
  for (const table of TABLES) {
    for (const row of db.prepare(`SELECT * FROM ${table}`).iterate()) hash.update(JSON.stringify(row));
  }
  return hash.digest('hex');
}

export function hashOfFile(path: string): string {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return hashOf(db);
  } finally {
    db.close();
  }
}
