import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../src/testing/testing.ts';
import { createFetchHandler } from '../../src/transport/http/fetch-handler.ts';
import { resolveHttpOptions } from '../../src/transport/http/http-options.ts';
import { OriginGuard } from '../../src/transport/http/origin-guard.ts';
import { resolveTransportLimits, type TransportLimits } from '../../src/transport/limits.ts';
import { echo, TestAcceptor } from './test-endpoint.ts';

const URL = 'http://localhost/mcp';

function start({ acceptor = new TestAcceptor(echo), limits = {} as Partial<TransportLimits> } = {}) {
  const clock = new FakeClock();
  const guard = new OriginGuard(resolveHttpOptions({}));
  const handle = createFetchHandler({ acceptor, guard, clock, limits: resolveTransportLimits(limits) });
  return { acceptor, clock, handle };
}

function request(
  body: string | ReadableStream<Uint8Array> | null,
  headers: Record<string, string> = {},
  more: RequestInit = {},
): Request {
  const fields = { 'Content-Type': 'application/json', ...headers };
  return new Request(URL, { method: 'POST', body, headers: fields, duplex: 'half', ...more } as RequestInit);
}

/** A body that comes in pieces. */
function pieces(...texts: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const list = texts.map((text) => (typeof text === 'string' ? encoder.encode(text) : text));
  return new ReadableStream({
    pull(controller) {
      const next = list.shift();
      if (next === undefined) controller.close();
      else controller.enqueue(next);
    },
  });
}

describe('the fetch handler', () => {
  it('answers with JSON', async () => {
    const { handle, acceptor } = start();
    const response = await handle(
      request('{"id":1}', { 'Mcp-Method': 'ping', 'Mcp-Param-A': 'x', Accept: 'application/json' }),
    );
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(await response.text()).toBe('{"id":1}');
    const head = acceptor.taken[0]?.exchange.head;
    expect([head?.mcpMethod, head?.accept, head?.mcpName]).toEqual(['ping', 'application/json', undefined]);
    expect([...(head?.params ?? [])]).toEqual([['a', 'x']]);
    expect(head?.all().get('content-type')).toBe('application/json');
  });

  it('puts text and bytes of an answer together, and adds headers', async () => {
    const acceptor = new TestAcceptor(({ exchange }) => {
      exchange.respond(200, '{"a":"\u20ac"', new TextEncoder().encode(',"b":"\u00e9"}'), [['X-More', 'yes']]);
    });
    const response = await start({ acceptor }).handle(request('1'));
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('x-more')).toBe('yes');
    expect(await response.json()).toEqual({ a: '\u20ac', b: '\u00e9' });
  });

  it('answers without a body', async () => {
    const acceptor = new TestAcceptor(({ exchange }) => exchange.respond(202, ''));
    const response = await start({ acceptor }).handle(request('1'));
    expect([response.status, response.body, response.headers.get('content-type')]).toEqual([202, null, null]);
  });

  it('passes other methods on', async () => {
    const response = await start().handle(new Request(URL, { method: 'DELETE' }));
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it.each([
    ['another host', 403, { Host: 'evil.example' }],
    ['another origin', 403, { Origin: 'https://evil.example' }],
    ['another media type', 415, { 'Content-Type': 'text/plain' }],
  ])('refuses %s with %i', async (_what, status, headers) => {
    const { handle, acceptor } = start();
    const response = await handle(request('{}', headers as Record<string, string>));
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: { code: -32000 } });
    expect(acceptor.taken).toEqual([]);
  });

  it('refuses a body beyond the limit with 413 without reading on', async () => {
    const { handle, acceptor } = start({ limits: { maxBodyBytes: 1_000 } });
    let pulls = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulls++;
        controller.enqueue(new Uint8Array(400));
      },
    });
    expect((await handle(request(endless))).status).toBe(413);
    expect(pulls).toBeLessThan(6);
    expect((await handle(request('x'.repeat(1_001)))).status).toBe(413);
    expect((await handle(request('"x"'.padEnd(1_000)))).status).toBe(200);
    expect(acceptor.taken.length).toBe(1);
  });

  it('puts characters together that come in pieces, and does not guess at what is not UTF-8', async () => {
    const { handle, acceptor } = start();
    await handle(request(pieces('"', Uint8Array.of(0xe2, 0x82), Uint8Array.of(0xac), '"')));
    await handle(request(pieces('"', Uint8Array.of(0xff), '"')));
    await handle(request(pieces('"', Uint8Array.of(0xe2))));
    await handle(request(null));
    expect(acceptor.taken.map(({ body }) => body)).toEqual(['"\u20ac"', '\ufffd', '\ufffd', '']);
  });
});

