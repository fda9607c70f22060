import type { Target, TargetCall } from '../../src/balance/balance.ts';
import { EventStreamReader } from '../../src/wire/wire.ts';

type Failure = Parameters<Parameters<Target['send']>[1]['failed']>[0];

/** What a target answered, whole. */
export interface TargetAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly messages: readonly Record<string, unknown>[];
  readonly failure: Failure | undefined;
}

export interface OpenCall {
  readonly answer: Promise<TargetAnswer>;
  /** Resolves with the first message of its stream. */
  readonly started: Promise<Record<string, unknown>>;
  abort(): void;
}

export const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A modern request as a gateway passes it to a target. */
export function modern(method: string, params: Record<string, unknown> = {}, meta: object = {}): TargetCall {
  const name = params['name'] ?? params['uri'];
  const headers = ['MCP-Protocol-Version: 2026-07-28', `Mcp-Method: ${method}`];
  if (typeof name === 'string') headers.push(`Mcp-Name: ${name}`);
  return call(headers, { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: { ...ENVELOPE, ...meta } } });
}

/** A legacy one. */
export function legacy(method: string, params: Record<string, unknown> = {}): TargetCall {
  return call([], { jsonrpc: '2.0', id: 1, method, params });
}

export function call(headers: readonly string[], message: object): TargetCall {
  const lines = ['Content-Type: application/json', 'Accept: application/json, text/event-stream', ...headers];
  return {
    method: 'POST',
    headerLines: lines.map((line) => `${line}\r\n`).join(''),
    body: JSON.stringify(message),
    rpcMethod: undefined,
    rpcName: undefined,
    session: undefined,
  };
}

export function send(target: Target, request: TargetCall): OpenCall {
  const answer = Promise.withResolvers<TargetAnswer>();
  const started = Promise.withResolvers<Record<string, unknown>>();
  started.promise.catch(() => {});
  const messages: Record<string, unknown>[] = [];
  const add = (text: string): void => {
    messages.push(JSON.parse(text));
    started.resolve(messages[0] as Record<string, unknown>);
  };
  const stream = new EventStreamReader(1e9, { data: add, tooLong: () => {} });
  const pieces: Buffer[] = [];
  let status = 0;
  let contentType: string | undefined;
  const done = (failure: Failure | undefined): void => {
    if (pieces.length > 0) add(Buffer.concat(pieces).toString());
    answer.resolve({ status, contentType, messages, failure });
    started.reject(new Error('it ended before it began'));
  };
  const upstream = target.send(request, {
    head: (code, headers) => {
      status = code;
      contentType = headers.get('content-type');
    },
    data: (chunk) => (contentType === 'text/event-stream' ? stream.push(chunk) : void pieces.push(Buffer.from(chunk))),
    ended: () => done(undefined),
    failed: done,
  });
  return { answer: answer.promise, started: started.promise, abort: () => upstream.abort() };
}

/** The result of the only answer. */
export async function resultOf(target: Target, request: TargetCall): Promise<Record<string, unknown>> {
  const { messages, failure } = await send(target, request).answer;
  const result = messages.at(-1)?.['result'];
  if (result === undefined) throw new Error(`no result: ${JSON.stringify(failure ?? messages)}`);
  return result as Record<string, unknown>;
}
