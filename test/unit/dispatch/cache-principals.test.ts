import { describe, expect, it } from 'vitest';
import { Cache, resolveCacheOptions } from '../../../src/cache/cache.ts';
import { AnswerCache, type CachedEntry, type Made } from '../../../src/dispatch/answer-cache.ts';
import type { Call } from '../../../src/dispatch/call.ts';
import { checkResourceCache } from '../../../src/registry/cache-rule.ts';
import { createEngineSignals } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import type { Era } from '../../../src/wire/wire.ts';
import { callTool } from '../support/http.ts';
import { textOf } from '../support/messages.ts';
import { settle } from '../support/test-server.ts';
import { cachedTool } from './cached-tool.ts';

const PRINCIPALS = Array.from({ length: 50 }, (_, index) => `user-${index}`);
/** Names that run together where they are merely put side by side. */
const AWKWARD = ['', 'null', '"', '",{"a":1}]', 'modern', 'a","b', 'a\\', 'ä', '\ud800', '\ud801', ' ', 'A', 'a'];

function entryOf(cache: object, more: Partial<CachedEntry> = {}): CachedEntry {
  const rule = checkResourceCache('entry', cache) as CachedEntry['rule'];
  return { kind: 'tool', name: 'mine', revision: 0, definition: { name: 'mine' }, rule, ...more };
}

function callOf(principal: string | undefined, era: Era = 'modern', argumentsText?: string): Call {
  const { signal } = new AbortController();
  const call = { era, principal, argumentsText, signal, method: 'tools/call', target: 'mine', outcome: 'ok' };
  return call as unknown as Call;
}

/** Answers kept through a cache of their own, and for whom they were made. */
function rig(entry: CachedEntry, options = {}) {
  const clock = new FakeClock();
  const signals = createEngineSignals();
  const cache = new Cache({
    options: resolveCacheOptions(options, 'unit'),
    clock,
    random: () => 0.5,
    signal: signals.cache,
  });
  const answers = new AnswerCache(cache, '1.0.0', signals.fault);
  const made: unknown[] = [];
  const ask = async (principal: string | undefined, args: unknown, era: Era = 'modern', written?: string) => {
    const call = callOf(principal, era, written);
    const key = answers.keyOf(entry, call, args);
    const make = async (): Promise<Made> => {
      made.push(principal);
      await settle(1);
      return { text: JSON.stringify({ of: principal, args, era }), isKept: true, isShared: true };
    };
    const { text } = await answers.read(entry, key === undefined ? undefined : { key, tags: ['t'] }, call, make);
    return JSON.parse(text);
  };
  return { cache, clock, answers, made, ask, entry };
}

describe('a private answer', () => {
  it('is given to none of 50 principals that ask at the same time but its own', async () => {
    const { ask, made, clock } = rig(entryOf({ ttlSeconds: 10, staleSeconds: 10, staleIfErrorSeconds: 10 }));
    for (let round = 0; round < 4; round++) {
      const asked = [...PRINCIPALS, ...PRINCIPALS.toReversed()];
      const answers = await Promise.all(asked.map((principal) => ask(principal, { q: 1 })));
      expect(answers.map(({ of }) => of)).toEqual(asked);
      clock.advance(5_000); // The later rounds meet fresh answers, then ones that are made anew behind them.
    }
    expect(made).toHaveLength(100);
    expect(new Set(made).size).toBe(50);
  });

  it('has a key that no other principal, era or argument comes to', () => {
    const { answers, entry } = rig(entryOf({}));
    const keys = AWKWARD.flatMap((principal) =>
      (['modern', 'legacy'] as const).flatMap((era) =>
        [{}, { a: 1 }, { a: '1' }, ...AWKWARD].map((args) => answers.keyOf(entry, callOf(principal, era), args)),
      ),
    );
    expect(keys).not.toContain(undefined);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is found by the way its arguments were written, by its own principal alone', async () => {
    const { answers, ask, entry } = rig(entryOf({}));
    const written = '{ "q" : 1 }';
    for (const principal of PRINCIPALS) await ask(principal, { q: 1 }, 'modern', written);
    for (const principal of PRINCIPALS) {
      expect(JSON.parse(answers.peekWritten(entry, 'modern', principal, written) ?? '')).toMatchObject({
        of: principal,
      });
      expect(answers.peekWritten(entry, 'legacy', principal, written)).toBeUndefined();
      expect(answers.peekWritten(entry, 'modern', principal, '{"q":1}')).toBeUndefined();
    }
    for (const other of ['', 'user-50', undefined])
      expect(answers.peekWritten(entry, 'modern', other, written)).toBeUndefined();
  });

  it('is not kept for one whom the server cannot tell from others', async () => {
    const { answers, ask, cache, made, entry } = rig(entryOf({}));
    await ask('', { q: 1 }, 'modern', '{"q":1}');
    for (const _ of [1, 2]) expect(await ask(undefined, { q: 1 }, 'modern', '{"q":1}')).not.toHaveProperty('of');
    expect(answers.peekWritten(entry, 'modern', undefined, '{"q":1}')).toBeUndefined();
    expect([made.length, cache.statistics().size]).toEqual([3, 1]);
  });

  it('is found again after more principals than are remembered', async () => {
    const { ask, made } = rig(entryOf({}));
    await ask('first', {});
    const others = Array.from({ length: 2_000 }, (_, index) => `other-${index}`);
    await Promise.all(others.map((principal) => ask(principal, {})));
    expect(await ask('first', {})).toMatchObject({ of: 'first' });
    expect(made).toHaveLength(2_001);
  });
});

