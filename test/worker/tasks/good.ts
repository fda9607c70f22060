/** Tasks that behave, as TypeScript. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { TaskContext } from '../../../src/worker/worker.ts';

let calls = 0;

export default function double(input: number): number {
  return input * 2;
}

export function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

/** How often this worker has run it: its module is loaded once. */
export function countCalls(): { readonly pid: number; readonly calls: number } {
  return { pid: process.pid, calls: ++calls };
}

export function fill(bytes: Uint8Array, { transferring }: TaskContext): Uint8Array {
  const answer = bytes.map((byte) => byte + 1);
  return transferring(answer, [answer.buffer as ArrayBuffer]);
}

export function answerThrough(port: MessagePort): void {
  port.postMessage('through the port');
  port.close();
}

export async function untilAborted(_input: unknown, { signal }: TaskContext): Promise<string> {
  while (!signal.aborted) await setImmediate();
  return 'noticed';
}

/** Uses its core until a file exists. */
export function spinUntil(path: string): string {
  while (!existsSync(path)) fibonacci(15);
  return 'done';
}

/** A signal that a terminal or a supervisor sends to the whole group. */
export async function signalOneself(signal: string): Promise<string> {
  const heard = once(process, signal);
  process.kill(process.pid, signal);
  await heard;
  return `after ${signal}`;
}

/** Everything that writes to stdout. */
export function chatter(): string {
  console.log('console.log of a task');
  process.stdout.write('stdout of a task\n');
  return 'quiet';
}

export function nodeArguments(): string[] {
  return process.execArgv;
}
