import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { HttpPoolError } from '../../../src/pool/pool.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { poolWith, startServer, turn } from './support.ts';

/** Numbers below a bound that are the same in every run. */
function generator(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

const BEHAVIOURS: readonly ((request: IncomingMessage, response: ServerResponse) => void)[] = [
  (_request, response) => response.end('ok'),
  (_request, response) => setImmediate(() => response.end('ok')),
  (_request, response) => response.end(Buffer.alloc(2_000)),
  (request) => request.socket.resetAndDestroy(),
  (_request, response) => response.write('part', () => response.socket?.resetAndDestroy()),
  (_request, response) => response.setHeader('connection', 'close').end('ok'),
  () => {}, // Never answers.
  (_request, response) => response.write('part'), // Nor does this one end.
];

it.each([1, 2, 3, 4, 5])(
  'whatever happens, every call settles and every place is given back (seed %i)',
  async (seed) => {
    const below = generator(seed);
    const server = await startServer((request, response) =>
      BEHAVIOURS[Number(request.url?.slice(1))]?.(request, response),
    );
    const clock = new FakeClock();
    const pool = poolWith({ clock, maxSockets: 5, maxQueue: 40, timeout: 1_000, maxResponseBytes: 1_000 });
    let settled = 0;
    const calls = Array.from({ length: 200 }, async () => {
      for (let turns = below(30); turns > 0; turns--) await turn();
      const controller = new AbortController();
      const init = { method: ['GET', 'POST'][below(2)] as string, signal: controller.signal };
      const url = `${server.url}/${below(BEHAVIOURS.length)}`;
      const call = below(2) === 0 ? pool.request(url, init) : pool.fetch(url, init).then((answer) => answer.text());
      if (below(4) === 0) setImmediate(() => controller.abort());
      await call.catch((error: unknown) => expect(error).toBeInstanceOf(HttpPoolError));
      settled++;
    });
    await expect
      .poll(
        () => {
          clock.advance(500);
          return settled;
        },
        { interval: 5, timeout: 10_000 },
      )
      .toBe(200);
    await Promise.all(calls);
    await expect.poll(() => pool.statistics()).toMatchObject({ inUse: 0, waiting: 0, utilization: 0 });
    expect(clock.timers).toBe(0);
    const answers = await Promise.all(Array.from({ length: 20 }, () => pool.request(`${server.url}/0`)));
    for (const answer of answers) expect(answer.text()).toBe('ok');
  },
);
