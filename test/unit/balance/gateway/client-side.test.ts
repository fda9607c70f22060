import { describe, expect, it, onTestFinished } from 'vitest';
import { GatewayAcceptor } from '../../../../src/balance/gateway/acceptor.ts';
import { resolveResponseCache } from '../../../../src/balance/gateway/response-cache.ts';
import { Route, type RouteOptions } from '../../../../src/balance/gateway/route.ts';
import { SessionIds } from '../../../../src/balance/gateway/session-ids.ts';
import type { Target, TargetCall, TargetSink } from '../../../../src/balance/gateway/target.ts';
import type { UpstreamCall } from '../../../../src/balance/upstream/upstream-call.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';
import { BOTH_READERS } from '../../../transport/both-readers.ts';
import { bare, post, startEndpoint } from '../../../transport/test-endpoint.ts';
import { headersOf } from './fakes.ts';

/** One call as a target gets it. */
class Sent implements UpstreamCall {
  readonly call: TargetCall;
  readonly sink: TargetSink;
  readonly log: string[] = [];
  onLog: (() => void) | undefined;

  constructor(call: TargetCall, sink: TargetSink) {
    this.call = call;
    this.sink = sink;
  }

  pause = (): void => this.#note('pause');
  resume = (): void => this.#note('resume');
  abort = (): void => this.#note('abort');

  /** Resolves when something was noted. */
  async noted(what: string): Promise<void> {
    while (!this.log.includes(what)) await new Promise<void>((resolve) => (this.onLog = resolve));
  }

  answer(status: number, body: string, fields: Record<string, string> = {}, backend = 'owner'): void {
    const length = String(Buffer.byteLength(body));
    this.sink.head(
      status,
      headersOf({ 'content-type': 'application/json', 'content-length': length, ...fields }),
      backend,
    );
    if (body !== '') this.sink.data(Buffer.from(body));
    this.sink.ended();
  }

  stream(): void {
    this.sink.head(200, headersOf({ 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }), 'owner');
  }

  #note(what: string): void {
    this.log.push(what);
    this.onLog?.();
  }
}

class FakeTarget implements Target {
  readonly name: string = 'things';
  readonly sent: Sent[] = [];
  #wake: (() => void) | undefined;

  send(call: TargetCall, sink: TargetSink): UpstreamCall {
    const sent = new Sent(call, sink);
    this.sent.push(sent);
    this.#wake?.();
    return sent;
  }

  async close(): Promise<void> {}

  async next(index: number): Promise<Sent> {
    while (this.sent.length <= index) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.sent[index] as Sent;
  }
}

const CALL = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"buy","arguments":{"n":"\u00e9"}}}';
const MODERN = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': 'buy' };

const toPost = (body: string, fields: Record<string, string> = {}): string => {
  const bytes = Buffer.from(body).toString('latin1');
  return post(bytes, { 'Content-Length': String(bytes.length), ...fields });
};

