import { describe, expect, it } from 'vitest';
import type { Relay } from '../../src/transport/exchange.ts';
import { BOTH_READERS } from './both-readers.ts';
import { bare, post, startEndpoint, TestAcceptor } from './test-endpoint.ts';

const BYTES = Buffer.from([0x22, 0xff, 0x00, 0xc3, 0xa9, 0x22]);

describe.each(BOTH_READERS)('answers passed on as they come $title', ({ lane }) => {
  async function start() {
    const acceptor = new TestAcceptor();
    const endpoint = await startEndpoint({ acceptor, http: { lane } });
    const client = await endpoint.client();
    client.send(post('1', { 'X-One': 'a', 'x-two': 'b' }));
    return { ...endpoint, acceptor, client, ...(await acceptor.request(0)) };
  }
  const open = (relay: Relay | undefined): Relay => {
    expect(relay).toBeDefined();
    return relay as Relay;
  };

  it('keep their bytes, status and header, with a length where it is known', async () => {
    const { client, exchange } = await start();
    const relay = open(exchange.relay?.(201, 'X-Mine: yes\r\nContent-Type: text/plain\r\n', BYTES.length * 2));
    const shared = Buffer.from(BYTES);
    relay.write(shared);
    shared.fill(0x20); // The piece was lent.
    relay.write(BYTES);
    relay.end();
    const [response] = await client.responses(1);
    expect(response).toMatchObject({ status: 201, complete: true });
    expect(response?.headers).toMatchObject({ 'x-mine': 'yes', 'content-type': 'text/plain', 'content-length': '12' });
    expect(Buffer.from(response?.body ?? '', 'latin1')).toEqual(Buffer.concat([BYTES, BYTES]));
  });

  it('come in chunks where the length is not known, and the connection serves the next request', async () => {
    const { client, exchange, acceptor } = await start();
    const relay = open(exchange.relay?.(200, 'Content-Type: text/event-stream\r\n', undefined));
    relay.write(Buffer.from('data: 1\n\n'));
    expect(await client.includes('data: 1\n\n')).toBe(true);
    relay.write(BYTES);
    relay.end();
    expect((await client.responses(1))[0]).toMatchObject({ complete: true });
    client.send(post('2'));
    (await acceptor.request(1)).exchange.respond(200, '{}');
    expect((await client.responses(2))[1]).toMatchObject({ status: 200, body: '{}' });
  });

  it('are cut off where they cannot be completed', async () => {
    const { client, exchange } = await start();
    const relay = open(exchange.relay?.(200, '', 100));
    relay.write(Buffer.from('half'));
    expect(await client.includes('half')).toBe(true);
    relay.cut();
    await client.closed;
    expect(client.text.endsWith('half')).toBe(true);
  });

  it('wait for a client that does not read, and go on when it does', async () => {
    const { client, exchange } = await start();
    client.socket.pause();
    const relay = open(exchange.relay?.(200, '', undefined));
    const piece = Buffer.alloc(65_536, 'x');
    let pieces = 0;
    while (relay.write(piece) && pieces < 2_000) pieces++;
    expect(pieces).toBeLessThan(2_000);
    const drained = new Promise<void>((resolve) => {
      relay.onDrain = resolve;
    });
    client.socket.resume();
    await drained;
    relay.end();
    expect((await client.responses(1))[0]).toMatchObject({ complete: true });
  });

  it('have no second beginning, and none for a client that has gone', async () => {
    const { client, exchange, acceptor } = await start();
    exchange.respond(200, '{}');
    expect(exchange.relay?.(200, '', 0)).toBeUndefined();
    await client.responses(1);
    client.send(post('2'));
    const second = (await acceptor.request(1)).exchange;
    const gone = new Promise<void>((resolve) => {
      second.onClose = resolve;
    });
    client.break();
    await gone;
    expect(second.relay?.(200, '', 0)).toBeUndefined();
  });

  it('tell path, address and field lines of their request', async () => {
    const { exchange } = await start();
    const fields: [string, string][] = [];
    exchange.head?.each((name, value) => fields.push([name, value]));
    expect(fields).toEqual([
      ['Host', '127.0.0.1'],
      ['Content-Type', 'application/json'],
      ['Content-Length', '1'],
      ['X-One', 'a'],
      ['x-two', 'b'],
    ]);
    expect([exchange.head?.path, exchange.remoteAddress]).toEqual(['/mcp', '127.0.0.1']);
  });
});

describe.each(BOTH_READERS)('an endpoint of several paths $title', ({ lane }) => {
  it('answers under those it was told last', async () => {
    const acceptor = new TestAcceptor(({ exchange }) => exchange.respond(200, JSON.stringify(exchange.head?.path)));
    const { endpoint, client } = await startEndpoint({ acceptor, http: { lane } });
    endpoint.serve(['/a', '/a/b']);
    const to = (path: string): string => post('1').replace('/mcp', path);
    const one = await client();
    expect(await one.ask(to('/a'))).toMatchObject({ status: 200, body: '"/a"' });
    expect(await one.ask(to('/a/b'))).toMatchObject({ status: 200, body: '"/a/b"' });
    expect(await one.ask(bare('GET', '/a/b?x=1'))).toMatchObject({ status: 200, body: '"/a/b"' });
    expect(await one.ask(to('/mcp'))).toMatchObject({ status: 404 });
  });
});
