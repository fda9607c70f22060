import { beforeAll, describe, expect, it } from 'vitest';
import type { GatewayServerStatistics } from '../../src/balance/gateway/gateway-server.ts';
import { type AtEnd, call, Orders, type Replica, request, startGateway, startReplica } from './shop.ts';

/** Replicas that live as long as the file. */
let orders: Orders;
let shared: readonly Replica[];
beforeAll(async () => {
  const ends: (() => void | Promise<void>)[] = [];
  const atEnd: AtEnd = (cleanUp) => void ends.push(cleanUp);
  orders = new Orders(atEnd);
  shared = await Promise.all(['a', 'b'].map((name) => startReplica(name, orders, atEnd)));
  return async () => {
    for (const end of ends.reverse()) await end();
  };
});

async function start(replicas: readonly Replica[], config = {}, more = {}) {
  const endpoints = replicas.map(({ url }) => url);
  return { endpoints, ...(await startGateway({ endpoints, ...config }, more)) };
}

describe('a gateway before real replicas', () => {
  it('spreads calls and knows how busy the replicas are', async () => {
    const { url, gateway } = await start(shared, { algorithm: 'round-robin' });
    const heard = await Promise.all(Array.from({ length: 20 }, () => call(url, 'who')));
    expect(new Set(heard.map(({ text }) => text))).toEqual(new Set(['a', 'b']));
    expect(heard.every(({ headers }) => !headers.has('peregrine-load'))).toBe(true);
    const { replicas, inFlight } = gateway.getStatistics().servers['shop'] as GatewayServerStatistics;
    expect(replicas?.balancer.instances.map(({ requests, state }) => [requests, state])).toEqual([
      [10, 'healthy'],
      [10, 'healthy'],
    ]);
    expect(inFlight).toBe(0);
  });

  it('passes progress on as it comes, and the disconnect that cancels a call', async () => {
    const [a] = shared as [Replica];
    const { url } = await start([a]);
    const abort = new AbortController();
    const params = { name: 'slowly', arguments: {}, _meta: { progressToken: 'p' } };
    const response = await request(url, 'tools/call', params, { signal: abort.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const piece = await (response.body as ReadableStream<Uint8Array>).getReader().read();
    expect(new TextDecoder().decode(piece.value)).toContain('"notifications/progress"');
    abort.abort();
    await a.says('cancelled');
  });

  it('ends a stream whose replica dies with an error for that request', async () => {
    const dying = await startReplica('dying', orders);
    const { url } = await start([dying]);
    const response = await request(url, 'tools/call', {
      name: 'slowly',
      arguments: {},
      _meta: { progressToken: 'p' },
    });
    await dying.kill();
    const body = await response.text();
    const last = body.trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse(last.replace('data: ', ''))).toMatchObject({ id: 1, error: { code: -32603 } });
  });

  it('answers by itself when no replica is left', async () => {
    const dead = await startReplica('dead', orders);
    const { url, endpoints } = await start([dead]);
    await dead.kill();
    const answer = await call(url, 'who');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(JSON.parse(answer.body)).toMatchObject({ id: 1, error: { code: -32010 } });
    expect(answer.body).not.toContain(new URL(endpoints[0] as string).port);
  });

  it('goes on by another configuration without losing a call', async () => {
    const { url, gateway, endpoints, logged } = await start(shared);
    const [a = '', b = ''] = endpoints;
    const config = (...urls: string[]) => ({ servers: { shop: { endpoints: urls, safeTools: ['*'] } } });
    let isOver = false;
    const worker = async (from: number): Promise<number> => {
      let calls = 0;
      for (; !isOver; calls++) {
        const order = from + calls;
        expect((await call(url, 'buy', { order })).text).toBe(`bought ${order}`);
      }
      return calls;
    };
    const workers = [1, 2, 3, 4].map((number) => worker(number * 1_000_000));
    for (const urls of [[a], [b], [a, b], [b], [a]]) {
      const before = orders.counts().size;
      expect(await gateway.reload(config(...urls))).toBe(true);
      while (orders.counts().size < before + 20) await call(url, 'who');
      const { replicas } = gateway.getStatistics().servers['shop'] as GatewayServerStatistics;
      expect(new Set(replicas?.balancer.instances.map(({ id }) => id))).toEqual(
        new Set(urls.map((one) => new URL(one).host)),
      );
    }
    isOver = true;
    const made = (await Promise.all(workers)).reduce((sum, calls) => sum + calls);
    expect(orders.counts().size).toBe(made);
    expect([...orders.counts().values()].every((count) => count === 1)).toBe(true);
    expect(logged.filter((line) => line.includes('refused'))).toEqual([]);
  });

  it('refuses a configuration that is not right, and stays as it is', async () => {
    const { url, gateway, logged } = await start(shared.slice(0, 1));
    expect(await gateway.reload({ servers: { shop: { endpoints: ['ftp://x'] } } })).toBe(false);
    expect(logged.at(-1)).toContain('the old one stays');
    expect(logged.at(-1)).toContain('servers.shop.endpoints[0]');
    expect((await call(url, 'who')).text).toBe('a');
  });

  it('takes none any more that was on its way when it stops', async () => {
    const { gateway, endpoints, urls } = await start(shared.slice(0, 1));
    expect(urls.servers).toHaveProperty('shop');
    const reloading = gateway.reload({ servers: { late: { endpoints } } });
    await Promise.resolve(); // The replicas are being learned.
    await gateway.close(0);
    expect(await reloading).toBe(false);
    expect(Object.keys(gateway.getStatistics().servers)).toEqual(['shop']);
  });

  it('takes and drops servers', async () => {
    const { url, gateway, endpoints } = await start(shared.slice(0, 1));
    const other = new URL('/other', url).href;
    expect((await call(other, 'who')).status).toBe(404);
    const shop = { endpoints };
    expect(await gateway.reload({ servers: { shop, other: { path: '/other', endpoints } } })).toBe(true);
    expect((await call(other, 'who')).text).toBe('a');
    expect(await gateway.reload({ servers: { other: { path: '/other', endpoints } } })).toBe(true);
    expect((await call(url, 'who')).status).toBe(404);
    expect((await call(other, 'who')).text).toBe('a');
  });

  it('ends streams that began by an earlier configuration when it stops, and those of a server that goes', async () => {
    const { gateway, url, endpoints } = await start(shared.slice(0, 1));
    const listen = (to: string) => request(to, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
    const servers = (maxInFlight: number) => ({
      shop: { endpoints, maxInFlight },
      other: { path: '/other', endpoints },
    });
    expect(await gateway.reload({ servers: servers(10) })).toBe(true);
    const [shop, other] = await Promise.all([listen(url), listen(new URL('/other', url).href)]);
    expect([shop.status, other.status]).toEqual([200, 200]);
    expect(await gateway.reload({ servers: { shop: servers(20).shop } })).toBe(true);
    await other.text();
    await gateway.close(60_000); // Ends long before, for nothing goes on.
    await shop.text();
  });

  it('tells operators how it does, and finishes what it has when it stops', async () => {
    const { url, gateway, urls } = await start(shared.slice(0, 1), {}, { admin: { port: 0 } });
    const get = async (path: string) => {
      const response = await fetch(`${urls.admin}${path}`);
      return [response.status, await response.json()];
    };
    expect(await get('/livez')).toEqual([200, { status: 'ok' }]);
    expect(await get('/readyz')).toEqual([200, { status: 'ok' }]);
    expect((await get('/other'))[0]).toBe(404);
    await call(url, 'who');
    expect((await get('/statistics'))[1]).toMatchObject({
      isReady: true,
      servers: { shop: { path: '/mcp', replicas: { calls: 1 } } },
    });
    const params = { name: 'slowly', arguments: {}, _meta: { progressToken: 'p' } };
    const response = await request(url, 'tools/call', params);
    const closing = gateway.close(10_000);
    expect((await get('/readyz'))[0]).toBe(503);
    await response.body?.cancel();
    await closing;
    await expect(call(url, 'who')).rejects.toThrow();
  });
});
