import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createOptimizedServer, OptimizedMCPServer, type OptimizedServerConfig } from '../../../src/index.ts';
import { IDENTITY } from '../support/test-server.ts';

class Plain extends OptimizedMCPServer {}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server that answers when the test says so. */
async function startUpstream() {
  const held: ServerResponse[] = [];
  const upstream = createServer((_request, response) => void held.push(response)).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  closing.push(() => {
    upstream.closeAllConnections();
    upstream.close();
  });
  return { held, upstream, url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/` };
}

describe("a server's HTTP pool", () => {
  it('is used like fetch, and shows in the metrics how it is used', async () => {
    const { held, upstream, url } = await startUpstream();
    const server = createOptimizedServer(Plain, { ...IDENTITY, httpPool: { maxSockets: 2 } });
    closing.push(() => server.stop());
    const { fetch } = server.http;
    const answers = [fetch(url), fetch(url), fetch(url)];
    while (held.length < 2) await once(upstream, 'request');
    expect(server.getPerformanceMetrics().pools['http']).toMatchObject({ utilization: 1, waiting: 1 });
    held.splice(0).forEach((response) => void response.end('answer'));
    await once(upstream, 'request');
    held.splice(0).forEach((response) => void response.end('answer'));
    for (const answer of await Promise.all(answers)) expect(await answer.text()).toBe('answer');
    expect(server.getPerformanceMetrics().pools['http']).toMatchObject({ utilization: 0, waiting: 0 });
  });

  it('refuses what a tool was given where that is not public', async () => {
    const server = createOptimizedServer(Plain, IDENTITY);
    closing.push(() => server.stop());
    await expect(server.http.guarded.fetch('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
  });

  it('ends with the server', async () => {
    const server = createOptimizedServer(Plain, IDENTITY);
    await server.stop();
    await expect(server.http.fetch('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'HTTP_POOL_CLOSED' });
  });

  it.each([
    [{ httpPool: { maxSockets: 0 } }, 'httpPool.maxSockets'],
    [{ httpPool: { maxSocket: 1 } }, 'maxSockets'],
    [{ httpPool: 5 }, 'httpPool'],
  ])('names what is wrong in %j', (config, named) => {
    expect(() => createOptimizedServer(Plain, { ...IDENTITY, ...config } as OptimizedServerConfig)).toThrow(named);
  });
});
