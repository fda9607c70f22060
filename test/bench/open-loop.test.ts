import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { type OpenLoopResult, runOpenLoop } from '../../bench/load/open-loop.ts';
import { preparePost, rotate } from '../../bench/load/request-source.ts';

const REQUESTS = rotate([preparePost({ host: 'localhost', path: '/mcp', headers: [], body: '{}' })]);

/** A server that answers its requests by number, each after a time. */
async function load(answer: (number: number) => { status: number; afterMs: number }): Promise<OpenLoopResult> {
  let number = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => {
      const { status, afterMs } = answer(number++);
      setTimeout(() => socket.write(`HTTP/1.1 ${status} X\r\ncontent-length: 2\r\n\r\n{}`), afterMs);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const common = { port, source: REQUESTS, random: () => 1 - Math.exp(-1) };
    return await runOpenLoop({ ...common, connections: 2, requestsPerSecond: 100, ms: 300, deadlineMs: 500 });
  } finally {
    server.close();
  }
}

it('sends at its rate, and tells what was admitted, shed and in time', async () => {
  const result = await load((number) => ({ status: number % 3 === 0 ? 503 : 200, afterMs: 0 }));
  expect(result).toMatchObject({ intended: 30, admitted: 20, inTime: 20, shed: 10, errors: 0 });
});

it('counts the wait for a free connection as latency', async () => {
  const result = await load(() => ({ status: 200, afterMs: 80 }));
  expect(result.intended).toBe(30);
  expect(result.latency.maxUs).toBeGreaterThan(200_000);
  expect(result.inTime).toBeLessThan(30);
});
