import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { seededRandom } from '../../../src/kernel/random.ts';
import { PostTemplate } from '../../../src/load/http-request.ts';
import {
  judgeAnswer,
  type LoadPlan,
  parseStages,
  runInTurns,
  runLoad,
  Schedule,
  summarize,
} from '../../../src/load/load.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function listen(listener: RequestListener): Promise<number> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const GOOD = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}';
const BAD = '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"no"}}';

function planFor(port: number, more: Partial<LoadPlan> = {}): LoadPlan {
  const wire = new PostTemplate('/mcp', [['Host', `127.0.0.1:${port}`]], { jsonrpc: '2.0', id: 1, method: 'ping' })
    .whole;
  return {
    target: { host: '127.0.0.1', port, tls: undefined },
    loop: 'closed',
    connections: 4,
    schedule: new Schedule(parseStages('60s:4')),
    operations: ['ping'],
    next: () => ({ operation: 0, wire }),
    judge: judgeAnswer,
    greeter: undefined,
    timeoutMs: 60_000,
    maxRequests: 200,
    random: seededRandom(1),
    clock: systemClock,
    ...more,
  };
}

describe('runLoad', () => {
  it('counts answers, right and wrong, in whatever pieces and framing they come', async () => {
    let count = 0;
    const port = await listen((request, response) => {
      request.resume().on('end', () => {
        const which = ++count % 4;
        if (which === 0) response.writeHead(503).end(BAD);
        else if (which === 1) response.setHeader('Content-Length', GOOD.length).end(GOOD);
        else if (which === 2) {
          response.setHeader('Content-Type', 'text/event-stream');
          response.write('event: message\n');
          setImmediate(() => response.end(`data: ${GOOD}\n\n`));
        } else response.end(BAD);
      });
    });
    const { tally, aborted } = await runLoad(planFor(port));
    expect(aborted).toBeUndefined();
    expect(tally.answers).toBe(200);
    expect([...tally.errors.keys()].sort()).toEqual(['HTTP 503 (-32603)', 'JSON-RPC error -32603']);
    expect(tally.failures).toBe([...tally.errors.values()].reduce((sum, times) => sum + times, 0));
    expect(Math.abs(tally.failures - 100)).toBeLessThanOrEqual(4);
    expect(tally.latency.count).toBe(200);
  });

  it('goes on after connections that break, and counts what was lost', async () => {
    let count = 0;
    const port = await listen((request, response) => {
      if (++count % 50 === 0) request.socket.destroy();
      else response.end(GOOD);
    });
    const { tally } = await runLoad(planFor(port));
    expect(tally.answers).toBe(200);
    expect(tally.failures).toBeGreaterThanOrEqual(2);
    for (const kind of tally.errors.keys()) expect(kind).toMatch(/ECONNRESET|closed by the server|EPIPE/);
  });

  it('follows a server that closes each connection', async () => {
    const port = await listen((_request, response) => response.setHeader('Connection', 'close').end(GOOD));
    const { tally } = await runLoad(planFor(port, { maxRequests: 40 }));
    expect([tally.answers, tally.failures]).toEqual([40, 0]);
  });

  it('gives up an answer that does not come', async () => {
    let count = 0;
    const port = await listen((_request, response) => {
      if (++count > 1) response.end(GOOD);
    });
    const { tally } = await runLoad(
      planFor(port, {
        timeoutMs: 200,
        maxRequests: 20,
        schedule: new Schedule(parseStages('60s:1')),
      }),
    );
    expect(tally.errors.get('timeout')).toBe(1);
    expect(tally.answers).toBe(20);
  });

  it('sends at its rate in an open loop, whatever the answers do, and counts all of it', async () => {
    const held: (() => void)[] = [];
    let isHolding = true;
    const port = await listen((_request, response) => {
      if (!isHolding) return void response.end(GOOD);
      held.push(() => response.end(GOOD));
      if (held.length < 4) return;
      isHolding = false;
      for (const release of held) release();
    });
    const plan = planFor(port, {
      loop: 'open',
      maxRequests: Number.POSITIVE_INFINITY,
      schedule: new Schedule(parseStages('500ms:400')),
    });
    const outcome = await runLoad(plan);
    const { tally } = outcome;
    expect(tally.failures).toBe(0);
    expect(tally.answers).toBe(arrivals(500, 400));
  });

  it('says why it could not begin', async () => {
    const { aborted, tally } = await runLoad(planFor(1, { clock: hurried() }));
    expect(aborted).toBe('could not open 4 connections to 127.0.0.1:1: ECONNREFUSED');
    expect(tally.answers).toBe(0);
  });

  it('ends when it is interrupted, and keeps what it has', async () => {
    const interrupt = new AbortController();
    let count = 0;
    const port = await listen((_request, response) => {
      if (++count === 30) interrupt.abort();
      response.end(GOOD);
    });
    const { aborted, tally } = await runLoad(planFor(port, { signal: interrupt.signal, maxRequests: 100_000 }));
    expect(aborted).toBe('interrupted');
    expect(tally.answers).toBeGreaterThan(0);
  });

  it('tells each second, and puts the rounds of several runs together', async () => {
    const port = await listen((_request, response) => response.end(GOOD));
    const told: number[] = [];
    const plan = planFor(port, {
      maxRequests: Number.POSITIVE_INFINITY,
      schedule: new Schedule(parseStages('1100ms:2')),
      onSecond: ({ at }) => told.push(at),
    });
    const [outcome] = await runInTurns([plan], 2);
    expect(told).toEqual([1, 1]);
    const described = {
      url: 'http://x/',
      server: undefined,
      protocol: '2025-11-25',
      startedAt: '',
      load: { loop: 'closed', profile: 'constant', connections: 2, rate: undefined, mix: [], seed: 1 },
    } as const;
    const summary = summarize(described, outcome as NonNullable<typeof outcome>);
    expect(summary.timeLine.map(({ at }) => at)).toEqual([1, 2]);
    expect(summary.operations[0]?.answers).toBe(summary.answers);
    expect(summary.distribution.at(-1)?.[1]).toBe(1);
  });
});

/** The system's clock, but a hundred times as fast where waiting is concerned. */
function hurried(): typeof systemClock {
  const startedAt = systemClock.now();
  return { ...systemClock, now: () => startedAt + (systemClock.now() - startedAt) * 100 };
}

/** How many requests the times of an open loop with the seed 1 hold. */
function arrivals(ms: number, perSecond: number): number {
  const random = seededRandom(1);
  let count = 0;
  for (let at = 0; at < ms; at += (-Math.log(1 - random()) * 1_000) / perSecond) count++;
  return count;
}
