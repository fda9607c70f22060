import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { OptimizedMCPServer } from '../../src/server.ts';
import { LineProcess } from '../services/line-process.ts';
import { SessionClient } from '../unit/support/session-client.ts';
import { Supervised } from './supervised.ts';

const PROGRAM = fileURLToPath(new URL('session-program.ts', import.meta.url));

/** Starts the program alone. @returns Where it serves. */
export async function startAlone(...args: readonly string[]): Promise<string> {
  const alone = new LineProcess([PROGRAM, ...args]);
  onTestFinished(async () => void (await alone.end('SIGTERM')));
  return (await alone.line(/^serves at (\S+)$/))[1] ?? '';
}

/** Starts the program as two instances. */
export async function startSupervised(): Promise<Supervised & { readonly at: string }> {
  const supervised = new Supervised(PROGRAM, '--instances', '2');
  const at = await supervised.url();
  await supervised.ready(2);
  return Object.assign(supervised, { at });
}

/** A server elsewhere, which the clients of unit tests can use too. */
export function at(url: string): OptimizedMCPServer {
  const send = async (request: Request): Promise<Response> => {
    const body = request.method === 'POST' ? { body: await request.text() } : {};
    return fetch(url, { method: request.method, headers: request.headers, ...body });
  };
  return { fetch: send } as OptimizedMCPServer;
}

/** A client that makes its session in one place. */
export function openAt(url: string): Promise<SessionClient> {
  return SessionClient.open(at(url), { capabilities: { roots: {} } });
}
