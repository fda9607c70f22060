/** A tool as a module. */
import { isMainThread } from 'node:worker_threads';
import type { TaskContext } from '../../../src/worker/worker.ts';

export default function where(args: { readonly n: number } | undefined, context: TaskContext) {
  const place = isMainThread ? process.pid : 'thread';
  return { content: [{ type: 'text', text: `${args?.n} ${place} ${context.signal.aborted}` }] };
}
