import { fileURLToPath } from 'node:url';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { onTestFinished } from 'vitest';
import { Supervised } from '../cluster/supervised.ts';
import { Inbox } from '../e2e/inbox.ts';
import { createClient } from '../e2e/peers.ts';
import { LineProcess } from '../services/line-process.ts';

const PROGRAM = fileURLToPath(new URL('state-program.ts', import.meta.url));

/** Starts the program alone. @returns Where it serves. */
export async function startAlone(...args: readonly string[]): Promise<string> {
  const alone = new LineProcess([PROGRAM, ...args]);
  onTestFinished(async () => void (await alone.end('SIGTERM')));
  return (await alone.line(/^serves at (\S+)$/))[1] ?? '';
}

/** Starts the program as two instances. */
export async function startSupervised(...args: readonly string[]): Promise<Supervised & { readonly at: string }> {
  const supervised = new Supervised(PROGRAM, '--instances', '2', '--', ...args);
  const at = await supervised.url();
  await supervised.ready(2);
  return Object.assign(supervised, { at });
}

/** A client that listens for changes of the tools and of the marked resource. @returns What it hears. */
export async function listen(url: string): Promise<Inbox> {
  const client = createClient('modern');
  const inbox = new Inbox();
  client.fallbackNotificationHandler = inbox.deliver;
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  onTestFinished(() => client.close());
  await client.listen({ toolsListChanged: true, resourceSubscriptions: ['test://mark'] });
  return inbox;
}
