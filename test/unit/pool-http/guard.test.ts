import type { LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import { loadUndici } from '../../../src/pool/adapter/undici.ts';
import { AddressGuard } from '../../../src/pool/http/address-guard.ts';
import { resolveHttpPoolOptions } from '../../../src/pool/http/http-pool-options.ts';
import { HttpPoolError } from '../../../src/pool/pool.ts';
import { failureOf, poolWith, startServer } from './support.ts';

/** Resolves every name to the next of some answers, and counts. */
function resolving(...answers: readonly string[][]): { readonly lookup: LookupFunction; readonly names: string[] } {
  const names: string[] = [];
  const lookup: LookupFunction = (hostname, options, callback) => {
    const addresses = answers[Math.min(names.length, answers.length - 1)] ?? [];
    names.push(hostname);
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    process.nextTick(() => (options.all ? callback(null, found) : callback(null, found[0]?.address ?? '', 4)));
  };
  return { lookup, names };
}

describe('guarded calls', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://①②⑦.0.0.1/',
    'http://0/',
    'http://0.0.0.0/',
    'http://10.1.2.3/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://172.31.255.255/',
    'http://192.168.1.1/',
    'http://198.18.0.1/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://[::]/',
    'http://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'http://[::ffff:8.8.8.8]/',
    'http://[::7f00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[64:ff9b::808:808]/',
    'http://[2002:7f00:1::]/',
    'http://[2001:0:7f00:1::]/',
    'http://[fc00::1]/',
    'http://[fe80::1]/',
    'http://[ff02::1]/',
    'http://user:secret@example.com/',
    'http://user@example.com/',
    'file:///etc/passwd',
    'ftp://example.com/',
    'data:text/plain,hello',
    'javascript:alert(1)',
  ])('refuse %s without resolving or connecting', async (url) => {
    const { lookup, names } = resolving(['127.0.0.1']);
    const pool = poolWith({ lookup });
    for (const call of [pool.guarded.fetch(url), pool.guarded.request(url)]) {
      const error = await failureOf(call);
      expect(error).toMatchObject({ code: 'ADDRESS_REFUSED', retryable: false });
      expect(error.message).not.toMatch(/secret|passwd|meta-data/);
    }
    expect(names).toEqual([]);
    expect(pool.statistics().origins).toEqual([]);
  });

  it.each([
    [['127.0.0.1']],
    [['::1']],
    [['10.0.0.1']],
    [['169.254.169.254']],
    [['::ffff:127.0.0.1']],
    [['64:ff9b::7f00:1']],
    [['93.184.215.14', '10.0.0.1']],
    [['2606:4700::1', '::1']],
    [['fe80::1%lo']],
    [['nonsense']],
    [[]],
  ])('refuse a name that resolves to %j', async (addresses) => {
    const { lookup, names } = resolving(addresses);
    const pool = poolWith({ lookup });
    const error = await failureOf(pool.guarded.fetch('http://host.example/?token=secret'));
    expect(error.code).toBe('ADDRESS_REFUSED');
    expect(error.message).not.toMatch(/secret|127|10\.0/);
    expect(names).toEqual(['host.example']);
    expect((await failureOf(pool.guarded.request('https://host.example/'))).code).toBe('ADDRESS_REFUSED');
  });

  it('refuse localhost as the system resolves it', async () => {
    const server = await startServer((_request, response) => response.end('inside'));
    const pool = poolWith();
    for (const host of ['localhost', 'LOCALHOST', 'localhost.']) {
      const error = await failureOf(pool.guarded.fetch(`http://${host}:${server.port}/`));
      expect(error.code).toMatch(/^(ADDRESS_REFUSED|HTTP_CONNECT)$/); // Not every system knows "localhost.".
    }
    expect(server.counts.opened).toBe(0);
    expect(await (await pool.fetch(`http://localhost:${server.port}/`)).text()).toBe('inside');
  });

  it('check every connection anew, so that a rebound name leads nowhere', async () => {
    const server = await startServer((request, response) => response.end(request.socket.localAddress), '0.0.0.0');
    const { lookup, names } = resolving(['127.0.0.2'], ['127.0.0.1']);
    const pool = poolWith({ lookup, keepAlive: false, guardAllow: ['127.0.0.2'] });
    const url = `http://rebinding.test:${server.port}/`;
    expect((await pool.guarded.request(url)).text()).toBe('127.0.0.2');
    expect((await failureOf(pool.guarded.request(url))).code).toBe('ADDRESS_REFUSED');
    expect(names).toHaveLength(2);
    expect(server.counts.opened).toBe(1);
  });

  it('connect to the very address that was checked: each connection resolves once', async () => {
    const server = await startServer((_request, response) => response.end('ok'), '0.0.0.0');
    const { lookup, names } = resolving(['127.0.0.2'], ['127.0.0.1']);
    const pool = poolWith({ lookup, guardAllow: ['127.0.0.2/32'] });
    const url = `http://pinned.test:${server.port}/`;
    const calls = await Promise.allSettled(Array.from({ length: 5 }, () => pool.guarded.request(url)));
    expect(calls.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(names).toHaveLength(5);
    expect([...server.sockets].map((socket) => socket.localAddress)).toEqual(['127.0.0.2']);
  });

  it('are refused by the connection itself, should an address get there unchecked', async () => {
    const server = await startServer((_request, response) => response.end('inside'));
    const options = resolveHttpPoolOptions({}, 'http');
    const transport = (await loadUndici())(server.url, options, new AddressGuard([], 'guardAllow'));
    const error = await new Promise((resolve) => {
      const ignore = (): void => {};
      const sink = { started: ignore, head: ignore, data: ignore, ended: ignore, failed: resolve };
      transport.dispatch({ method: 'GET', path: '/', headers: {}, body: null }, sink);
    });
    expect(error).toMatchObject({ code: 'ADDRESS_REFUSED' });
    expect(server.counts.opened).toBe(0);
    await transport.destroy(new HttpPoolError('HTTP_POOL_CLOSED', server.url));
  });

  it('do not use connections that unguarded calls made', async () => {
    const server = await startServer((_request, response) => response.end('inside'));
    const pool = poolWith({ lookup: resolving(['127.0.0.1']).lookup });
    const url = `http://internal.test:${server.port}/`;
    expect((await pool.request(url)).text()).toBe('inside');
    expect((await failureOf(pool.guarded.request(url))).code).toBe('ADDRESS_REFUSED');
    expect(pool.statistics().origins.map(({ guarded }) => guarded)).toEqual([false, true]);
  });

  it('check each hop of a redirection', async () => {
    const inside = await startServer((_request, response) => response.end('inside'));
    const outside = await startServer((_request, response) => response.end());
    const { lookup } = resolving(['127.0.0.1']);
    const pool = poolWith({ lookup, guardAllow: ['outside.test'] });
    const start = `http://outside.test:${outside.port}/`;
    for (const target of [
      inside.url,
      `http://[::ffff:127.0.0.1]:${inside.port}/`,
      `http://internal.test:${inside.port}/`,
      `//127.1:${inside.port}/`,
      `http://user:secret@outside.test:${outside.port}/`,
    ]) {
      outside.answer = (request, response) => {
        response.writeHead(302, { location: request.url === '/' ? '/again' : target }).end();
      };
      const error = await failureOf(pool.guarded.fetch(start));
      expect(error.code).toBe('ADDRESS_REFUSED');
    }
    outside.answer = (_request, response) => response.writeHead(307, { location: 'file:///etc/passwd' }).end();
    expect((await failureOf(pool.guarded.fetch(start))).code).toBe('ADDRESS_REFUSED');
    expect((await failureOf(pool.fetch(outside.url))).code).toBe('HTTP_REQUEST_INVALID');
    expect(inside.counts.opened).toBe(0);
  });

  it.each([[['127.0.0.1']], [['127.0.0.0/8']], [['Inside.Test.']], [['10.0.0.0/8', '127.0.0.1/32']]])(
    'reach what is allowed: %j',
    async (guardAllow) => {
      const server = await startServer((_request, response) => response.end('inside'));
      const pool = poolWith({ guardAllow, lookup: resolving(['127.0.0.1']).lookup });
      const url = `http://inside.test:${server.port}/`;
      expect(await (await pool.guarded.fetch(url)).text()).toBe('inside');
      const byAddress = pool.guarded.request(server.url);
      if (guardAllow[0] === 'Inside.Test.') expect((await failureOf(byAddress)).code).toBe('ADDRESS_REFUSED');
      else expect((await byAddress).text()).toBe('inside');
    },
  );

  it('reach an allowed host only, not its neighbours', async () => {
    const pool = poolWith({ guardAllow: ['inside.test'], lookup: resolving(['127.0.0.1']).lookup });
    for (const host of ['other.test', 'sub.inside.test', 'inside.test.evil.example', 'notinside.test']) {
      expect((await failureOf(pool.guarded.request(`http://${host}:9/`))).code).toBe('ADDRESS_REFUSED');
    }
  });
});

describe('unguarded calls', () => {
  it('refuse what cannot be called at all', async () => {
    const pool = poolWith();
    for (const url of ['file:///etc/passwd', 'http://user:secret@127.0.0.1/', '/relative', 'http://']) {
      for (const call of [pool.fetch(url), pool.request(url)]) {
        const error = await failureOf(call);
        expect(error.code).toBe('HTTP_REQUEST_INVALID');
        expect(error.message).not.toContain('secret');
      }
    }
  });
});
