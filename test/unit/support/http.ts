import type { OptimizedMCPServer } from '../../../src/server.ts';
import { MODERN_VERSION, NAME_SOURCE } from '../../../src/wire/wire.ts';
import { legacyRequest, type MessageOptions, modernRequest, type Rpc } from './messages.ts';

export const ENDPOINT = 'http://localhost/mcp';

/** A whole answer over HTTP. */
export interface Reply extends Rpc {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Header fields to add; null leaves out one that is there by default. */
export type Fields = Readonly<Record<string, string | null>>;

export interface HttpOptions extends MessageOptions {
  readonly headers?: Fields;
  readonly signal?: AbortSignal;
}

/** A value as a client writes it into a mirrored header. */
export function encoded(value: string): string {
  return /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !/^=\?base64\?.*\?=$/.test(value)
    ? value
    : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}

function headersFor(fields: Fields): Headers {
  const headers = new Headers({ 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' });
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
  return headers;
}

/** Posts a body as it is: text, or anything that is to be JSON. */
export function post(
  server: OptimizedMCPServer,
  body: unknown,
  fields: Fields = {},
  signal?: AbortSignal,
): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const init = { method: 'POST', headers: headersFor(fields), body: text, ...(signal ? { signal } : {}) };
  return server.fetch(new Request(ENDPOINT, init));
}

/** The header fields that a conforming client sends with a modern request. */
export function modernFields(method: string, params: Record<string, unknown>): Record<string, string> {
  const source = NAME_SOURCE.get(method);
  const name = source === undefined ? undefined : params[source];
  return {
    'MCP-Protocol-Version': MODERN_VERSION,
    'Mcp-Method': method,
    ...(typeof name === 'string' ? { 'Mcp-Name': encoded(name) } : {}),
  };
}

/** Sends a modern request; the answer may be a stream. */
export function openModern(
  server: OptimizedMCPServer,
  method: string,
  params: Record<string, unknown> = {},
  options: HttpOptions = {},
): Promise<Response> {
  const fields = { ...modernFields(method, params), ...options.headers };
  return post(server, modernRequest(method, params, options), fields, options.signal);
}

/** Sends a modern request and reads its single answer. */
export async function modern(
  server: OptimizedMCPServer,
  method: string,
  params: Record<string, unknown> = {},
  options: HttpOptions = {},
): Promise<Reply> {
  return readReply(await openModern(server, method, params, options));
}

/** Calls a tool in the modern era. */
export function callTool(
  server: OptimizedMCPServer,
  name: string,
  args?: unknown,
  options: HttpOptions = {},
): Promise<Reply> {
  return modern(server, 'tools/call', args === undefined ? { name } : { name, arguments: args }, options);
}

/** Sends a legacy request and reads its single answer. */
export async function legacy(
  server: OptimizedMCPServer,
  method: string,
  params: Record<string, unknown> = {},
  fields: Fields = { 'MCP-Protocol-Version': '2025-11-25' },
): Promise<Reply> {
  return readReply(await post(server, legacyRequest(method, params), fields));
}

/** Reads a whole answer; what is not JSON has no members. */
export async function readReply(response: Response): Promise<Reply> {
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  return { ...(isJson ? JSON.parse(text) : {}), status: response.status, headers: response.headers, text };
}

/** The messages of an event stream, as they come; comments are passed over. */
export async function* eventsOf(response: Response): AsyncGenerator<Rpc, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of response.body as ReadableStream<Uint8Array>) {
    rest += decoder.decode(piece, { stream: true });
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = block.split('\n').filter((line) => line.startsWith('data: '));
      if (data.length > 0) yield JSON.parse(data.map((line) => line.slice('data: '.length)).join('\n')) as Rpc;
    }
  }
}

/** All messages of a stream that ends, or the one of a plain answer. */
export async function allMessages(response: Response): Promise<Rpc[]> {
  if (response.headers.get('content-type') === 'application/json') return [(await response.json()) as Rpc];
  const messages: Rpc[] = [];
  for await (const message of eventsOf(response)) messages.push(message);
  return messages;
}
