import { describe, expect, it } from 'vitest';
import { BOTH_READERS } from './both-readers.ts';
import { post, startEndpoint, TestAcceptor } from './test-endpoint.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

describe.each(BOTH_READERS)('event streams $title', ({ lane }) => {
  async function start(accept?: string) {
    const acceptor = new TestAcceptor();
    const endpoint = await startEndpoint({ acceptor, http: { lane } });
    const client = await endpoint.client();
    client.send(post('1', accept === undefined ? {} : { Accept: accept }));
    return { ...endpoint, acceptor, client, ...(await acceptor.request(0)) };
  }

  it('frames messages and the answer as events in chunks', async () => {
    const { client, exchange } = await start('application/json, text/event-stream');
    exchange.notify('{"n":1}');
    exchange.notify('{"text":"\u00e9\u20ac\u{1f600}"}');
    exchange.respond(200, '{"result":', bytesOf('{"text":"\u20ac"}}'));
    const [response] = await client.responses(1);
    expect(response).toMatchObject({ status: 200, complete: true });
    expect(response?.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'transfer-encoding': 'chunked',
    });
    expect(response?.headers['content-length']).toBeUndefined();
    const events = ['{"n":1}', '{"text":"\u00e9\u20ac\u{1f600}"}', '{"result":{"text":"\u20ac"}}'];
    expect(response?.body).toBe(latin1(events.map((data) => `event: message\ndata: ${data}\n\n`).join('')));
  });

  it('sends each message when it is given, and serves the connection on after the stream', async () => {
    const { client, exchange, acceptor } = await start();
    exchange.notify('{"n":1}');
    expect(await client.includes('data: {"n":1}\n\n')).toBe(true);
    exchange.notify('{"n":2}');
    expect(await client.includes('data: {"n":2}\n\n')).toBe(true);
    exchange.respond(200, '{"done":true}');
    await client.responses(1);
    client.send(post('2'));
    (await acceptor.request(1)).exchange.respond(200, '{"next":true}');
    expect((await client.responses(2))[1]?.body).toBe('{"next":true}');
  });

  it('answers plainly where nothing was sent ahead', async () => {
    const { client, exchange } = await start('application/json, text/event-stream');
    exchange.respond(200, '{"text":"\u20ac"', bytesOf(',"more":"\u00e9"}'), [['X-More', 'yes']]);
    const [response] = await client.responses(1);
    expect(response?.headers).toMatchObject({ 'content-type': 'application/json', 'x-more': 'yes' });
    expect(response?.body).toBe(latin1('{"text":"\u20ac","more":"\u00e9"}'));
  });

  it('answers with a status and nothing else', async () => {
    const { client, exchange } = await start();
    exchange.respond(202, '');
    const [response] = await client.responses(1);
    expect([response?.status, response?.body, response?.headers['content-length']]).toEqual([202, '', '0']);
    expect(response?.headers['content-type']).toBeUndefined();
  });

  it.each([
    ['application/json', false],
    ['text/event-stream', true],
    ['*/*', true],
    ['text/*', true],
  ])('with Accept: %s, sends messages ahead: %s', async (accept, streams) => {
    const { client, exchange } = await start(accept);
    expect(exchange.canStream).toBe(streams);
    exchange.notify('{"n":1}');
    exchange.respond(200, '{}');
    const [response] = await client.responses(1);
    expect(response?.headers['content-type']).toBe(streams ? 'text/event-stream' : 'application/json');
  });

  it('keeps a quiet stream open with comments, and stops with the answer', async () => {
    const { client, exchange, clock } = await start();
    exchange.notify('{"n":1}');
    const timers = clock.timers;
    clock.advance(15_000);
    expect(await client.includes(': keep-alive\n\n')).toBe(true);
    exchange.respond(200, '{}');
    expect(clock.timers).toBe(timers - 1);
    clock.advance(60_000);
    const [response] = await client.responses(1);
    expect(response?.body.match(/keep-alive/g)?.length).toBe(1);
  });

  it('does nothing after the answer', async () => {
    const { client, exchange, acceptor } = await start();
    exchange.respond(200, '{"first":true}');
    exchange.respond(500, '{"second":true}');
    exchange.notify('{"n":1}');
    client.send(post('2'));
    (await acceptor.request(1)).exchange.respond(200, '{"next":true}');
    expect((await client.responses(2)).map(({ body }) => body)).toEqual(['{"first":true}', '{"next":true}']);
  });
});

describe.each(BOTH_READERS)('a client that goes away $title', ({ lane }) => {
  it.each([
    ['breaks the connection while it waits', false, 'break'],
    ['ends its side while it waits', false, 'end'],
    ['breaks the connection during a stream', true, 'break'],
    ['ends its side during a stream', true, 'end'],
  ] as const)('%s: told once, and nothing is sent any more', async (_how, streaming, manner) => {
    const acceptor = new TestAcceptor();
    const { client, clock, signals } = await startEndpoint({ acceptor, http: { lane } });
    const gone = new Promise<void>((resolve) => {
      signals.connection.on(({ kind }) => kind === 'closed' && resolve());
    });
    const one = await client();
    one.send(post('1'));
    const { exchange } = await acceptor.request(0);
    const timers = clock.timers;
    let closes = 0;
    exchange.onClose = () => {
      closes++;
    };
    if (streaming) {
      exchange.notify('{"n":1}');
      await one.includes('{"n":1}');
    }
    one[manner]();
    await gone;
    expect([closes, exchange.closed]).toEqual([1, true]);
    exchange.notify('{"n":2}');
    exchange.respond(200, '{}');
    clock.advance(60_000);
    expect(closes).toBe(1);
    expect(clock.timers).toBe(timers); // No keep-alive comment waits for a client that left.
  });

  it('is not told of a client that leaves after its answer', async () => {
    const acceptor = new TestAcceptor();
    const { client, signals } = await startEndpoint({ acceptor, http: { lane } });
    const gone = new Promise<void>((resolve) => {
      signals.connection.on(({ kind }) => kind === 'closed' && resolve());
    });
    const one = await client();
    one.send(post('1'));
    const { exchange } = await acceptor.request(0);
    exchange.onClose = () => expect.unreachable('the answer was complete');
    exchange.respond(200, '{}');
    await one.responses(1);
    one.break();
    await gone;
  });
});
