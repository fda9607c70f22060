import type { IncomingMessage } from 'node:http';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Answer, failureOf, poolWith, startServer } from './support.ts';

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

/** Answers with what it was asked. */
const echo: Answer = (request, response) => {
  void bodyOf(request).then((body) => {
    const { method, url, headers } = request;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ method, url, headers, body }));
  });
};

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

describe('fetch', () => {
  it('answers with a web Response', async () => {
    const server = await startServer((_request, response) => {
      response.writeHead(201, { 'x-one': '1', 'set-cookie': ['a=1', 'b=2'] }).end('text');
    });
    const response = await poolWith().fetch(new URL(`${server.url}/path?query=1#fragment`));
    expect(response).toBeInstanceOf(Response);
    expect(response).toMatchObject({ status: 201, ok: true, redirected: false, url: `${server.url}/path?query=1` });
    expect(response.headers.get('x-one')).toBe('1');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    const copy = response.clone();
    expect(await response.text()).toBe('text');
    expect(response.bodyUsed).toBe(true);
    expect([copy.url, await copy.text()]).toEqual([`${server.url}/path?query=1`, 'text']);
  });

  it.each([
    ['a string', () => 'text', 'text', 'text/plain;charset=UTF-8'],
    ['bytes', () => Buffer.from('text'), 'text', undefined],
    ['a buffer', () => new TextEncoder().encode('text').buffer, 'text', undefined],
    ['parameters', () => new URLSearchParams({ a: '1', b: 'ü' }), 'a=1&b=%C3%BC', /^application\/x-www-form/],
    ['a blob', () => new Blob(['text'], { type: 'text/csv' }), 'text', 'text/csv'],
    ['a stream', () => ReadableStream.from([Buffer.from('te'), Buffer.from('xt')]), 'text', undefined],
  ])('sends %s', async (_name, body, text, type) => {
    const server = await startServer(echo);
    const response = await poolWith().fetch(server.url, { method: 'post', body: body() as string });
    const seen = (await response.json()) as Echo;
    expect(seen).toMatchObject({ method: 'POST', body: text });
    if (type === undefined) expect(seen.headers['content-type']).toBeUndefined();
    else expect(seen.headers['content-type']).toMatch(type);
  });

  it('sends forms with their boundary', async () => {
    const server = await startServer(echo);
    const body = new FormData();
    body.set('field', 'value');
    const seen = (await (await poolWith().fetch(server.url, { method: 'POST', body })).json()) as Echo;
    const boundary = /boundary=(.+)$/.exec(seen.headers['content-type'] ?? '')?.[1];
    expect(seen.body).toContain(`--${boundary}`);
    expect(seen.headers['content-length']).toBe(String(seen.body.length));
  });

  it('takes a Request, and init before it', async () => {
    const server = await startServer(echo);
    const request = new Request(`${server.url}/a`, { method: 'PUT', body: 'text', headers: { 'x-one': '1' } });
    const seen = (await (await poolWith().fetch(request.clone())).json()) as Echo;
    expect(seen).toMatchObject({
      method: 'PUT',
      url: '/a',
      body: 'text',
      headers: { 'x-one': '1', 'content-length': '4' },
    });
    const other = await poolWith().fetch(request, { method: 'POST', headers: new Headers([['x-two', '2']]) });
    const { headers, method } = (await other.json()) as Echo;
    expect([method, headers['x-one'], headers['x-two']]).toEqual(['POST', undefined, '2']);
  });

  it('refuses what cannot be sent', async () => {
    const pool = poolWith();
    const url = 'http://127.0.0.1:9/';
    for (const init of [
      { body: 'text' },
      { method: 'TRA CE' },
      { headers: { 'x-bad': 'a\r\nb: c' } },
      { headers: { 'bad name': 'a' } },
      { headers: { 'transfer-encoding': 'chunked' } },
    ]) {
      expect((await failureOf(pool.fetch(url, init))).code).toBe('HTTP_REQUEST_INVALID');
    }
    expect(pool.statistics().inUse + pool.statistics().waiting).toBe(0);
  });

  it('streams a body, with back-pressure to the server', async () => {
    let written = 0;
    const server = await startServer((_request, response) => {
      const part = Buffer.alloc(65_536);
      const write = (): void => {
        while (written < 2_000) {
          written++;
          if (!response.write(part)) return void response.once('drain', write);
        }
        response.end();
      };
      write();
    });
    const response = await poolWith({ maxResponseBytes: 2e9 }).fetch(server.url);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    let before = -1;
    await expect
      .poll(
        () => {
          const still = written === before;
          before = written;
          return still;
        },
        { interval: 50 },
      )
      .toBe(true);
    expect(written).toBeLessThan(2_000);
    let bytes = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) bytes += part.value.length;
    expect(written).toBe(2_000);
    expect(bytes).toBeGreaterThan(1_900 * 65_536);
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['GZIP', gzipSync],
  ])('undoes %s', async (coding, compress) => {
    const text = 'peregrine '.repeat(50_000);
    const server = await startServer((request, response) => {
      expect(request.headers['accept-encoding']).toBe('gzip, deflate, br');
      response.setHeader('content-encoding', coding).end(compress(Buffer.from(text)));
    });
    const pool = poolWith();
    expect(await (await pool.fetch(server.url)).text()).toBe(text);
    expect((await pool.request(server.url, { headers: { 'accept-encoding': 'gzip, deflate, br' } })).bytes()).toEqual(
      compress(Buffer.from(text)),
    );
  });

  it('bounds what a compressed body becomes', async () => {
    const server = await startServer((_request, response) => {
      response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(20_000_000)));
    });
    const pool = poolWith({ maxResponseBytes: 100_000 });
    const response = await pool.fetch(server.url);
    expect((await failureOf(response.text())).code).toBe('HTTP_RESPONSE_TOO_LARGE');
  });

  it.each([
    ['is cut', (bytes: Buffer) => bytes.subarray(0, -12)],
    ['is not compressed', () => Buffer.from('plain text')],
  ])('fails when a compressed body %s', async (_name, spoil) => {
    const server = await startServer((_request, response) => {
      response.setHeader('content-encoding', 'gzip').end(spoil(gzipSync('text'.repeat(1_000))));
    });
    const response = await poolWith().fetch(server.url);
    expect((await failureOf(response.text())).code).toBe('HTTP_PROTOCOL');
  });

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('has no body for %s %i, and its connection is used again', async (method, status) => {
    const server = await startServer((_request, response) => {
      response.writeHead(status, { 'content-encoding': 'gzip' }).end();
    });
    const pool = poolWith({ maxSockets: 1 });
    for (let index = 0; index < 3; index++) {
      const response = await pool.fetch(server.url, { method });
      expect([response.status, response.body]).toEqual([status, null]);
    }
    // undici closes the connection after HEAD, for servers that answer it with a body.
    expect(server.counts.opened).toBe(method === 'HEAD' ? 3 : 1);
  });
});

