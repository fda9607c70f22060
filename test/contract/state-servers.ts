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

/** Starts the program as two instances, which are threads where the first argument says so. */
export async function startSupervised(...args: readonly string[]): Promise<Supervised & { readonly at: string }> {
  const flags = args[0] === '--threads' ? ['--threads'] : [];
  const supervised = new Supervised(PROGRAM, ...flags, '--instances', '2', '--', ...args.slice(flags.length));
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

/** A request of a client of an earlier revision. */
export function postLegacy(url: string, method: string, session?: string): Promise<Response> {
  const params =
    method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
      : {};
  return fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...(session === undefined ? {} : { 'Mcp-Session-Id': session, 'MCP-Protocol-Version': '2025-11-25' }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
}

/** Begins a session. @returns Its id. */
export async function beginSession(url: string): Promise<string> {
  const answer = await postLegacy(url, 'initialize');
  await answer.text();
  return answer.headers.get('Mcp-Session-Id') ?? '';
}

/** The status of a request of that session. */
export async function statusOf(url: string, session: string): Promise<number> {
  const answer = await postLegacy(url, 'tools/list', session);
  await answer.text();
  return answer.status;
}
