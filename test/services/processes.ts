import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The process and all that descend from it; PostgreSQL's are in process groups of their own. */
export function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(name) : undefined;
    if (stat) parents.set(Number(name), stat.parent);
  }
  const family = [pid];
  for (const member of family) {
    for (const [child, parent] of parents) if (parent === member) family.push(child);
  }
  return family;
}

/** Sends a signal to the process and its descendants. It is stopped first, so that it starts no more of them. */
export function signalFamily(pid: number, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): number[] {
  if (signal !== 'SIGCONT') sendSignal(pid, 'SIGSTOP');
  const family = familyOf(pid);
  for (const member of family) sendSignal(member, signal);
  return family;
}

/** Waits until none of them runs any more; a dead one that its parent has not asked for yet does not run. */
export async function goneOf(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => !/^[ZX]?$/.test(statOf(String(pid))?.state ?? ''))) await delay(10);
}

/** Waits until all their threads stand still: a `SIGSTOP` takes its time on another core. */
export async function stillOf(pids: readonly number[]): Promise<void> {
  const threads = pids.flatMap(threadsOf);
  while (threads.some((thread) => !/^[TtZX]?$/.test(statOf(thread)?.state ?? ''))) await delay(1);
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => `${pid}/task/${thread}`);
  } catch {
    return []; // it has ended
  }
}

function statOf(path: string): { state: string; parent: number } | undefined {
  try {
    // The name before it is in parentheses and may hold anything.
    const [, state = '', parent = ''] = /.*\) (\S) (\d+)/s.exec(readFileSync(`/proc/${path}/stat`, 'latin1')) ?? [];
    return { state, parent: Number(parent) };
  } catch {
    return undefined; // it has ended
  }
}

/** Sends a signal to a process that may have ended. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