describe.each(BOTH_READERS)('the client side of a gateway $title', ({ lane }) => {
  async function start(options: Partial<RouteOptions> = {}) {
    const target = new FakeTarget();
    const acceptor = new GatewayAcceptor(new SessionIds('a secret'));
    const clock = new FakeClock();
    const route = new Route(
      target,
      {
        path: '/mcp',
        maxInFlight: 10,
        forwardAuthorization: true,
        cache: resolveResponseCache('cache', {}),
        ...options,
      },
      clock,
    );
    acceptor.route(new Map([['/mcp', route]]));
    const endpoint = await startEndpoint({ acceptor, http: { lane } });
    const client = await endpoint.client();
    onTestFinished(() => expect(route.inFlight).toBe(0));
    return { target, acceptor, route, client, clock, endpoint };
  }

  it('passes a call and its answer on, byte for byte', async () => {
    const { target, client } = await start();
    client.send(toPost(CALL, { ...MODERN, Accept: 'application/json, text/event-stream', 'Mcp-Param-Region': 'eu' }));
    const sent = await target.next(0);
    expect(sent.call).toMatchObject({ method: 'POST', body: CALL, rpcMethod: 'tools/call', rpcName: 'buy' });
    const answer = '{"jsonrpc":"2.0","id":7,"result":{"x":"\u00e9\u20ac"}}';
    sent.answer(200, answer, { 'x-more': 'yes', date: 'then', connection: 'close', 'peregrine-load': 'cpu=1' });
    const [response] = await client.responses(1);
    expect(Buffer.from(response?.body ?? '', 'latin1').toString()).toBe(answer);
    expect(response).toMatchObject({ status: 200, headers: { 'content-type': 'application/json', 'x-more': 'yes' } });
    expect(response?.headers).not.toHaveProperty('peregrine-load');
    expect(response?.headers['connection']).not.toBe('close');
  });

  it('passes the fields on that concern a backend, and adds who asked', async () => {
    const { target, client } = await start();
    client.send(
      toPost(CALL, {
        ...MODERN,
        Authorization: 'Bearer x',
        traceparent: '00-1-2-01',
        Cookie: 'a=b',
        Origin: 'http://127.0.0.1:1',
        'Peregrine-Attempt': '2',
        'Proxy-Authorization': 'x',
        'X-Forwarded-For': '10.0.0.1',
        'Last-Event-ID': '5',
      }),
    );
    const { headerLines } = (await target.next(0)).call;
    const names = headerLines.split('\r\n').map((line) => line.split(':')[0]?.toLowerCase());
    expect(names.sort()).toEqual(
      [
        '',
        'authorization',
        'content-type',
        'forwarded',
        'last-event-id',
        'mcp-method',
        'mcp-name',
        'mcp-protocol-version',
        'peregrine-attempt',
        'traceparent',
        'x-forwarded-for',
      ].sort(),
    );
    expect(headerLines).toContain('X-Forwarded-For: 10.0.0.1, 127.0.0.1\r\n');
    expect(headerLines).toContain('Forwarded: for=127.0.0.1;host="127.0.0.1"\r\n');
    target.sent[0]?.answer(200, '{}');
  });

  it('keeps credentials to itself where the operator says so', async () => {
    const { target, client } = await start({ forwardAuthorization: false });
    client.send(toPost(CALL, { ...MODERN, Authorization: 'Bearer x' }));
    const sent = await target.next(0);
    expect(sent.call.headerLines.toLowerCase()).not.toContain('authorization');
    sent.answer(200, '{}');
  });

  it('reads from the body what headers do not tell', async () => {
    const { target, client } = await start();
    client.send(toPost(CALL));
    const sent = await target.next(0);
    expect(sent.call).toMatchObject({ rpcMethod: 'tools/call', rpcName: 'buy', session: undefined });
    sent.answer(202, '');
    expect((await client.responses(1))[0]).toMatchObject({ status: 202, body: '' });
    client.send(toPost('[]'));
    expect((await target.next(1)).call.rpcMethod).toBeUndefined();
    target.sent[1]?.answer(400, '{}');
  });

  it('reads from the body what servers read there, whatever headers say', async () => {
    const { target, client } = await start();
    const lies = { 'MCP-Protocol-Version': '2025-06-18', 'Mcp-Method': 'tools/list' };
    client.send(toPost(CALL, lies));
    const { call, sink } = await target.next(0);
    expect([call.rpcMethod, call.rpcName]).toEqual(['tools/call', 'buy']);
    sink.failed({ reason: 'lost', message: 'broke off', retryAfterSeconds: undefined });
    await client.responses(1);
  });

  it('is not hurt by what is nested without end', async () => {
    const { target, client } = await start();
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"x":${deep}}}}`;
    client.send(toPost(body, { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/list' }));
    (await target.next(0)).answer(200, '{}');
    client.send(toPost(body));
    (await target.next(1)).sink.failed({ reason: 'lost', message: 'why', retryAfterSeconds: undefined });
    expect((await client.responses(2)).map(({ status }) => status)).toEqual([200, 502]);
  });

  it('passes events on as they come, whole ones only', async () => {
    const { target, client } = await start();
    client.send(toPost(CALL, MODERN));
    const { sink } = await target.next(0);
    target.sent[0]?.stream();
    sink.data(Buffer.from('data: 1\n\ndata: 2'));
    expect(await client.includes('data: 1\n\n')).toBe(true);
    expect(client.text).not.toContain('data: 2');
    sink.data(Buffer.from('2\n\n'));
    expect(await client.includes('data: 22\n\n')).toBe(true);
    sink.ended();
    const [response] = await client.responses(1);
    expect(response).toMatchObject({ complete: true, headers: { 'cache-control': 'no-cache' } });
  });

  it('ends a stream that breaks off with an error of that request', async () => {
    const { target, client } = await start();
    client.send(toPost(CALL, MODERN));
    const { sink } = await target.next(0);
    target.sent[0]?.stream();
    sink.data(Buffer.from('data: 1\n\ndata: hal'));
    sink.failed({ reason: 'lost', message: 'broke off', retryAfterSeconds: undefined });
    const [response] = await client.responses(1);
    expect(response?.complete).toBe(true);
    expect(response?.body).toBe(
      'data: 1\n\nevent: message\ndata: {"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"broke off"}}\n\n',
    );
  });

  it.each([
    [304, {}],
    [204, { 'content-type': 'text/event-stream' }],
    [204, { 'content-length': '5' }],
    [304, { 'content-length': '100' }],
  ])(
    'sends no byte behind the head of status %i with %o: it would be taken for the next answer',
    async (status, fields) => {
      const { target, client } = await start();
      client.send(toPost(CALL, MODERN) + toPost(CALL, MODERN));
      const { sink } = await target.next(0);
      sink.head(status, headersOf(fields), 'owner');
      sink.ended();
      (await target.next(1)).answer(200, '{}');
      await client.includes('{}');
      const [head, rest] = client.text.split(/\r\n\r\n(.*)/s);
      expect(head).toContain(`HTTP/1.1 ${status} `);
      expect(head).not.toMatch(/transfer-encoding|content-length: [1-9]/i);
      expect(rest?.startsWith('HTTP/1.1 200 ')).toBe(true);
    },
  );

  it('cuts the connection where other answers break off', async () => {
    const { target, client } = await start();
    client.send(toPost(CALL, MODERN));
    const { sink } = await target.next(0);
    sink.head(200, headersOf({ 'content-type': 'application/json', 'content-length': '100' }), 'owner');
    sink.data(Buffer.from('{"half":'));
    expect(await client.includes('{"half":')).toBe(true);
    sink.failed({ reason: 'lost', message: 'broke off', retryAfterSeconds: undefined });
    await client.closed;
    expect(client.text.endsWith('{"half":')).toBe(true);
  });

  it.each([
    ['unavailable', 503, -32010, '3'],
    ['overloaded', 503, -32010, '3'],
    ['lost', 502, -32603, '3'],
    ['timeout', 504, -32603, '3'],
    ['session-gone', 404, -32001, '3'],
  ] as const)('answers a call that failed as %s with its id', async (reason, status, code, retryAfter) => {
    const { target, client } = await start();
    client.send(toPost(CALL, MODERN));
    (await target.next(0)).sink.failed({ reason, message: 'why', retryAfterSeconds: 3 });
    const [response] = await client.responses(1);
    expect(response).toMatchObject({ status, headers: { 'retry-after': retryAfter } });
    expect(JSON.parse(response?.body ?? '')).toEqual({ jsonrpc: '2.0', id: 7, error: { code, message: 'why' } });
  });

  it('ends the call when the client goes', async () => {
    const { target, client } = await start();
    client.send(toPost(CALL, MODERN));
    const sent = await target.next(0);
    client.break();
    await sent.noted('abort');
  });

  it('gives a client up that takes nothing any more', async () => {
    const { target, client, clock } = await start();
    client.socket.pause();
    client.send(toPost(CALL, MODERN));
    const sent = await target.next(0);
    sent.sink.head(200, headersOf({ 'content-type': 'application/octet-stream' }), 'owner');
    const piece = Buffer.alloc(65_536, 'x');
    for (let pieces = 0; !sent.log.includes('pause') && pieces < 2_000; pieces++) sent.sink.data(piece);
    clock.advance(60_000);
    await sent.noted('abort');
  });

  it('holds a fast backend back for a slow client', async () => {
    const { target, client, clock } = await start();
    client.socket.pause();
    client.send(toPost(CALL, MODERN));
    const sent = await target.next(0);
    sent.sink.head(200, headersOf({ 'content-type': 'application/octet-stream' }), 'owner');
    const piece = Buffer.alloc(65_536, 'x');
    let pieces = 0;
    for (; !sent.log.includes('pause') && pieces < 2_000; pieces++) sent.sink.data(piece);
    expect(pieces).toBeLessThan(2_000);
    client.socket.resume();
    await sent.noted('resume');
    clock.advance(3_600_000);
    sent.sink.ended();
    expect((await client.responses(1))[0]?.body.length).toBe(pieces * 65_536);
  });

  it('gives sessions an id that says who owns them, and knows it again', async () => {
    const { target, client } = await start();
    client.send(toPost(CALL));
    (await target.next(0)).answer(200, '{}', { 'mcp-session-id': 'own' }, 'owner');
    const id = (await client.responses(1))[0]?.headers['mcp-session-id'] ?? '';
    expect(id).not.toBe('own');
    client.send(toPost(CALL, { 'Mcp-Session-Id': id }));
    const { call } = await target.next(1);
    expect(call.session).toEqual({ id: 'own', backend: 'owner' });
    expect(call.headerLines).not.toContain(id);
    target.sent[1]?.answer(200, '{}');
    client.send(bare('GET', '/mcp', { 'Mcp-Session-Id': id, Accept: 'text/event-stream', 'Last-Event-ID': '3' }));
    const stream = await target.next(2);
    expect(stream.call).toMatchObject({ method: 'GET', body: undefined, session: { id: 'own', backend: 'owner' } });
    expect(stream.call.headerLines).toContain('Last-Event-ID: 3\r\n');
    stream.stream();
    stream.sink.ended();
    client.send(bare('DELETE', '/mcp', { 'Mcp-Session-Id': id }));
    (await target.next(3)).answer(200, '');
    const forged = toPost(CALL, { 'Mcp-Session-Id': `${id}x` });
    expect(await client.responses(4)).toHaveLength(4);
    const refused = await client.ask(forged);
    expect(refused.status).toBe(404);
    expect(JSON.parse(refused.body)).toMatchObject({ id: 7, error: { code: -32001 } });
    expect(target.sent.length).toBe(4);
  });

  it('refuses what is too much, unknown or not allowed', async () => {
    const { target, client, acceptor, endpoint } = await start({ maxInFlight: 1 });
    const second = await endpoint.client();
    client.send(toPost(CALL, MODERN));
    const sent = await target.next(0);
    const refused = await second.ask(toPost(CALL, MODERN));
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(JSON.parse(refused.body)).toMatchObject({ id: 7, error: { code: -32010 } });
    sent.answer(200, '{}');
    await client.responses(1);
    expect(await second.ask(bare('PUT'))).toMatchObject({ status: 405, headers: { allow: 'POST, GET, DELETE' } });
    acceptor.route(new Map());
    expect(await client.ask(toPost(CALL, MODERN))).toMatchObject({ status: 404 });
  });

  it('shares answers that everyone may have, but not with credentials', async () => {
    const { target, client } = await start();
    const META = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    const list = (id: number): string =>
      JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: { _meta: META } });
    const result = { tools: [], ttlMs: 1_000, cacheScope: 'public' };
    const fields = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/list' };
    client.send(toPost(list(1), fields));
    (await target.next(0)).answer(200, JSON.stringify({ jsonrpc: '2.0', id: 1, result }));
    await client.responses(1);
    const kept = await client.ask(toPost(list(2), fields));
    expect(JSON.parse(kept.body)).toEqual({ jsonrpc: '2.0', id: 2, result });
    expect(target.sent.length).toBe(1);
    client.send(toPost(list(3), { ...fields, Authorization: 'Bearer x' }));
    (await target.next(1)).answer(200, '{}');
    await client.responses(3);
    // A header that lies: the body is what counts, and it is a call.
    client.send(toPost(CALL, fields));
    (await target.next(2)).answer(200, '{}');
  });

  it('forgets them when a stream of changes says so', async () => {
    const { target, client, route, clock } = await start();
    let cleared = 0;
    const { cache } = route;
    if (cache !== undefined) cache.clear = () => void cleared++;
    const listen = '{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen"}';
    client.send(toPost(listen, { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'subscriptions/listen' }));
    const sent = await target.next(0);
    sent.stream();
    sent.sink.data(Buffer.from('data: {"method":"notifications/tools/list_changed"}\n\n'));
    expect(cleared).toBe(1);
    const later = new Route(target, route.options, clock, route); // By another configuration the stream goes on.
    if (later.cache !== undefined) later.cache.clear = () => void cleared++;
    sent.sink.data(Buffer.from('data: {"method":"notifications/tools/list_changed"}\n\n'));
    expect(cleared).toBe(3);
    expect(later.streams.size).toBe(1);
    for (const stream of later.streams) stream.finish();
    expect((await client.responses(1))[0]).toMatchObject({ complete: true });
    expect(sent.log).toEqual(['abort']);
  });
});
