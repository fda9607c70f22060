import fc from 'fast-check';
import { expect } from 'vitest';
import type { LogLimits, LogPage, StateStore } from '../../../src/state/state.ts';

/** Which version a text is put in the place of. */
type Expects = 'any' | 'none' | 'current' | 'former';

export type ModelCall =
  | readonly [kind: 'put', key: string, text: string, ttlMs: number, expects: Expects]
  | readonly [kind: 'touch', key: string, ttlMs: number]
  | readonly [kind: 'get' | 'delete' | 'count' | 'drop', name: string]
  | readonly [kind: 'append', log: string, text: string, limits: LogLimits]
  | readonly [kind: 'read', log: string, after: number]
  | readonly [kind: 'pass', ms: number];

interface ModelText {
  text: string;
  version: number;
  endsAt: number;
}

interface ModelLog {
  /** All that were ever appended. */
  readonly texts: string[];
  /** How many of them made room. */
  gone: number;
  endsAt: number;
}

/** The sets that a key is put within: by its first letter, and all. */
const MAX = { all: 4, a: 2, b: 3 } as const;
const withinOf = (key: string) => [
  { set: 'all', max: MAX.all },
  { set: key[0] as string, max: MAX[key[0] as 'a' | 'b'] },
];

/** Runs of calls about few names, with these times to live and pauses. */
export function modelCalls(ttls: readonly number[], pauses: readonly number[]): fc.Arbitrary<ModelCall[]> {
  const key = fc.constantFrom('a1', 'a2', 'a3', 'b1', 'b2', 'b3');
  const log = fc.constantFrom('a1', 'log');
  const text = fc.string({ maxLength: 12, unit: 'binary' });
  const ttlMs = fc.constantFrom(...ttls);
  const limits = fc.record({ ttlMs, maxEntries: fc.nat(4), maxLength: fc.nat(20) });
  const expects = fc.constantFrom<Expects>('any', 'none', 'current', 'former');
  const call: fc.Arbitrary<ModelCall> = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constant('put'), key, text, ttlMs, expects) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('touch'), key, ttlMs) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('get'), key) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('delete'), key) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('count'), fc.constantFrom('all', 'a', 'b')) },
    { weight: 4, arbitrary: fc.tuple(fc.constant('append'), log, text, limits) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('read'), log, fc.nat(8)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('drop'), log) },
    { weight: pauses.length === 0 ? 0 : 2, arbitrary: fc.tuple(fc.constant('pass'), fc.constantFrom(0, ...pauses)) },
  );
  return fc.array(call, { minLength: 30, maxLength: 80, size: 'max' });
}

/** What a store is to do, in the plainest way, beside one that does it. */
export class StateModel {
  readonly #store: StateStore;
  readonly #pass: (ms: number) => void;
  readonly #texts = new Map<string, ModelText>();
  readonly #logs = new Map<string, ModelLog>();
  readonly #versions = new Map<string, Set<number>>();
  #now = 0;

  constructor(store: StateStore, pass: (ms: number) => void) {
    this.#store = store;
    this.#pass = pass;
  }

  /** Does the same to both, and compares what they answer. */
  async run(call: ModelCall): Promise<void> {
    const [kind, name] = call;
    if (kind === 'put') await this.#put(call[1], call[2], call[3], call[4]);
    else if (kind === 'append') expect(await this.#store.append(call[1], call[2], call[3])).toBe(this.#append(call));
    else if (kind === 'read') expect(await this.#store.read(call[1], call[2])).toEqual(this.#read(call[1], call[2]));
    else if (kind === 'touch') {
      const there = this.#texts.get(call[1]);
      if (there !== undefined) there.endsAt = this.#now + call[2];
      expect(await this.#store.touch(call[1], call[2])).toBe(there !== undefined);
    } else if (kind === 'get') {
      const there = this.#texts.get(name as string);
      expect(await this.#store.get(call[1])).toEqual(there && { text: there.text, version: there.version });
    } else if (kind === 'delete') expect(await this.#store.delete(call[1])).toBe(this.#texts.delete(call[1]));
    else if (kind === 'count') expect(await this.#store.count(call[1])).toBe(this.#count(call[1]));
    else if (kind === 'drop') {
      this.#logs.delete(call[1]);
      await this.#store.drop(call[1]);
    } else this.#advance(Number(call[1]));
  }

  async #put(key: string, text: string, ttlMs: number, expects: Expects): Promise<void> {
    const there = this.#texts.get(key);
    const versions = this.#versions.get(key) ?? new Set();
    this.#versions.set(key, versions);
    const former = [...versions].findLast((version) => version !== there?.version);
    const versionOf = { any: undefined, none: 0, current: there?.version ?? 0, former: former ?? 5 };
    const expected = versionOf[expects];
    const within = withinOf(key);
    const outcome = await this.#store.put(key, text, {
      ttlMs,
      within,
      ...(expected === undefined ? {} : { expect: expected }),
    });
    if (expected !== undefined && expected !== (there?.version ?? 0)) return expect(outcome).toBe('conflict');
    const isFull = there === undefined && within.some(({ set, max }) => this.#count(set) >= max);
    if (isFull) return expect(outcome).toBe('full');
    expect(outcome).toEqual(expect.any(Number));
    expect(versions).not.toContain(outcome);
    versions.add(outcome as number);
    this.#texts.set(key, { text, version: outcome as number, endsAt: this.#now + ttlMs });
  }

  #count(set: string): number {
    return [...this.#texts.keys()].filter((key) => set === 'all' || key.startsWith(set)).length;
  }

  #append([, name, text, { ttlMs, maxEntries, maxLength }]: Extract<ModelCall, readonly ['append', ...unknown[]]>) {
    const log = this.#logs.get(name) ?? { texts: [], gone: 0, endsAt: 0 };
    this.#logs.set(name, log);
    log.texts.push(text);
    log.endsAt = this.#now + ttlMs;
    const kept = () => log.texts.slice(log.gone);
    while (kept().length > maxEntries || kept().join('').length > maxLength) log.gone++;
    return log.texts.length;
  }

  #read(name: string, after: number): LogPage {
    const { texts, gone } = this.#logs.get(name) ?? { texts: [], gone: 0 };
    const entries = texts.map((text, index) => ({ number: index + 1, text }));
    return {
      entries: entries.filter(({ number }) => number > Math.max(after, gone)),
      isWhole: after >= gone && after <= texts.length,
    };
  }

  #advance(ms: number): void {
    this.#now += ms;
    this.#pass(ms);
    for (const kept of [this.#texts, this.#logs])
      for (const [name, { endsAt }] of kept) if (endsAt <= this.#now) kept.delete(name);
  }
}
