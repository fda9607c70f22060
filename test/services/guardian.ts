/** Reads what another process owns, the whole list in each line, and when that process has ended, ends it all. */
import { createInterface } from 'node:readline';
import { type Owned, removeFolder } from './guard.ts';
import { goneOf, signalFamily } from './processes.ts';

let owned: readonly Owned[] = [];
for await (const line of createInterface({ input: process.stdin })) owned = JSON.parse(line);
for (const { folder, pid } of owned) {
  if (pid !== undefined) await goneOf(signalFamily(pid, 'SIGKILL'));
  removeFolder(folder);
}
