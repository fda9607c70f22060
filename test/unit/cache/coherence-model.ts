import {
  END_OF_KEY,
  type Invalidation,
  type LoggedInvalidation,
  type Served,
  startOfKey,
} from '../../../src/cache/cache.ts';
import type { FakeClock } from '../../../src/testing/testing.ts';
import { FakeStore, type TierCall, type TierFate } from './fake-tier.ts';
import { type Instance, join, settle } from './instances.ts';

const PRINCIPALS = ['alice', 'bob', 'null', '","alice', undefined];
const ENTITIES = 3;

interface Place {
  readonly key: string;
  readonly owner: string | undefined;
  readonly entity: number;
}

const PLACES: readonly Place[] = PRINCIPALS.flatMap((owner) =>
  Array.from({ length: ENTITIES }, (_, entity) => ({ key: keyOf(owner, entity), owner, entity })),
);

function keyOf(principal: string | undefined, entity: number): string {
  return `${startOfKey({ kind: 'tool', name: `get${entity % 2}`, version: '1', form: 'modern', principal })}{"id":${entity}}${END_OF_KEY}`;
}

/** An invalidation that was asked for, and the versions of the database that it makes due. */
interface Claim {
  readonly kind: string;
  readonly value: string;
  readonly due: ReadonlyMap<string, number>;
  isLogged: boolean;
}

interface Side extends Instance {
  readonly claims: Claim[];
  /** By key: the oldest version that may still be read here. */
  readonly due: Map<string, number>;
}

/** What is done to the model, as data, so that a run that fails can be read. */
export type ModelCall =
  | readonly ['read' | 'put' | 'release', at: number, which: number]
  | readonly ['write' | 'finishComputing' | 'lose', which: number]
  | readonly ['rollBack', entries: number, isBackAtOnce: readonly boolean[]]
  | readonly ['invalidate' | 'change', at: number, which: number, how: number]
  | readonly ['setDatabase', isDown: boolean, isSlow: boolean]
  | readonly ['setFate', at: number, fate: TierFate, only: TierCall | undefined]
  | readonly ['connect' | 'deafen', at: number, is: boolean]
  | readonly ['missAll', at: number, which: number, how: number, what: number];

/** A database behind caches, and what each cache may still answer. */
export class CoherenceModel {
  readonly #versions = Array.from({ length: ENTITIES }, () => 0);
  readonly #clock: FakeClock;
  readonly #random: () => number;
  readonly #store: FakeStore;
  readonly #sides: Side[] = [];
  readonly #logged: Claim[] = [];
  readonly #gates: (() => void)[] = [];
  readonly #reads = new Set<Promise<void>>();
  readonly faults: string[] = [];
  #isDatabaseDown = false;
  #isSlow = false;
  reads = 0;
  hits = 0;

  constructor(clock: FakeClock, instances: number, random: () => number) {
    this.#clock = clock;
    this.#random = random;
    this.#store = new FakeStore(clock);
    this.#store.nextBase = this.#newBase();
    for (let n = 0; n < instances; n++) this.#add();
  }

  #newBase(): number {
    return 1_000_000 + Math.floor(this.#random() * 2 ** 50);
  }

  get open(): number {
    return this.#reads.size;
  }

  #add(): void {
    const instance = join(this.#store, this.#clock, { lruCacheSize: 8, earlyRefresh: 1 });
    const side: Side = { ...instance, claims: [], due: new Map() };
    const { tier } = instance;
    tier.onAppend = (invalidations) => {
      for (const one of invalidations) this.#log(side, one);
    };
    tier.onHeard = (entry) => this.#hear(side, entry);
    this.#sides.push(side);
  }

