import { describe, expect, it, vi } from 'vitest';
import type { StateStore } from '../../src/state/state.ts';

/** Two ways to one store, open; the test's end closes them. */
export interface StateSetup {
  readonly first: StateStore;
  /** Another process's way; the same one where only one process has the store. */
  readonly second: StateStore;
  /** Moves time on, where it can be moved; elsewhere it goes on by itself. */
  pass(ms: number): void;
}

const LONG = { ttlMs: 600_000 };
const SHORT_MS = 40;
const SHORT = { ttlMs: SHORT_MS };
const LIMITS = { ttlMs: 600_000, maxEntries: 1_000, maxLength: 100_000_000 };
const ON_TIME = { timeout: 20_000, interval: 5 };
const ODD = [
  '',
  ' ',
  'a:b',
  'a\0b',
  'a\0',
  '{a}b',
  'a*b?[c]',
  "'; DROP TABLE texts; --",
  '__proto__',
  'ünï 🦅 \u2028',
  '\uD800',
  '\uDBFF',
  '\uFFFD',
  '\uFFFD"\uD800"',
  '\uFFFD"\\ud800"',
  'x'.repeat(2_000),
];

/** Calls that reach the store one after the other, with no time in between on a machine that is busy elsewhere. */
function atOnce(...calls: readonly (() => unknown)[]): Promise<unknown[]> {
  return Promise.all(calls.map((call) => call()));
}

