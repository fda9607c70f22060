import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import type { LimitEvent } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { callTool, legacy, modern, openModern } from '../support/http.ts';
import { type Gate, gate, serverWith, settle, text } from '../support/test-server.ts';

/** A clock whose thread tools can keep busy, so that its timers run late. */
class BusyClock extends FakeClock {
  #ahead = 0;
  override now(): number {
    return super.now() + this.#ahead;
  }
  burn(ms: number): void {
    this.#ahead += ms;
  }
}

const REFUSED = { code: -32_010, message: expect.stringContaining('not executed') };

describe('the limits of a tool', () => {
  it('let so many calls run, make some wait and refuse the others', async () => {
    const clock = new FakeClock();
    const gates: Gate[] = [];
    const server = serverWith(
      (each) => {
        const limits = { concurrency: 1, queue: 1, timeoutMs: 2_500 };
        each.registerTool('slow', { limits }, async () => {
          gates.push(gate());
          await gates.at(-1)?.opened;
          return text('done');
        });
        each.registerTool('other', {}, () => text('there'));
      },
      { clock },
    );
    const events: LimitEvent[] = [];
    server.signals.limit.on((event) => void events.push(event));
    const [first, second] = [callTool(server, 'slow'), callTool(server, 'slow')];
    await settle();
    const third = await callTool(server, 'slow', undefined, { id: 'third' });
    expect(third).toMatchObject({ status: 503, id: 'third', error: REFUSED });
    expect(third.headers.get('retry-after')).toBe('1');
    expect(events).toMatchObject([{ kind: 'shed', reason: 'queue-full', shedClass: 'tool', target: 'slow' }]);
    expect((await callTool(server, 'other')).status).toBe(200);
    expect(gates).toHaveLength(1);
    gates[0]?.open();
    expect((await first).status).toBe(200);
    await settle();
    gates[1]?.open();
    expect((await second).status).toBe(200);
  });

  it('never begin a call that waited too long, nor one whose client has left', async () => {
    const clock = new FakeClock();
    const opened = gate();
    let begun = 0;
    const server = serverWith(
      (each) =>
        each.registerTool('slow', { limits: { concurrency: 1, queue: 9, timeoutMs: 2_500 } }, async () => {
          begun++;
          await opened.opened;
          return text('done');
        }),
      { clock },
    );
    const leave = new AbortController();
    const first = callTool(server, 'slow');
    await settle();
    const gone = callTool(server, 'slow', undefined, { signal: leave.signal }).catch(() => 'gone');
    const late = callTool(server, 'slow');
    await settle();
    leave.abort();
    clock.advance(2_500);
    expect(await late).toMatchObject({ status: 503, error: { ...REFUSED, data: { retryAfterMs: 100 } } });
    opened.open();
    await first;
    await settle();
    expect(begun).toBe(1);
    await gone;
  });

  it('say when the next call is due by its rate, to clients of both eras', async () => {
    const clock = new FakeClock();
    const server = serverWith(
      (each) => each.registerTool('rare', { limits: { ratePerSecond: 0.25 } }, () => text('done')),
      { clock },
    );
    expect((await callTool(server, 'rare')).status).toBe(200);
    const refused = await callTool(server, 'rare');
    expect(refused).toMatchObject({ status: 503, error: { ...REFUSED, data: { retryAfterMs: 4_000 } } });
    expect(refused.headers.get('retry-after')).toBe('4');
    const old = await legacy(server, 'tools/call', { name: 'rare' });
    expect([old.status, old.error, old.headers.get('retry-after')]).toEqual([
      503,
      expect.objectContaining(REFUSED),
      '4',
    ]);
    clock.advance(4_000);
    expect((await callTool(server, 'rare')).status).toBe(200);
  });

  it('do not concern kept answers', async () => {
    let calls = 0;
    const config = {
      annotations: { readOnlyHint: true },
      limits: { ratePerSecond: 0.001 },
      cache: { scope: 'public' as const },
    };
    const server = serverWith((each) => each.registerTool('kept', config, () => text(String(++calls))), {
      clock: new FakeClock(),
    });
    for (let count = 0; count < 5; count++) expect((await callTool(server, 'kept')).status).toBe(200);
    expect(calls).toBe(1);
  });

  it('stay while the tool is changed in other ways', async () => {
    const server = serverWith(undefined, { clock: new FakeClock() });
    const tool = server.registerTool('rare', { limits: { ratePerSecond: 1 } }, () => text('done'));
    await callTool(server, 'rare');
    tool.update({ description: 'Changed' });
    expect((await callTool(server, 'rare')).status).toBe(503);
    tool.update({ limits: { ratePerSecond: 5 } });
    expect((await callTool(server, 'rare')).status).toBe(200);
  });

  it.each([
    [{ concurrency: 0 }, 'tool "t".limits.concurrency'],
    [{ queue: 5 }, 'tool "t".limits.queue'],
    [{ timeoutMs: 5 }, 'tool "t".limits.timeoutMs'],
    [{ ratePerSecond: 0 }, 'tool "t".limits.ratePerSecond'],
    [{ rate: 1 }, 'tool "t".limits.rate'],
  ])('are checked at registration: %j', (limits, option) => {
    const register = (): unknown =>
      serverWith((each) => each.registerTool('t', { limits: limits as object }, () => text('')));
    expect(register).toThrow(OptionError);
    expect(register).toThrow(expect.objectContaining({ option }));
  });
});

