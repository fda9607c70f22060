import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { seededRandom } from '../../../src/kernel/random.ts';
import { ConcurrencyLimiter, OverloadedError, type Ticket } from '../../../src/limit/limit.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};

/** A limiter whose work is named, and stays under way until it is ended by name. */
class Rig {
  readonly clock = new FakeClock();
  readonly limiter: ConcurrencyLimiter;
  readonly begun: string[] = [];
  readonly refused: string[] = [];
  readonly #tickets = new Map<string, Ticket>();

  constructor(options: ConstructorParameters<typeof ConcurrencyLimiter>[0]) {
    this.limiter = new ConcurrencyLimiter({ clock: this.clock, ...options });
  }

  ask(name: string, principal = '', options: Parameters<ConcurrencyLimiter['enter']>[1] = {}): void {
    this.limiter.enter(principal, options).then(
      (ticket) => {
        this.begun.push(name);
        this.#tickets.set(name, ticket);
      },
      (error) => void this.refused.push(`${name}: ${error instanceof OverloadedError ? error.reason : error}`),
    );
  }

  async end(name: string): Promise<void> {
    this.#tickets.get(name)?.release();
    await settle();
  }
}

describe('ConcurrencyLimiter', () => {
  it('gives a free slot at once, without a promise', () => {
    const limiter = new ConcurrencyLimiter({ concurrency: 1, clock: new FakeClock() });
    const ticket = limiter.tryEnter();
    expect(ticket).toBeDefined();
    expect(limiter.tryEnter()).toBeUndefined();
    ticket?.release();
    expect(limiter.acquire()).not.toBeInstanceOf(Promise);
  });

  it('frees a slot once however often it is released', () => {
    const limiter = new ConcurrencyLimiter({ concurrency: 2, clock: new FakeClock() });
    const first = limiter.tryEnter();
    limiter.tryEnter();
    first?.release();
    first?.release();
    expect(limiter.running).toBe(1);
  });

  it('begins what waits in its order, and no more than may be under way', async () => {
    const rig = new Rig({ concurrency: 2, queue: 10 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) rig.ask(name);
    await settle();
    expect(rig.begun).toEqual(['a', 'b']);
    await rig.end('b');
    await rig.end('a');
    expect(rig.begun).toEqual(['a', 'b', 'c', 'd']);
    expect(rig.limiter.statistics()).toMatchObject({ running: 2, queued: 1, entered: 4 });
  });

  it('gives principals their turns, however much one of them asks', async () => {
    const rig = new Rig({ concurrency: 1, queue: 100 });
    for (const name of ['a1', 'a2', 'a3', 'a4']) rig.ask(name, 'a');
    for (const name of ['b1', 'b2']) rig.ask(name, 'b');
    rig.ask('c1', 'c');
    await settle();
    for (const name of ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']) await rig.end(name);
    expect(rig.begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it('passes over a principal at its own limit, until it is below', async () => {
    const rig = new Rig({ concurrency: 3, perPrincipal: 1, queue: 100 });
    for (const name of ['a1', 'a2', 'a3']) rig.ask(name, 'a');
    for (const name of ['b1', 'b2']) rig.ask(name, 'b');
    await settle();
    expect(rig.begun).toEqual(['a1', 'b1']);
    await rig.end('b1');
    await rig.end('a1');
    expect(rig.begun).toEqual(['a1', 'b1', 'b2', 'a2']);
  });

  it('refuses what finds the queue full', async () => {
    const rig = new Rig({ concurrency: 1, queue: 1 });
    for (const name of ['a', 'b', 'c']) rig.ask(name);
    await settle();
    expect(rig.refused).toEqual(['c: queue-full']);
    expect(() => rig.limiter.acquire()).toThrow(/overloaded, not executed: the queue is full/);
  });

  it('drops work whose deadline has passed, at that time', async () => {
    const rig = new Rig({ concurrency: 1, queue: 10, timeoutMs: 500 });
    rig.ask('a');
    rig.ask('b', '', { deadlineMs: 100 });
    rig.ask('c');
    rig.ask('d', '', { deadlineMs: 0 });
    rig.clock.advance(99);
    await settle();
    expect(rig.refused).toEqual(['d: deadline']);
    rig.clock.advance(1);
    await settle();
    expect(rig.refused).toEqual(['d: deadline', 'b: deadline']);
    rig.clock.advance(400);
    await settle();
    expect(rig.refused.at(-1)).toBe('c: deadline');
    await rig.end('a');
    expect(rig.begun).toEqual(['a']);
    expect(rig.clock.timers).toBe(0);
  });

  it('never begins work whose deadline passed while timers could not run', async () => {
    let now = 0;
    const clock = { now: () => now, wallNow: () => now, after: () => () => {}, every: () => () => {} };
    const limiter = new ConcurrencyLimiter({ concurrency: 1, queue: 10, timeoutMs: 50, clock });
    const held = limiter.tryEnter();
    const late = limiter.enter();
    late.catch(() => {});
    now = 60;
    held?.release();
    await expect(late).rejects.toMatchObject({ code: 'OVERLOADED', reason: 'deadline', retryable: true });
    expect(limiter.running).toBe(0);
  });

  it('lets callers give up, also from the middle of the queue', async () => {
    const rig = new Rig({ concurrency: 1, queue: 10 });
    const leave = new AbortController();
    rig.ask('a');
    rig.ask('b', '', { signal: leave.signal });
    rig.ask('c');
    rig.ask('d', '', { signal: AbortSignal.abort('early') });
    leave.abort('gone');
    await settle();
    expect(rig.refused.toSorted()).toEqual(['b: gone', 'd: early']);
    await rig.end('a');
    expect(rig.begun).toEqual(['a', 'c']);
    expect(rig.limiter.statistics()).toMatchObject({ queued: 0, cancelled: 1 });
  });

  it('refuses by delay while its queue stands, what matters least first', async () => {
    const rig = new Rig({ concurrency: 1, queue: 100, delay: { targetMs: 20, windowMs: 100 } });
    rig.ask('0');
    for (let name = 1; name <= 30; name++) rig.ask(String(name), '', { shedClass: name % 2 === 0 ? 'list' : 'tool' });
    await settle();
    for (let name = 0; name <= 30; name++) {
      rig.clock.advance(30);
      await rig.end(rig.begun.at(-1) ?? '');
    }
    const [lists, tools] = [0, 1].map((odd) => rig.refused.filter((text) => Number.parseInt(text, 10) % 2 === odd));
    expect(lists?.length).toBeGreaterThan(tools?.length ?? 0);
    expect(rig.refused.every((text) => text.endsWith(': delay'))).toBe(true);
  });

  it.each([1, 2, 3])(
    'keeps its bounds whatever comes, seed %i',
    async (seed) => {
      const random = seededRandom(seed);
      const rig = new Rig({ concurrency: 4, perPrincipal: 2, queue: 12, timeoutMs: 200 });
      const ended = new Set<string>();
      for (let step = 0; step < 2_000; step++) {
        const dice = random();
        if (dice < 0.5) {
          const leave = new AbortController();
          rig.ask(`${step}`, `p${Math.floor(random() * 5)}`, { signal: leave.signal });
          if (random() < 0.1) queueMicrotask(() => leave.abort('gone'));
        } else if (dice < 0.8) {
          const open = rig.begun.filter((name) => !ended.has(name));
          const name = open[Math.floor(random() * open.length)];
          if (name !== undefined) {
            ended.add(name);
            await rig.end(name);
          }
        } else rig.clock.advance(Math.floor(random() * 40));
        await settle();
        const { running, queued } = rig.limiter.statistics();
        expect(running).toBe(rig.begun.length - ended.size);
        expect(running).toBeLessThanOrEqual(4);
        expect(queued).toBeLessThanOrEqual(12);
      }
      for (const name of rig.begun.filter((one) => !ended.has(one))) await rig.end(name);
      for (let at = 0; at < rig.begun.length; at++) await rig.end(rig.begun[at] as string);
      expect(rig.limiter.statistics()).toMatchObject({ running: 0, queued: 0 });
      expect(rig.clock.timers).toBe(0);
    },
    60_000,
  );

  it('checks its options', () => {
    for (const options of [{ concurrency: 0 }, { queue: -1 }, { perPrincipal: 1.5 }, { timeoutMs: 0 }, { slots: 1 }])
      expect(() => new ConcurrencyLimiter(options)).toThrow(OptionError);
  });
});