/** What every store of state must do alike. */
export function describeStateContract(name: string, open: () => Promise<StateSetup>): void {
  const over = async (setup: StateSetup, check: () => unknown): Promise<void> => {
    setup.pass(SHORT_MS);
    await vi.waitFor(check, ON_TIME);
  };

  describe(`state in ${name}: texts`, () => {
    it('keeps texts under keys until they are deleted, for all', async () => {
      const { first, second } = await open();
      expect(await first.get('a')).toBeUndefined();
      const version = await first.put('a', 'one', LONG);
      expect(version).toEqual(expect.any(Number));
      expect(await second.get('a')).toEqual({ text: 'one', version });
      const next = await second.put('a', 'two', LONG);
      expect(next).not.toBe(version);
      expect(await first.get('a')).toEqual({ text: 'two', version: next });
      expect(await first.get('b')).toBeUndefined();
      expect(await first.delete('a')).toBe(true);
      expect(await second.delete('a')).toBe(false);
      expect(await second.get('a')).toBeUndefined();
    });

    it('puts in the place of the version that is expected, and of no other', async () => {
      const { first, second } = await open();
      expect(await first.put('a', 'x', { ...LONG, expect: 7 })).toBe('conflict');
      const version = (await first.put('a', 'one', { ...LONG, expect: 0 })) as number;
      expect(await second.put('a', 'x', { ...LONG, expect: 0 })).toBe('conflict');
      const next = (await second.put('a', 'two', { ...LONG, expect: version })) as number;
      expect(await first.put('a', 'x', { ...LONG, expect: version })).toBe('conflict');
      expect(await first.get('a')).toEqual({ text: 'two', version: next });
      await first.delete('a');
      const reborn = (await first.put('a', 'three', LONG)) as number;
      expect(new Set([version, next, reborn]).size).toBe(3);
      expect(await first.put('a', 'x', { ...LONG, expect: next })).toBe('conflict');
    });

    it('lets one of many win who expect the same', async () => {
      const { first, second } = await open();
      const version = (await first.put('a', 'none', LONG)) as number;
      const puts = Array.from({ length: 50 }, (_, who) =>
        Promise.resolve((who % 2 ? first : second).put('a', `by ${who}`, { ...LONG, expect: version })),
      );
      const outcomes = await Promise.all(puts);
      const winners = outcomes.flatMap((outcome, who) => (outcome === 'conflict' ? [] : [who]));
      expect(winners).toHaveLength(1);
      expect((await first.get('a'))?.text).toBe(`by ${winners[0]}`);
    });

    it('forgets what is over, and keeps what was touched', async () => {
      const setup = await open();
      const { first, second } = setup;
      const [version, isTouched] = await atOnce(
        () => first.put('touched', 'text', SHORT),
        () => first.touch('touched', 600_000),
        () => first.put('over', 'text', SHORT),
        () => first.put('again', 'text', SHORT),
        () => first.put('again', 'more', LONG),
      );
      expect(isTouched).toBe(true);
      await over(setup, async () => expect(await first.get('over')).toBeUndefined());
      expect(await first.get('touched')).toEqual({ text: 'text', version });
      expect(await first.get('again')).toMatchObject({ text: 'more' });
      expect(await first.touch('over', 600_000)).toBe(false);
      expect(await first.delete('over')).toBe(false);
      expect(await first.put('over', 'new', { ...LONG, expect: 0 })).toEqual(expect.any(Number));
      expect(await second.touch('touched', SHORT_MS)).toBe(true);
      await over(setup, async () => expect(await first.get('touched')).toBeUndefined());
    });

    it('takes any characters in keys and texts, and keeps keys apart', async () => {
      const { first, second } = await open();
      for (const [index, odd] of ODD.entries()) {
        await first.put(odd, `${index} ${odd}`, { ...LONG, within: [{ set: odd, max: 1 }] });
        await first.put(`of ${index}`, odd, LONG);
        await first.append(odd, odd, LIMITS);
      }
      for (const [index, odd] of ODD.entries()) {
        expect((await second.get(odd))?.text).toBe(`${index} ${odd}`);
        expect((await second.get(`of ${index}`))?.text).toBe(odd);
        expect(await second.count(odd)).toBe(1);
        expect(await second.read(odd, 0)).toEqual({ entries: [{ number: 1, text: odd }], isWhole: true });
      }
    });

    it('keeps big texts', async () => {
      const { first, second } = await open();
      const big = JSON.stringify({ text: 'ä🦅x'.repeat(1_000_000) });
      await first.put('big', big, LONG);
      expect((await second.get('big'))?.text === big).toBe(true);
      await first.append('big', big, LIMITS);
      expect((await second.read('big', 0)).entries[0]?.text === big).toBe(true);
    });
  });

  describe(`state in ${name}: sets`, () => {
    it('bounds a set, and counts its living members', async () => {
      const setup = await open();
      const { first, second } = setup;
      const within = [
        { set: 'all', max: 3 },
        { set: 'mine', max: 2 },
      ];
      expect(await first.count('all')).toBe(0);
      await first.put('a', '1', { ...LONG, within });
      const outcomes = await atOnce(
        () => first.put('b', '1', { ...SHORT, within }),
        () => first.put('c', '1', { ...LONG, within }),
        () => first.count('all'),
        () => first.count('mine'),
      );
      expect(outcomes).toEqual([expect.any(Number), 'full', 2, 2]);
      expect(await second.get('c')).toBeUndefined();
      // One that is there takes no further place, and stays where it is.
      expect(await first.put('a', '2', { ...LONG, within })).toEqual(expect.any(Number));
      expect(await first.put('a', '3', { ...LONG, within: [{ set: 'other', max: 9 }] })).toEqual(expect.any(Number));
      expect(await first.count('other')).toBe(0);
      await over(setup, async () => expect(await second.count('mine')).toBe(1));
      expect(await second.put('c', '1', { ...LONG, within })).toEqual(expect.any(Number));
      await second.delete('a');
      expect([await first.count('all'), await first.count('mine')]).toEqual([1, 1]);
    });

    it('keeps the place of what is touched or put again', async () => {
      const setup = await open();
      const { first } = setup;
      const within = [{ set: 'all', max: 3 }];
      await atOnce(
        () => first.put('touched', '', { ...SHORT, within }),
        () => first.touch('touched', 600_000),
        () => first.put('again', '', { ...SHORT, within }),
        () => first.put('again', '', LONG),
        () => first.put('over', '', { ...SHORT, within }),
      );
      await over(setup, async () => expect(await first.get('over')).toBeUndefined());
      await vi.waitFor(async () => expect(await first.count('all')).toBe(2), ON_TIME);
      expect(await first.put('d', '', { ...LONG, within })).toEqual(expect.any(Number));
      expect(await first.put('e', '', { ...LONG, within })).toBe('full');
    });

    it('never has more members than it may, whoever puts at the same time', async () => {
      const { first, second } = await open();
      const within = [{ set: 'all', max: 20 }];
      const puts = Array.from({ length: 50 }, (_, who) =>
        Promise.resolve((who % 2 ? first : second).put(`key ${who}`, 'text', { ...LONG, within })),
      );
      const outcomes = await Promise.all(puts);
      expect(outcomes.filter((outcome) => outcome === 'full')).toHaveLength(30);
      expect(await first.count('all')).toBe(20);
    });
  });

  describe(`state in ${name}: logs`, () => {
    it('numbers entries, and says whether any are missing', async () => {
      const { first, second } = await open();
      expect(await first.read('log', 0)).toEqual({ entries: [], isWhole: true });
      const limits = { ...LIMITS, maxEntries: 3 };
      for (const [index, text] of ['a', 'b', 'c', 'd'].entries())
        expect(await (index % 2 ? first : second).append('log', text, limits)).toBe(index + 1);
      const entries = ['b', 'c', 'd'].map((text, index) => ({ number: index + 2, text }));
      expect(await second.read('log', 0)).toEqual({ entries, isWhole: false });
      expect(await second.read('log', 1)).toEqual({ entries, isWhole: true });
      expect(await second.read('log', 3)).toEqual({ entries: entries.slice(2), isWhole: true });
      expect(await second.read('log', 4)).toEqual({ entries: [], isWhole: true });
      expect(await second.read('log', 5)).toEqual({ entries: [], isWhole: false });
    });

    it('knows of a log that was lost', async () => {
      const setup = await open();
      const { first, second } = setup;
      await first.append('dropped', 'a', LIMITS);
      await first.append('over', 'a', { ...LIMITS, ...SHORT });
      await second.drop('dropped');
      await second.drop('never there');
      await over(setup, async () => expect((await first.read('over', 1)).isWhole).toBe(false));
      for (const log of ['dropped', 'over']) {
        expect(await first.read(log, 1)).toEqual({ entries: [], isWhole: false });
        expect(await first.append(log, 'new', LIMITS)).toBe(1);
        expect((await first.read(log, 2)).isWhole).toBe(false);
      }
    });

    it('keeps a log as long as its last entry says', async () => {
      const setup = await open();
      const { first } = setup;
      await atOnce(
        () => first.append('kept', 'a', { ...LIMITS, ...SHORT }),
        () => first.append('kept', 'b', LIMITS),
      );
      await first.append('over', 'a', { ...LIMITS, ...SHORT });
      await over(setup, async () => expect((await first.read('over', 0)).entries).toEqual([]));
      expect((await first.read('kept', 0)).entries).toHaveLength(2);
    });

    it('makes room by length, and for what is too long alone keeps nothing', async () => {
      const { first } = await open();
      const limits = { ...LIMITS, maxLength: 10 };
      for (const text of ['aaaa', 'ü🦅ü', 'cccc']) await first.append('log', text, limits);
      const texts = async () => (await first.read('log', 0)).entries.map(({ number, text }) => `${number} ${text}`);
      expect(await texts()).toEqual(['2 ü🦅ü', '3 cccc']);
      expect(await first.append('log', 'd'.repeat(11), limits)).toBe(4);
      expect(await texts()).toEqual([]);
      expect([(await first.read('log', 4)).isWhole, (await first.read('log', 3)).isWhole]).toEqual([true, false]);
      expect(await first.append('log', 'e', limits)).toBe(5);
      expect(await first.read('log', 4)).toEqual({ entries: [{ number: 5, text: 'e' }], isWhole: true });
      expect(await first.append('none', 'e', { ...limits, maxEntries: 0 })).toBe(1);
      expect(await first.read('none', 1)).toEqual({ entries: [], isWhole: true });
    });

    it('has no gap and nothing twice, whoever appends at the same time', async () => {
      const { first, second } = await open();
      const appends = Array.from({ length: 100 }, (_, who) =>
        Promise.resolve((who % 2 ? first : second).append('log', `by ${who}`, LIMITS)),
      );
      const numbers = await Promise.all(appends);
      const { entries, isWhole } = await first.read('log', 0);
      expect(isWhole).toBe(true);
      expect(entries.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
      for (const [who, number] of numbers.entries()) expect(entries[number - 1]?.text).toBe(`by ${who}`);
    });

    it('keeps logs and texts of one name apart', async () => {
      const { first } = await open();
      await first.put('a', 'text', { ...LONG, within: [{ set: 'a', max: 1 }] });
      await first.append('a', 'entry', LIMITS);
      await first.drop('a');
      expect((await first.get('a'))?.text).toBe('text');
      await first.append('a', 'entry', LIMITS);
      await first.delete('a');
      expect((await first.read('a', 0)).entries).toHaveLength(1);
    });
  });
}