  #log(side: Side, { kind, value }: Invalidation): void {
    const same = side.claims.filter((claim) => claim.kind === kind && claim.value === value);
    const claim = same.find(({ isLogged }) => !isLogged) ??
      same.at(-1) ?? { kind, value, due: new Map(side.due), isLogged: true };
    claim.isLogged = true;
    this.#logged.push(claim);
  }

  #hear(side: Side, { kind, value }: LoggedInvalidation): void {
    for (const claim of this.#logged) if (claim.kind === kind && claim.value === value) raise(side.due, claim.due);
  }

  /** An instance that is in step, and whom nothing is kept from, knows of all that was logged. */
  #tellThoseInStep(): void {
    for (const side of this.#sides) {
      const { tier, cache } = side;
      if (!tier.isUp || tier.isDeaf || tier.held > 0 || cache.statistics().isRedisUsable !== true) continue;
      for (const claim of this.#logged) raise(side.due, claim.due);
    }
  }

  async run(call: ModelCall): Promise<void> {
    switch (call[0]) {
      case 'setDatabase':
        return this.setDatabase(call[1], call[2]);
      case 'setFate':
        return this.setFate(call[1], call[2], call[3]);
      case 'connect':
      case 'deafen':
        return this[call[0]](call[1], call[2]);
      case 'change':
        this.write(call[2]);
        return this.invalidate(call[1], call[2], call[3]);
      case 'invalidate':
        return this.invalidate(call[1], call[2], call[3]);
      case 'missAll':
        return this.missAll(call[1], call[2], call[3], call[4]);
      case 'write':
      case 'finishComputing':
      case 'lose':
        return this[call[0]](call[1]);
      case 'rollBack':
        return this.rollBack(call[1], call[2]);
      default:
        return this[call[0]](call[1], call[2]);
    }
  }

  /** One instance is cut off while another invalidates and the log is lost, or not. */
  async missAll(at: number, which: number, how: number, what: number): Promise<void> {
    this.read(at, which);
    await this.step(0);
    this.connect(at, false);
    this.write(which);
    this.invalidate(at + 1, which, how);
    await this.step(0);
    if (what < 5) this.lose(what);
    this.connect(at, true);
    await this.step(0);
    this.read(at, which);
  }

  read(at: number, which: number): void {
    const side = this.#side(at);
    const place = PLACES[which % PLACES.length] as Place;
    const due = side.due.get(place.key) ?? 0;
    const isDown = this.#isDatabaseDown;
    const life = { ttlMs: 400, staleMs: 150, staleIfErrorMs: 300 };
    this.reads++;
    const check = ({ text, from }: Served): void => {
      const { owner, entity, version } = JSON.parse(text);
      if (from !== 'computed') this.hits++;
      if (owner !== (place.owner ?? null) || entity !== place.entity)
        this.faults.push(`${place.key} was answered with ${text}`);
      if (version < due)
        this.faults.push(`${place.key} was answered with version ${version} from ${from}, due was ${due}`);
    };
    const peeked = side.cache.peek(place.key);
    if (peeked !== undefined) check({ text: peeked, from: 'memory', ttlMs: 0, note: undefined, isShared: true });
    const answer = side.cache.read(place.key, () => this.#compute(place), { tags: [`e:${place.entity}`], life });
    const settled: Promise<void> = answer
      .then(check, (error: unknown) => {
        if (!(error instanceof DatabaseDown)) this.faults.push(`${place.key} failed: ${error} (down: ${isDown})`);
      })
      .finally(() => this.#reads.delete(settled));
    this.#reads.add(settled);
  }

  async #compute({ owner, entity }: Place): Promise<{ text: string; isKept: boolean; isShared: boolean }> {
    const text = JSON.stringify({ owner: owner ?? null, entity, version: this.#versions[entity] });
    const isDown = this.#isDatabaseDown;
    if (this.#isSlow) await new Promise<void>((resolve) => this.#gates.push(resolve));
    if (isDown) throw new DatabaseDown();
    return { text, isKept: true, isShared: true };
  }

  write(which: number): void {
    const entity = which % ENTITIES;
    this.#versions[entity] = (this.#versions[entity] ?? 0) + 1;
  }

  invalidate(at: number, which: number, how: number): void {
    const side = this.#side(at);
    const place = PLACES[which % PLACES.length] as Place;
    const [one, concerned] = (
      [
        [{ kind: 'key', value: place.key }, ({ key }: Place) => key === place.key],
        [{ kind: 'tag', value: `e:${place.entity}` }, ({ entity }: Place) => entity === place.entity],
        [
          { kind: 'pattern', value: `tool:get${place.entity % 2}:*` },
          ({ entity }: Place) => entity % 2 === place.entity % 2,
        ],
      ] as const
    )[how % 3] as readonly [Invalidation, (place: Place) => boolean];
    const due = new Map(PLACES.filter(concerned).map(({ key, entity }) => [key, this.#versions[entity] ?? 0]));
    side.claims.push({ ...one, due, isLogged: false });
    raise(side.due, due);
    void side.cache.invalidate(one);
  }

  put(at: number, which: number): void {
    const side = this.#side(at);
    const { key, owner, entity } = PLACES[which % PLACES.length] as Place;
    const version = this.#versions[entity] ?? 0;
    const due = new Map([[key, version]]);
    side.claims.push({ kind: 'key', value: key, due, isLogged: false });
    raise(side.due, due);
    const text = JSON.stringify({ owner: owner ?? null, entity, version });
    void side.cache.put(key, text, [`e:${entity}`], { ttlMs: 400, staleMs: 150, staleIfErrorMs: 0 });
  }

  setDatabase(isDown: boolean, isSlow: boolean): void {
    this.#isDatabaseDown = isDown;
    this.#isSlow = isSlow;
  }

  finishComputing(count: number): void {
    for (const finish of this.#gates.splice(0, count)) finish();
  }

  setFate(at: number, fate: TierFate, only: string | undefined): void {
    this.#side(at).tier.fate = (call) => (only === undefined || call === only ? fate : 'answer');
  }

  release(at: number, index: number): void {
    const { tier } = this.#side(at);
    if (tier.held > 0) tier.release(index % tier.held);
  }

  connect(at: number, isUp: boolean): void {
    this.#side(at).tier.connect(isUp);
  }

  deafen(at: number, isDeaf: boolean): void {
    const { tier } = this.#side(at);
    tier.isDeaf = isDeaf;
    if (!isDeaf) tier.hear();
  }

  lose(what: number): void {
    const store = this.#store;
    store.nextBase = this.#newBase();
    store.nextStep = Math.floor(this.#random() * 2 ** 36);
    if (what % 5 === 0) store.flush();
    else if (what % 5 === 1) store.number = undefined;
    else if (what % 5 === 2) store.log = [];
    else if (what % 5 === 3) store.locks.clear();
    else for (const key of store.values.keys()) if (this.#random() < 0.5) store.values.delete(key);
  }

  /** The store comes back as it was some entries ago; who did not know of these is never told of them. */
  rollBack(count: number, isBackAtOnce: readonly boolean[]): void {
    const store = this.#store;
    for (const { tier } of this.#sides) tier.connect(false);
    const lost = Math.min(count, store.log.length);
    store.rollBack(lost);
    this.#logged.splice(this.#logged.length - Math.min(lost, this.#logged.length));
    for (const [at, { tier }] of this.#sides.entries()) if (isBackAtOnce[at] === true) tier.connect();
  }

  async step(ms: number): Promise<void> {
    if (ms > 0) this.#clock.advance(ms);
    await settle();
    this.#tellThoseInStep();
  }

  /** All is well again: every read must come to its end. */
  async heal(): Promise<void> {
    this.setDatabase(false, false);
    for (const { tier } of this.#sides) {
      tier.fate = () => 'answer';
      if (!tier.isUp) tier.connect();
      tier.isDeaf = false;
      tier.release();
      tier.hear();
    }
    for (let turn = 0; turn < 400 && (turn < 5 || this.open > 0 || !this.#areInStep()); turn++) {
      this.finishComputing(1_000);
      await this.step(50);
    }
    if (this.open > 0) this.faults.push(`${this.open} reads were never answered`);
    if (!this.#areInStep()) this.faults.push('the tier is not used again');
  }

  #areInStep(): boolean {
    return this.#sides.every(({ cache }) => cache.statistics().isRedisUsable === true);
  }

  #side(at: number): Side {
    return this.#sides[at % this.#sides.length] as Side;
  }
}

class DatabaseDown extends Error {}

function raise(due: Map<string, number>, by: ReadonlyMap<string, number>): void {
  for (const [key, version] of by) due.set(key, Math.max(due.get(key) ?? 0, version));
}