describe('redirections', () => {
  const redirecting =
    (status: number, location: string, target: Answer = echo): Answer =>
    (request, response) => {
      if (request.url === '/target') target(request, response);
      else request.resume().on('end', () => response.writeHead(status, { location }).end('moved'));
    };

  it.each([
    [301, 'GET', 'GET', ''],
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [302, 'PUT', 'PUT', 'text'],
    [303, 'PUT', 'GET', ''],
    [307, 'POST', 'POST', 'text'],
    [308, 'POST', 'POST', 'text'],
  ])('%i turns %s into %s', async (status, method, then, body) => {
    const server = await startServer(redirecting(status, '/target'));
    const init = method === 'GET' ? { method } : { method, body: 'text', headers: { 'content-type': 'text/x' } };
    const response = await poolWith().fetch(server.url, init);
    expect(response).toMatchObject({ redirected: true, url: `${server.url}/target` });
    const seen = (await response.json()) as Echo;
    expect(seen).toMatchObject({ method: then, body });
    expect(seen.headers['content-type']).toBe(body === '' ? undefined : 'text/x');
  });

  it('take credentials along within an origin only', async () => {
    const other = await startServer(echo);
    const server = await startServer(redirecting(302, '/target'));
    const headers = { authorization: 'Bearer secret', cookie: 'a=secret', 'x-kept': '1' };
    const within = (await (await poolWith().fetch(server.url, { headers })).json()) as Echo;
    expect(within.headers).toMatchObject(headers);
    server.answer = redirecting(302, `${other.url}/elsewhere`);
    const beyond = (await (await poolWith().fetch(server.url, { headers })).json()) as Echo;
    expect(JSON.stringify(beyond)).not.toContain('secret');
    expect(beyond.headers['x-kept']).toBe('1');
  });

  it('are bounded', async () => {
    const server = await startServer((_request, response) => response.writeHead(302, { location: '/again' }).end());
    const pool = poolWith({ maxRedirects: 3 });
    const error = await failureOf(pool.fetch(server.url));
    expect(error.code).toBe('HTTP_REDIRECT');
    expect(server.counts.requests).toBe(4);
    expect(server.counts.opened).toBeLessThanOrEqual(2);
  });

  it('are refused or left alone when the caller says so', async () => {
    const server = await startServer(redirecting(302, '/target'));
    const pool = poolWith();
    expect((await failureOf(pool.fetch(server.url, { redirect: 'error' }))).code).toBe('HTTP_REDIRECT');
    const manual = await pool.fetch(server.url, { redirect: 'manual' });
    expect([manual.status, manual.headers.get('location'), await manual.text()]).toEqual([302, '/target', 'moved']);
    expect((await pool.request(server.url)).status).toBe(302);
  });

  it('cannot send a stream twice', async () => {
    const server = await startServer(redirecting(307, '/target'));
    const body = ReadableStream.from([Buffer.from('text')]);
    expect((await failureOf(poolWith().fetch(server.url, { method: 'POST', body }))).code).toBe('HTTP_REDIRECT');
  });

  it('do not wait for a large body of the redirection', async () => {
    const server = await startServer(redirecting(302, '/target'));
    const { answer } = server;
    server.answer = (request, response) => {
      if (request.url === '/target') answer(request, response);
      else response.writeHead(302, { location: '/target' }).write(Buffer.alloc(200_000)); // And no end.
    };
    const pool = poolWith();
    expect((await pool.fetch(server.url)).status).toBe(200);
    await expect.poll(() => pool.statistics().inUse).toBe(0);
  });
});

