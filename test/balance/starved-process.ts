import { closeSync, openSync } from 'node:fs';
import { StdioTarget } from '../../src/balance/balance.ts';
import { legacy, send } from './call-target.ts';

/** Asks a server over stdio whose process cannot be started, for all file descriptors are taken; then one that can. */
const quiet = { info: () => {}, warn: () => {} };
const taken: number[] = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch {
  // None is left.
}
closeSync(taken.pop() as number); // For reading a file; a process takes more.
const target = new StdioTarget({ name: 'behind', command: '/bin/sh', args: ['-c', 'exit 3'] }, { logger: quiet });
const staying = setInterval(() => {}, 1_000);
const { failure } = await send(target, legacy('tools/list')).answer;
for (const descriptor of taken) closeSync(descriptor);
await target.close();
clearInterval(staying);
console.log(failure?.message);
