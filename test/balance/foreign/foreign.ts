import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';

/** A server of another maker, with the tools echo, add and slow, a resource and a prompt. */
export interface ForeignKind {
  readonly name: 'sdk-v1' | 'sdk-v2' | 'python';
  /** The newest era that it speaks. */
  readonly era: 'modern' | 'legacy';
}

export const FOREIGN: readonly ForeignKind[] = [
  { name: 'sdk-v1', era: 'legacy' },
  { name: 'sdk-v2', era: 'modern' },
  { name: 'python', era: 'modern' },
];

export interface ForeignCommand {
  readonly command: string;
  readonly args: readonly string[];
}

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** What starts such a server. */
export function commandOf(name: ForeignKind['name'], mode: 'http' | 'stdio'): ForeignCommand {
  return name === 'python'
    ? { command: inject('python'), args: [pathOf('server.py'), mode] }
    : { command: process.execPath, args: [pathOf(`${name}-server.ts`), mode] };
}

export interface ForeignServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts one over HTTP, and waits until it listens. */
export async function startForeign(name: ForeignKind['name']): Promise<ForeignServer> {
  const { command, args } = commandOf(name, 'http');
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), failed(child)]);
  const url = `http://127.0.0.1:${line}/mcp`;
  await Promise.race([listening(url), failed(child)]);
  return {
    url,
    stop: async () => {
      process.off('exit', killWithUs);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function failed(child: ChildProcess): Promise<never> {
  await once(child, 'exit');
  throw new Error('the server ended while it started');
}

/** Python's server names its port before it listens there. */
async function listening(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(url, { method: 'POST', body: '{}' }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
