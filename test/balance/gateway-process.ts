/** A process with a server over stdio behind it: prints the server's process when that answers, and then stays. */
import { StdioTarget } from '../../src/balance/balance.ts';
import { legacy, resultOf } from './call-target.ts';

const [command = '', ...args] = process.argv.slice(2);
const target = new StdioTarget({ name: 'behind', command, args });
await resultOf(target, legacy('tools/list'));
console.log(target.pids[0]);
