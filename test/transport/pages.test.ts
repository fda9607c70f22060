import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../src/testing/testing.ts';
import { createFetchHandler } from '../../src/transport/http/fetch-handler.ts';
import { resolveHttpOptions } from '../../src/transport/http/http-options.ts';
import { OriginGuard } from '../../src/transport/http/origin-guard.ts';
import type { Page, Pages } from '../../src/transport/http/page.ts';
import { resolveTransportLimits } from '../../src/transport/limits.ts';
import { BOTH_READERS } from './both-readers.ts';
import { bare, echo, post, startEndpoint, TestAcceptor } from './test-endpoint.ts';

const told: Page = {
  methods: ['GET', 'POST'],
  serve: (exchange, { method, query, body }) => exchange.respond(200, JSON.stringify([method, query, body])),
};
const open: Page = {
  methods: ['GET'],
  isPublic: true,
  serve: (exchange) => exchange.respond(200, '"open"', undefined, [['Access-Control-Allow-Origin', '*']]),
};
const PAGES: Pages = new Map([
  ['/told', told],
  ['/open', open],
]);
const APP = 'https://app.example';
const http = { allowedOrigins: [APP] };

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}
type Ask = (method: string, path: string, fields: Record<string, string>, body?: string) => Promise<Seen>;

async function onSockets(lane: boolean): Promise<Ask> {
  const { client } = await startEndpoint({ http: { ...http, lane }, pages: PAGES });
  return async (method, path, fields, body) => {
    const one = await client();
    const text = body === undefined ? bare(method, path, fields) : post(body, fields).replace('/mcp', path);
    return one.ask(text);
  };
}

async function onFetch(): Promise<Ask> {
  const guard = new OriginGuard(resolveHttpOptions(http));
  const parts = { acceptor: new TestAcceptor(echo), guard, clock: new FakeClock(), limits: resolveTransportLimits() };
  const handle = createFetchHandler({ ...parts, pages: PAGES });
  return async (method, path, fields, body = null as never) => {
    const headers = { Host: '127.0.0.1', 'Content-Type': 'application/json', ...fields };
    const response = await handle(new Request(`http://127.0.0.1${path}`, { method, headers, body }));
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    };
  };
}

const FACES = [
  ...BOTH_READERS.map(({ title, lane }) => ({ title, start: () => onSockets(lane) })),
  { title: 'by fetch', start: onFetch },
];

describe.each(FACES)('pages besides the endpoint $title', ({ start }) => {
  it('gets method, query and body', async () => {
    const ask = await start();
    expect((await ask('GET', '/told?a=b&c', {})).body).toBe('["GET","a=b&c",""]');
    expect((await ask('POST', '/told', {}, '{"x":1}')).body).toBe('["POST","","{\\"x\\":1}"]');
  });

  it('refuses other methods, media types and hosts', async () => {
    const ask = await start();
    const refused = await ask('DELETE', '/told', {});
    expect([refused.status, refused.headers['allow']]).toEqual([405, 'GET, POST']);
    expect((await ask('POST', '/told', { 'Content-Type': 'text/plain' }, 'x')).status).toBe(415);
    expect((await ask('GET', '/open', { Host: 'evil.example' })).status).toBe(403);
  });

  it('shows everybody what is public, and other pages to allowed origins only', async () => {
    const ask = await start();
    const foreign = { Origin: 'https://evil.example' };
    expect((await ask('GET', '/told', foreign)).status).toBe(403);
    const shown = await ask('GET', '/open', foreign);
    expect([shown.status, shown.headers['access-control-allow-origin']]).toEqual([200, '*']);
    expect((await ask('GET', '/told', { Origin: APP })).headers['access-control-allow-origin']).toBe(APP);
  });
});

describe.each(FACES)('web pages $title', ({ start }) => {
  it('lets scripts of an allowed origin read answers, and says nothing without an origin', async () => {
    const ask = await start();
    const { status, headers } = await ask('POST', '/mcp', { Origin: APP }, '{}');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-expose-headers': 'Mcp-Session-Id, WWW-Authenticate, Retry-After',
      vary: 'Origin',
    });
    const usual = await ask('POST', '/mcp', {}, '{}');
    expect([usual.headers['access-control-allow-origin'], usual.headers['vary']]).toEqual([undefined, undefined]);
  });

  it('lets them read refusals too', async () => {
    const ask = await start();
    const refused = await ask('POST', '/mcp', { Origin: APP, 'Content-Type': 'text/plain' }, 'x');
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([415, APP]);
  });

  it('answers a preflight of an allowed origin with what it asks for', async () => {
    const ask = await start();
    const wanted = 'authorization, mcp-param-region, content-type';
    const { status, headers, body } = await ask('OPTIONS', '/mcp', {
      Origin: APP,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': wanted,
    });
    expect([status, body]).toEqual([204, '']);
    expect(headers).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
      'access-control-allow-headers': wanted,
      'access-control-max-age': '7200',
    });
  });

  it.each([
    ['no list of names', 'a b'],
    ['too long', Array.from({ length: 1_000 }, () => 'name').join(',')],
  ])('repeats no header names that are %s', async (_what, wanted) => {
    const ask = await start();
    const { status, headers } = await ask('OPTIONS', '/mcp', { Origin: APP, 'Access-Control-Request-Headers': wanted });
    expect([status, headers['access-control-allow-headers']]).toEqual([204, undefined]);
  });

  it('answers no preflight of another origin, and none of a rebound name', async () => {
    const ask = await start();
    const evil = await ask('OPTIONS', '/mcp', { Origin: 'https://evil.example' });
    expect([evil.status, evil.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    const rebound = await ask('POST', '/mcp', { Host: 'evil.example', Origin: 'http://evil.example' }, '{}');
    expect([rebound.status, rebound.headers['access-control-allow-origin']]).toEqual([403, undefined]);
  });
});
