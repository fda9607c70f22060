import { describe, expect, it } from 'vitest';
import type { ConnectionEvent } from '../../src/signal/signal.ts';
import { BOTH_READERS } from './both-readers.ts';
import { bare, echo, post, startEndpoint, TestAcceptor } from './test-endpoint.ts';

const limits = { maxBodyBytes: 1_000, maxHeaderBytes: 2_048 };

/** The header block of a chunked post. */
const CHUNKED =
  'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

describe.each(BOTH_READERS)('limits and refusals $title', ({ lane }) => {
  it.each([
    ['another path', 404, post('{}').replace('/mcp', '/other')],
    ['a path in another case', 404, post('{}').replace('/mcp', '/MCP')],
    ['another host', 403, post('{}', { Host: 'evil.example' })],
    ['a host with an allowed name inside', 403, post('{}', { Host: 'localhost.evil.example' })],
    ['another origin', 403, post('{}', { Origin: 'https://evil.example' })],
    ['an opaque origin', 403, post('{}', { Origin: 'null' })],
    ['another media type', 415, post('{}', { 'Content-Type': 'text/plain' })],
    ['another charset', 415, post('{}', { 'Content-Type': 'application/json; charset=utf-16' })],
    ['a Content-Length beyond the limit', 413, post('', { 'Content-Length': '1001' })],
    ['a header block beyond the limit', 431, post('{}', { 'X-Long': 'x'.repeat(2_100) })],
    ['no Host', 400, post('{}').replace(/Host: [^\r]*\r\n/, '')],
  ])('refuses %s with %i', async (_what, status, request) => {
    const acceptor = new TestAcceptor(echo);
    const { client } = await startEndpoint({ acceptor, limits, http: { lane } });
    const one = await client();
    const response = await one.ask(request);
    expect(response.status).toBe(status);
    await one.closed;
    expect(acceptor.taken).toEqual([]);
  });

  it.each([
    ['a port behind the host', post('1', { Host: 'localhost:1234' })],
    ['an IPv6 host', post('1', { Host: '[::1]:80' })],
    ['an origin on loopback', post('1', { Origin: 'http://localhost:5173' })],
    ['a media type with a charset', post('1', { 'Content-Type': 'application/json; charset=utf-8' })],
    ['a media type with a quoted charset', post('1', { 'Content-Type': 'application/json;charset="utf-8"' })],
    ['a body at the limit', post(`"${'x'.repeat(998)}"`)],
    ['a header block near the limit', post('1', { 'X-Long': 'x'.repeat(1_900) })],
    ['a query', post('1').replace('/mcp', '/mcp?a=b')],
  ])('serves %s', async (_what, request) => {
    const { client } = await startEndpoint({ limits, http: { lane } });
    const one = await client();
    expect((await one.ask(request)).status).toBe(200);
    expect((await one.ask(post('2'))).body).toBe('2');
  });

  it('passes other methods on and keeps the connection', async () => {
    const acceptor = new TestAcceptor(echo);
    const { client } = await startEndpoint({ acceptor, http: { lane } });
    const one = await client();
    for (const method of ['GET', 'DELETE', 'PUT', 'OPTIONS']) {
      const response = await one.ask(bare(method));
      expect([response.status, response.headers.allow]).toEqual([405, 'POST']);
    }
    expect(acceptor.taken.map(({ method }) => method)).toEqual(['GET', 'DELETE', 'PUT', 'OPTIONS']);
  });

  it('counts a chunked body while it comes, and answers 413 before its end', async () => {
    const acceptor = new TestAcceptor(echo);
    const { client } = await startEndpoint({ acceptor, limits, http: { lane } });
    const one = await client();
    one.send(CHUNKED + chunk('x'.repeat(1_000)) + chunk('x')); // The last chunk never comes.
    expect((await one.responses(1))[0]?.status).toBe(413);
    await one.closed;
    expect(acceptor.taken).toEqual([]);
  });

  it('serves a chunked body at the limit', async () => {
    const { client } = await startEndpoint({ limits, http: { lane } });
    const one = await client();
    const response = await one.ask(CHUNKED + chunk('x'.repeat(600)) + chunk('y'.repeat(400)) + chunk(''));
    expect([response.status, response.body.length]).toEqual([200, 1_000]);
  });

  it('does not decode a body that is not UTF-8 into something else', async () => {
    const acceptor = new TestAcceptor(echo);
    const { client } = await startEndpoint({ acceptor, http: { lane } });
    const one = await client();
    await one.ask(post('"\xff"', { 'Content-Length': '3' }));
    await one.ask(post('"\xef\xbf\xbd"', { 'Content-Length': '5' }));
    expect(acceptor.taken.map(({ body }) => body)).toEqual(['\ufffd', '"\ufffd"']);
  });

  it('closes connections beyond the limit at once, and takes new ones when others end', async () => {
    const { client, signals, endpoint } = await startEndpoint({ limits: { maxConnections: 2 }, http: { lane } });
    const kinds: ConnectionEvent['kind'][] = [];
    const closed = new Promise<void>((resolve) => {
      signals.connection.on(({ kind }) => {
        kinds.push(kind);
        if (kind === 'closed') resolve();
      });
    });
    const [first, second] = [await client(), await client()];
    await first.ask(post('1'));
    await second.ask(post('2'));
    const third = await client();
    await third.closed;
    expect(third.text).toBe('');
    expect(kinds).toEqual(['opened', 'opened', 'refused']);
    expect(endpoint.open).toBe(2);
    first.break();
    await closed;
    expect((await (await client()).ask(post('4'))).body).toBe('4');
  });
});