describe('request', () => {
  it('answers whole', async () => {
    const server = await startServer(echo);
    const answer = await poolWith().request(`${server.url}/a?b=c`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/x' },
      body: 'text',
    });
    expect(answer).toMatchObject({ status: 200, ok: true });
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.json()).toMatchObject({
      method: 'POST',
      url: '/a?b=c',
      body: 'text',
      headers: { 'content-type': 'text/x' },
    });
  });

  it('puts a body together from its parts', async () => {
    const parts = Array.from({ length: 300 }, (_, index) => Buffer.alloc(1_000, `${index} `));
    const server = await startServer((_request, response) => {
      for (const part of parts) response.write(part);
      response.end('\u00fc');
    });
    const answer = await poolWith().request(server.url);
    expect(answer.bytes()).toEqual(Buffer.concat([...parts, Buffer.from('\u00fc')]));
    expect(answer.text().endsWith('\u00fc')).toBe(true);
  });

  it('says when a body is not JSON, without showing it', async () => {
    const server = await startServer((_request, response) => response.end('secret'));
    const answer = await poolWith().request(server.url);
    expect(() => answer.json()).toThrow(expect.objectContaining({ code: 'HTTP_PROTOCOL' }));
    expect(() => answer.json()).not.toThrow('secret');
    server.answer = (_request, response) => response.end('\ufeff{"a":1}');
    expect((await poolWith().request(server.url)).json()).toEqual({ a: 1 });
  });

  it('passes over interim answers', async () => {
    const server = await startServer((_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.end('ok');
    });
    expect(await poolWith().request(server.url)).toMatchObject({ status: 200 });
    expect((await poolWith().fetch(server.url)).status).toBe(200);
  });
});
