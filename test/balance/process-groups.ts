import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The processes of a group that run; a dead one that nobody has asked for yet does not. */
export function membersOf(group: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // The name before it is in parentheses and may hold anything.
      const [, state = 'Z', pgrp] = /.*\) (\S) \d+ (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'latin1')) ?? [];
      return Number(pgrp) === group && !'ZX'.includes(state) ? [Number(name)] : [];
    } catch {
      return []; // It has ended.
    }
  });
}

/** Resolves when nobody of the group runs any more. */
export async function groupGone(group: number): Promise<void> {
  while (membersOf(group).length > 0) await delay(10);
}

/** Resolves when the group has so many processes. */
export async function groupOf(group: number, size: number): Promise<void> {
  while (membersOf(group).length < size) await delay(10);
}