describe('a server that is asked for too much', () => {
  /** A server whose one tool was called until it was refused. */
  async function busyServer() {
    const clock = new BusyClock();
    let begun = 0;
    const server = serverWith(
      (each) => {
        each.registerTool('busy', {}, () => {
          begun++;
          clock.burn(5);
          return text('done');
        });
        each.registerTool('vital', { limits: { essential: true } }, () => text('done'));
        each.registerResource('r', 'test:r', {}, () => ({ contents: [{ uri: 'test:r', text: '' }] }));
      },
      { clock },
    );
    const events: LimitEvent[] = [];
    server.signals.limit.on((event) => void events.push(event));
    let last = await callTool(server, 'busy');
    while (last.status === 200 && begun < 1_000) last = await callTool(server, 'busy');
    return { clock, server, last, events, begun: () => begun };
  }

  it('refuses calls of tools without running them, and says when to come again', async () => {
    const { last, events, begun, server } = await busyServer();
    expect(last).toMatchObject({ status: 503, error: REFUSED });
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(events.map(({ kind }) => kind)).toEqual(['overloaded', 'shed']);
    const before = begun();
    expect((await legacy(server, 'tools/call', { name: 'busy' })).status).toBe(503);
    expect(begun()).toBe(before);
  });

  it('refuses lists, reads and streams then, but neither essential tools nor discovery', async () => {
    const { server } = await busyServer();
    expect((await modern(server, 'tools/list')).status).toBe(503);
    expect((await modern(server, 'resources/read', { uri: 'test:r' })).status).toBe(503);
    const stream = await openModern(server, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
    expect(stream.status).toBe(503);
    expect((await callTool(server, 'vital')).status).toBe(200);
    expect((await modern(server, 'server/discover')).status).toBe(200);
  });

  it('refuses what is marked as a further attempt before what is new', async () => {
    const clock = new BusyClock();
    const server = serverWith(
      (each) => {
        each.registerTool('busy', {}, (context) => {
          clock.burn(5);
          return text(context.mcpReq._meta?.['peregrine/attempt'] ?? 1);
        });
        each.registerTool('vital', { limits: { essential: true } }, () => text('done'));
      },
      { clock },
    );
    const events: LimitEvent[] = [];
    server.signals.limit.on((event) => void events.push(event));
    const retried = { headers: { 'Peregrine-Attempt': '2' } };
    for (let count = 0; count < 50; count++)
      expect((await callTool(server, 'busy', undefined, retried)).status).toBe(200);
    for (let count = 0; count < 8; count++) expect((await callTool(server, 'busy')).status).toBe(200);
    // The loop is 290 ms late now: more than a retry may wait, less than a first attempt may.
    expect((await callTool(server, 'busy', undefined, retried)).status).toBe(503);
    const marked = { name: 'busy', _meta: { 'peregrine/attempt': 2 } };
    expect((await legacy(server, 'tools/call', marked)).status).toBe(503);
    expect((await callTool(server, 'vital', undefined, retried)).status).toBe(200);
    expect((await legacy(server, 'tools/call', { name: 'busy', _meta: { 'peregrine/attempt': 1 } })).status).toBe(200);
    expect((await callTool(server, 'busy', undefined, { headers: { 'Peregrine-Attempt': 'x' } })).status).toBe(200);
    expect(events.map(({ kind, shedClass }) => [kind, shedClass])).toEqual([
      ['overloaded', undefined],
      ['shed', 'retry'],
      ['shed', 'retry'],
    ]);
  });

  it('serves everything again once its loop is on time', async () => {
    const { clock, server, events } = await busyServer();
    for (let tick = 0; tick < 3; tick++) clock.advance(10_000);
    for (let tick = 0; tick < 3; tick++) clock.advance(10);
    expect(events.at(-1)?.kind).toBe('recovered');
    expect((await modern(server, 'tools/list')).status).toBe(200);
  });

  it('has its limits from its configuration', async () => {
    const clock = new FakeClock();
    const opened = gate();
    const server = serverWith(
      (each) =>
        each.registerTool('slow', {}, async () => {
          await opened.opened;
          return text('done');
        }),
      { clock, overload: { concurrency: 1, queue: 0, requestsPerSecond: 2 } },
    );
    const first = callTool(server, 'slow');
    await settle();
    expect(await callTool(server, 'slow')).toMatchObject({
      status: 503,
      error: { message: expect.stringMatching(/full/) },
    });
    expect(await modern(server, 'tools/list')).toMatchObject({ status: 503, error: { data: { retryAfterMs: 500 } } });
    opened.open();
    expect((await first).status).toBe(200);
    expect(() => serverWith(undefined, { overload: { queue: -1 } })).toThrow(OptionError);
  });
});
