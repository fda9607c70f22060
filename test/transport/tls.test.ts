import { describe, expect, it } from 'vitest';
import { LaneHead } from '../../src/transport/http/lane-head.ts';
import { BOTH_READERS } from './both-readers.ts';
import { RawClient } from './raw-client.ts';
import { selfSigned } from './self-signed.ts';
import { bare, echo, post, startEndpoint, TestAcceptor } from './test-endpoint.ts';

const tls = selfSigned();

describe.each(BOTH_READERS)('HTTPS $title', ({ lane }) => {
  it('serves requests, pipelined ones in order, and names itself https', async () => {
    const acceptor = new TestAcceptor(echo);
    const { client, url } = await startEndpoint({ acceptor, http: { tls, lane } });
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/mcp$/);
    const one = await client(tls.cert);
    expect((await one.ask(post('1'))).body).toBe('1');
    one.send(post('2') + post('3') + post('4'));
    expect((await one.responses(4)).map(({ body }) => body)).toEqual(['1', '2', '3', '4']);
    expect(acceptor.taken.every(({ exchange }) => exchange.head instanceof LaneHead)).toBe(lane);
  });

  it('hands a connection over and serves on', async () => {
    const { client } = await startEndpoint({ http: { tls, lane } });
    const one = await client(tls.cert);
    expect((await one.ask(post('1'))).body).toBe('1');
    expect((await one.ask(bare('GET'))).status).toBe(405);
    expect((await one.ask(post('2'))).body).toBe('2');
  });

  it('carries a large body and streams', async () => {
    const acceptor = new TestAcceptor(({ exchange, body }) => {
      for (let part = 0; part < 10; part++) exchange.notify(`{"part":${part}}`);
      exchange.respond(200, body);
    });
    const { client } = await startEndpoint({ acceptor, http: { tls, lane } });
    const one = await client(tls.cert);
    const body = `"${'0123456789'.repeat(100_000)}"`;
    const response = await one.ask(post(body));
    expect(response.body).toContain('data: {"part":9}\n\n');
    expect(response.body).toContain(body);
  });

  it('tells the server once when a client goes away', async () => {
    const acceptor = new TestAcceptor();
    const { client } = await startEndpoint({ acceptor, http: { tls, lane } });
    const one = await client(tls.cert);
    one.send(post('1'));
    const { exchange } = await acceptor.request(0);
    let closes = 0;
    const gone = new Promise<void>((resolve) => {
      exchange.onClose = () => {
        closes++;
        resolve();
      };
    });
    one.break();
    await gone;
    expect(closes).toBe(1);
  });

  it('survives a client that does not speak TLS', async () => {
    const { client, port } = await startEndpoint({ http: { tls, lane } });
    const plain = await RawClient.open(port);
    plain.send(post('1'));
    await plain.closed;
    expect(plain.text).not.toContain('HTTP/1.1 200');
    plain.break();
    expect((await (await client(tls.cert)).ask(post('2'))).body).toBe('2');
  });
});
