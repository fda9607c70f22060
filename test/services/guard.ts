import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a process started and must not leave behind. */
export interface Owned {
  readonly folder: string;
  /** The process that runs, if one does. */
  readonly pid: number | undefined;
}

const owned = new Map<string, Owned>();
let guardian: ChildProcess | undefined;

/**
 * Has the process ended and the folder removed when this process ends, however it does: a process beside it, which
 * gets no signal of the terminal, sees the end of a pipe. Called again when the process in that folder is another one.
 */
export function guard(thing: Owned): void {
  owned.set(thing.folder, thing);
  tell();
}

export function release(folder: string): void {
  owned.delete(folder);
  tell();
}

/** Removes a server's folder, in which processes that were just killed may still be writing their last. */
export function removeFolder(folder: string): void {
  removeSharedMemory(join(folder, 'data/postmaster.pid'));
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** A PostgreSQL that was killed leaves a segment of shared memory for its next start, and the machine has few. */
function removeSharedMemory(lockFile: string): void {
  if (!existsSync(lockFile)) return;
  const [, , , , , , keyAndId = ''] = readFileSync(lockFile, 'utf8').split('\n');
  const id = keyAndId.trim().split(/\s+/)[1];
  if (id !== undefined) spawnSync('ipcrm', ['--shmem-id', id]);
}

function tell(): void {
  guardian ??= startGuardian();
  guardian.stdin?.write(`${JSON.stringify([...owned.values()])}\n`);
}

function startGuardian(): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL('guardian.ts', import.meta.url))], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.unref();
  return child;
}