describe('streams of the fetch handler', () => {
  it('sends messages as they come, comments while it is quiet, and the answer at the end', async () => {
    const acceptor = new TestAcceptor();
    const { handle, clock } = start({ acceptor });
    const answering = handle(request('1', { Accept: 'text/event-stream' }));
    const { exchange } = await acceptor.request(0);
    exchange.notify('{"n":1}');
    const response = await answering;
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const next = async (): Promise<string | undefined> => {
      const { value } = await reader.read();
      return value === undefined ? undefined : new TextDecoder().decode(value);
    };
    expect(await next()).toBe('event: message\ndata: {"n":1}\n\n');
    clock.advance(15_000);
    expect(await next()).toBe(': keep-alive\n\n');
    exchange.respond(200, '{"done":', new TextEncoder().encode('true}'));
    let rest = '';
    for (let piece = await next(); piece !== undefined; piece = await next()) rest += piece;
    expect(rest).toBe('event: message\ndata: {"done":true}\n\n');
    expect(clock.timers).toBe(0);
  });

  it('cuts off a reader that is too slow', async () => {
    const acceptor = new TestAcceptor();
    const { handle } = start({ acceptor, limits: { maxStreamBufferBytes: 10_000 } });
    const answering = handle(request('1'));
    const { exchange } = await acceptor.request(0);
    let closes = 0;
    exchange.onClose = () => {
      closes++;
    };
    let sent = 0;
    for (; sent < 100 && !exchange.closed; sent++) exchange.notify(JSON.stringify('x'.repeat(1_000)));
    expect(sent).toBeLessThan(12);
    expect(closes).toBe(1);
    await expect((await answering).text()).rejects.toThrow('too slow');
  });

  it('does not cut off a reader that keeps up', async () => {
    const acceptor = new TestAcceptor();
    const { handle } = start({ acceptor, limits: { maxStreamBufferBytes: 10_000 } });
    const answering = handle(request('1'));
    const { exchange } = await acceptor.request(0);
    exchange.notify('0');
    const reader = ((await answering).body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    for (let sent = 0; sent < 100; sent++) {
      exchange.notify(JSON.stringify('x'.repeat(1_000)));
      await reader.read();
    }
    expect(exchange.closed).toBe(false);
  });

  it.each(['before its answer', 'during its stream'])(
    'tells the server once of a reader that aborts %s',
    async (when) => {
      const acceptor = new TestAcceptor();
      const { handle, clock } = start({ acceptor });
      const abort = new AbortController();
      const answering = handle(request('1', {}, { signal: abort.signal }));
      const { exchange } = await acceptor.request(0);
      let closes = 0;
      exchange.onClose = () => {
        closes++;
      };
      if (when === 'before its answer') {
        abort.abort();
        await expect(answering).rejects.toMatchObject({ name: 'AbortError' });
      } else {
        exchange.notify('{"n":1}');
        const reading = (await answering).text();
        abort.abort();
        await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
      }
      exchange.notify('{"n":2}');
      exchange.respond(200, '{}');
      expect([closes, exchange.closed, clock.timers]).toEqual([1, true, 0]);
    },
  );

  it('tells the server once when the stream is cancelled', async () => {
    const acceptor = new TestAcceptor();
    const { handle, clock } = start({ acceptor });
    const answering = handle(request('1'));
    const { exchange } = await acceptor.request(0);
    let closes = 0;
    exchange.onClose = () => {
      closes++;
    };
    exchange.notify('{"n":1}');
    await (await answering).body?.cancel();
    exchange.notify('{"n":2}');
    exchange.respond(200, '{}');
    expect([closes, exchange.closed, clock.timers]).toEqual([1, true, 0]);
  });

  it('does not start what was aborted before', async () => {
    const { handle, acceptor } = start();
    await expect(handle(request('1', {}, { signal: AbortSignal.abort() }))).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(acceptor.taken).toEqual([]);
  });
});