describe('a public answer', () => {
  it('is made once for all, also for one whom the server cannot tell', async () => {
    const { ask, made } = rig(entryOf({ scope: 'public' }));
    const answers = await Promise.all([...PRINCIPALS, undefined].map((principal) => ask(principal, { q: 1 })));
    expect(new Set(answers.map(({ of }) => of))).toEqual(new Set(['user-0']));
    expect(made).toEqual(['user-0']);
  });

  it('has another key than the private one of anybody', () => {
    const keysOf = (scope: string) => {
      const { answers, entry } = rig(entryOf({ scope }));
      return [...AWKWARD].map((principal) => answers.keyOf(entry, callOf(principal), {}));
    };
    const [shared, own] = [new Set(keysOf('public')), new Set(keysOf('private'))];
    expect([shared.size, own.size, new Set([...shared, ...own]).size]).toEqual([1, AWKWARD.length, AWKWARD.length + 1]);
  });
});

it('gives each kind, name, version, definition and revision keys of its own', () => {
  const variants: Partial<CachedEntry>[] = [
    {},
    { kind: 'resource' },
    { kind: 'list' },
    { name: 'other' },
    { name: 'mine:["1.0.0' },
    { revision: 1 },
    { definition: { name: 'mine', title: 'T' } },
  ];
  const keys = variants.map((variant) => {
    const { answers, entry } = rig(entryOf({}, variant));
    return answers.keyOf(entry, callOf(''), {});
  });
  const { cache } = rig(entryOf({}));
  const later = new AnswerCache(cache, '1.0.1', createEngineSignals().fault);
  keys.push(later.keyOf(entryOf({}), callOf(''), {}));
  expect(new Set(keys).size).toBe(keys.length);
});

describe('what is remembered of how arguments were written', () => {
  it('is bounded in number and in bytes', async () => {
    const { answers, entry, ask } = rig(entryOf({}), { lruCacheSize: 10 });
    const written = (index: number) => `{"q":1,"pad":"${index}"}`;
    for (let index = 0; index < 20; index++) await ask('', { q: 1 }, 'modern', written(index));
    const found = Array.from({ length: 20 }, (_, index) => answers.peekWritten(entry, 'modern', '', written(index)));
    expect(found.filter((text) => text !== undefined)).toHaveLength(10);

    const small = rig(entryOf({}), { maxMemoryBytes: 1_048_576 });
    const long = (index: number) => `{"q":1,"pad":"${String(index).repeat(100_000)}"}`;
    for (let index = 0; index < 10; index++) await small.ask('', { q: 1 }, 'modern', long(index));
    const kept = Array.from({ length: 10 }, (_, index) =>
      small.answers.peekWritten(small.entry, 'modern', '', long(index)),
    );
    expect(kept.filter((text) => text !== undefined)).toHaveLength(2);
  });
});

describe('a request with credentials that nothing checks', () => {
  const as = (who: string) => ({ headers: { Authorization: `Bearer ${who}` } });
  const whoAsks = (scope: 'public' | 'private') =>
    cachedTool({ scope }, ({ context, number }) => ({
      content: [{ type: 'text', text: `${number} ${context.http?.req.headers.get('authorization')}` }],
    }));

  it('neither gets a private answer that is kept nor leaves one', async () => {
    const { server } = whoAsks('private');
    const texts = [];
    for (const options of [as('a'), as('b'), {}, as('a'), {}])
      texts.push(textOf(await callTool(server, 'find', {}, options)));
    expect(texts).toEqual(['1 Bearer a', '2 Bearer b', '3 null', '4 Bearer a', '3 null']);
    const together = await Promise.all(['c', 'd', 'e'].map((who) => callTool(server, 'find', {}, as(who))));
    expect(together.map(textOf)).toEqual(['5 Bearer c', '6 Bearer d', '7 Bearer e']);
  });

  it('shares what is public', async () => {
    const { server, runs } = whoAsks('public');
    for (const options of [as('a'), as('b'), {}])
      expect(textOf(await callTool(server, 'find', {}, options))).toBe('1 Bearer a');
    expect(runs).toHaveLength(1);
  });
});
