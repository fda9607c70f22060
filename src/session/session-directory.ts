import { randomBytes } from 'node:crypto';
import type { CancelTimer, Clock } from '../kernel/clock.ts';
import {
  type Awaitable,
  type MessageBus,
  type PutOptions,
  type StateStore,
  StateStoreError,
  type StoredText,
} from '../state/state.ts';
import { ErrorCode, ProtocolError } from '../wire/wire.ts';
import type { ClientRequests } from './client-requests.ts';
import { SessionGoneError, SessionsFullError } from './errors.ts';
import type { EventSink, EventStream } from './event-stream.ts';
import { littleByLittle } from './little-by-little.ts';
import { LiveSession, type SessionHome } from './live-session.ts';
import type { ResolvedSessions } from './options.ts';
import { readRecord, type SessionRecord, writeRecord } from './session-record.ts';
import { SessionStreams, type StreamNote } from './session-streams.ts';

export interface SessionDirectoryParts {
  readonly store: StateStore;
  readonly messages: MessageBus;
  readonly clock: Clock;
  readonly options: ResolvedSessions;
  readonly requests: ClientRequests;
  fault(error: unknown): void;
}

/** What instances tell each other of sessions. */
type Note = { readonly from: string } & (
  | StreamNote
  | { readonly kind: 'changed' | 'ended' | 'used'; readonly session: string }
  | { readonly kind: 'cancel'; readonly session: string; readonly request: string | number }
  | { readonly kind: 'needed' }
);

type NoteBody = Note extends infer N ? (N extends Note ? Omit<N, 'from'> : never) : never;

const CHANNEL = 'sessions';
const MAX_SWEEP_MS = 10_000;
/** How long a session's life is taken for granted. */
const MAX_TOUCH_MS = 5_000;
/** How many sessions an instance remembers. */
const MAX_REMEMBERED = 10_000;
/** A session that makes room for another one has not been used for so long. */
const IDLE_MS = 60_000;
/** How often the others are told of a session that is used here. */
const TELL_MS = 20_000;
/** How long the last words of a server that stops may be on their way to the store. */
const LAST_WORDS_MS = 1_000;
/** The version of no text. */
const NEVER = -1;
/** How often a change is tried anew that another instance was faster than. */
const MAX_TRIES = 8;

/**
 * The sessions of a server, kept in its store. An instance remembers those it saw, so that a request of one costs it next to
 * nothing; the bus says when one changed or ended elsewhere.
 */
export class SessionDirectory implements SessionHome {
  readonly streams: SessionStreams;
  readonly #parts: SessionDirectoryParts;
  readonly #ttlMs: number;
  readonly #touchMs: number;
  /** The one that was used least recently first. */
  readonly #live = new Map<string, LiveSession>();
  readonly #unsubscribe: () => void;
  #isNeeded = false;
  #notedAt = Number.NEGATIVE_INFINITY;
  #isKeeping = false;
  #cancelSweep: CancelTimer | undefined;

  constructor(parts: SessionDirectoryParts) {
    this.#parts = parts;
    const { store, messages, clock, options, fault } = parts;
    this.#ttlMs = options.idleTimeoutSeconds * 1_000;
    this.#touchMs = Math.min(MAX_TOUCH_MS, this.#ttlMs / 4);
    this.streams = new SessionStreams({ store, clock, options, fault, tell: (note) => this.#tell(note) });
    this.#unsubscribe = messages.subscribe(CHANNEL, (text) => this.#hear(JSON.parse(text) as Note));
  }

  /** It turned out that clients are asked, or told, something. */
  need(): void {
    if (this.#isNeeded) return;
    this.#isNeeded = true;
    this.#tell({ kind: 'needed' });
    this.#noteNeed();
  }

  /** Whether that turned out, here or in another instance, be it before this one began. @throws {StateStoreError} also later. */
  isNeeded(): Awaitable<boolean> {
    if (!this.#isNeeded)
      return after(this.#parts.store.get(NEEDED), (found) => {
        this.#isNeeded ||= found !== undefined;
        return this.#isNeeded;
      });
    if (this.#parts.clock.now() - this.#notedAt > NEED_NOTED_MS) this.#noteNeed();
    return true;
  }

  /** Has instances know that begin later. */
  #noteNeed(): void {
    this.#notedAt = this.#parts.clock.now();
    const noted = async (): Promise<unknown> => this.#parts.store.put(NEEDED, '1', { ttlMs: NEED_KEPT_MS });
    void noted().catch((error: unknown) => this.#parts.fault(error));
  }

  /** A session that is known to live without asking; nothing where that is not sure. HOT: each request of a session. */
  peek(id: string, principal: string | undefined): LiveSession | undefined {
    const live = this.#live.get(id);
    if (live === undefined || live.principal !== principal || live.storeVersion === 0) return undefined;
    return this.#parts.clock.now() - live.touchedAt <= this.#touchMs ? live : undefined;
  }

  /** Finds a session, and keeps it from ending. @throws {StateStoreError} also later. */
  find(id: string, principal: string | undefined): Awaitable<LiveSession | undefined> {
    const known = this.peek(id, principal);
    if (known !== undefined) return known;
    const live = this.#live.get(id);
    const { store } = this.#parts;
    if (live === undefined || live.storeVersion === 0)
      return after(store.get(keyOf(id)), (stored) => this.#loaded(id, principal, stored));
    if (live.principal !== principal) return undefined;
    return after(store.touch(keyOf(id), this.#ttlMs), (isThere) => this.#touched(live, isThere));
  }

  /** Begins a session. @throws {SessionsFullError} @throws {StateStoreError} @throws {RangeError} when it says too much of itself. */
  async create(record: SessionRecord): Promise<LiveSession> {
    const id = randomBytes(24).toString('base64url');
    const { options, clock } = this.#parts;
    const { principal } = record;
    const named = principal === undefined || principal === '' ? [] : [principal];
    const within = [
      { set: 'sessions', max: options.maxSessions },
      ...named.map((name) => ({ set: `sessions:${name}`, max: options.maxPerPrincipal })),
    ];
    let version = await this.#put(id, record, { ttlMs: this.#ttlMs, expect: 0, within });
    if (version === 'full' && !(await this.#hasAll(named)) && (await this.#makeRoom()))
      version = await this.#put(id, record, { ttlMs: this.#ttlMs, expect: 0, within });
    if (typeof version !== 'number') throw new SessionsFullError();
    const live = new LiveSession(this, { id, record, version, now: clock.now() });
    this.#remember(live);
    return live;
  }

  /** Ends a session everywhere. @returns Whether it was there. */
  async end(session: LiveSession): Promise<boolean> {
    const wasThere = await this.#parts.store.delete(keyOf(session.id));
    this.#ended(session);
    this.#tell({ kind: 'ended', session: session.id });
    return wasThere;
  }

  openStream(session: LiveSession, sink: EventSink): EventStream {
    return this.streams.begin(session, sink);
  }

  /** Changes what is kept. @throws {SessionGoneError} @throws {SessionsFullError} @throws {RangeError} when it becomes too long. */
  update(session: LiveSession, change: (record: SessionRecord) => SessionRecord): Promise<void> {
    const changed = (session.changing ?? Promise.resolve()).then(() => this.#change(session, change));
    const settled = changed
      .catch(() => {})
      .then(() => {
        if (session.changing === settled) session.changing = undefined;
      });
    session.changing = settled;
    return changed;
  }

  async #change(session: LiveSession, change: (record: SessionRecord) => SessionRecord): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const record = change(session.record);
      if (record === session.record) return;
      const expect = session.storeVersion || NEVER; // One that may have ended does not begin anew.
      const outcome = await this.#put(session.id, record, { ttlMs: this.#ttlMs, expect });
      if (typeof outcome === 'number') {
        session.apply(record, outcome);
        this.#tell({ kind: 'changed', session: session.id });
        return;
      }
      if (outcome === 'full') throw new SessionsFullError();
      const stored = await this.#parts.store.get(keyOf(session.id));
      if (stored === undefined) {
        this.#ended(session);
        throw new SessionGoneError();
      }
      session.apply(readRecord(stored.text), stored.version);
    }
    throw new StateStoreError('other instances change the session all the time');
  }

  /** Cancels a request, wherever it runs. */
  cancel(session: LiveSession, request: string | number): void {
    if (!session.cancel(request)) this.#tell({ kind: 'cancel', session: session.id, request });
  }

  /**
   * Lets answers be written to their end, for clients that come back for them to another instance. Those that are not by the
   * deadline say so: nobody is to wait for them.
   */
  async finish(deadline: Promise<void>): Promise<void> {
    const { store, clock } = this.#parts;
    if (store.kind === 'memory') return; // It ends with this process.
    const written = this.streams.written().then(() => false);
    if (!(await Promise.race([written, deadline.then(() => true)]))) return;
    const error = new ProtocolError(ErrorCode.InternalError, 'The server stopped before this was done');
    for (const live of [...this.#live.values()]) live.failAll(error);
    const { promise: isLate, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(LAST_WORDS_MS, resolve);
    await Promise.race([written, isLate]);
    cancel();
  }

  close(): void {
    this.streams.close();
    this.#unsubscribe();
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #put(id: string, record: SessionRecord, options: PutOptions): ReturnType<StateStore['put']> {
    const text = writeRecord(record);
    if (text === undefined) throw new RangeError('there is too much to remember of this session');
    return this.#parts.store.put(keyOf(id), text, options);
  }

  #loaded(
    id: string,
    principal: string | undefined,
    stored: StoredText | undefined,
  ): Awaitable<LiveSession | undefined> {
    const there = this.#live.get(id);
    if (stored === undefined) {
      if (there !== undefined) this.#ended(there);
      return undefined;
    }
    const record = readRecord(stored.text);
    const { version } = stored;
    if (there !== undefined) there.apply(record, version);
    const live = there ?? new LiveSession(this, { id, record, version, now: Number.NEGATIVE_INFINITY });
    if (live.principal !== principal) return undefined;
    return after(this.#parts.store.touch(keyOf(id), this.#ttlMs), (isThere) => this.#touched(live, isThere));
  }

  #touched(live: LiveSession, isThere: boolean): LiveSession | undefined {
    if (!isThere) {
      this.#ended(live);
      return undefined;
    }
    const known = this.#live.get(live.id) ?? live; // Another request may have loaded it meanwhile.
    if (known.isOver) return undefined;
    this.#used(known);
    if (known.touchedAt - known.toldAt < TELL_MS) return known;
    known.toldAt = known.touchedAt;
    this.#tell({ kind: 'used', session: known.id });
    return known;
  }

  #used(live: LiveSession): void {
    live.touchedAt = this.#parts.clock.now();
    this.#remember(live);
  }

  #remember(live: LiveSession): void {
    this.#live.delete(live.id);
    this.#live.set(live.id, live);
    this.#cancelSweep ??= this.#parts.clock.every(Math.min(MAX_SWEEP_MS, this.#ttlMs / 4), () => this.#sweep());
    if (this.#live.size <= MAX_REMEMBERED) return;
    for (const [id, other] of this.#live) {
      if (other.isBusy) continue;
      this.#live.delete(id);
      return;
    }
  }

  /** Whether a principal has as many as it may: others make no room for it. */
  async #hasAll([name]: readonly string[]): Promise<boolean> {
    const { store, options } = this.#parts;
    return name !== undefined && (await store.count(`sessions:${name}`)) >= options.maxPerPrincipal;
  }

  /** Ends the session that was used least recently of those that nothing goes on in. */
  async #makeRoom(): Promise<boolean> {
    const latest = this.#parts.clock.now() - IDLE_MS;
    for (const live of this.#live.values()) {
      if (live.touchedAt > latest) return false;
      if (!live.isBusy) return this.end(live);
    }
    return false;
  }

  #ended(session: LiveSession): void {
    session.isOver = true;
    this.#live.delete(session.id);
    session.cancelAll();
    this.#parts.requests.leave(session.id);
    this.streams.end(session);
  }

  #sweep(): void {
    const now = this.#parts.clock.now();
    this.streams.sweep(now);
    const busy: LiveSession[] = [];
    for (const live of [...this.#live.values()]) {
      if (live.isBusy) busy.push(live);
      else if (now - live.touchedAt > this.#ttlMs) this.#live.delete(live.id);
    }
    void this.#keepAll(busy);
    if (this.#live.size > 0 || this.streams.open > 0) return;
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  async #keepAll(busy: readonly LiveSession[]): Promise<void> {
    if (this.#isKeeping) return; // The store is slow: it gets no second round at once.
    this.#isKeeping = true;
    await littleByLittle(busy, (live) => this.#keep(live));
    this.#isKeeping = false;
  }

  /** A session in which something goes on does not end. */
  async #keep(live: LiveSession): Promise<void> {
    try {
      this.#touched(live, await this.#parts.store.touch(keyOf(live.id), this.#ttlMs));
      await this.streams.keep(live);
    } catch (error) {
      this.#parts.fault(error);
    }
  }

  #tell(note: NoteBody): void {
    const { messages } = this.#parts;
    messages.publish(CHANNEL, JSON.stringify({ ...note, from: messages.instance }));
  }

  #hear(note: Note): void {
    if ('key' in note || 'claim' in note) this.streams.hear(note);
    if (note.from === this.#parts.messages.instance) return;
    if (note.kind === 'needed') this.#isNeeded = true;
    const live = 'session' in note ? this.#live.get(note.session) : undefined;
    if (live === undefined) return;
    if (note.kind === 'ended') this.#ended(live);
    else if (note.kind === 'used') this.#used(live);
    else if (note.kind === 'cancel') live.cancel(note.request);
    else if (note.kind === 'changed') this.#changed(live);
  }

  /** What goes on here is to go by what the session wants now. */
  #changed(live: LiveSession): void {
    live.storeVersion = 0;
    if (!live.isBusy) return;
    void (async () => this.find(live.id, live.principal))().catch((error: unknown) => this.#parts.fault(error));
  }
}

/** Goes on with a value, at once where it is there. */
function after<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Where it stands that sessions are needed; noted again after an hour, so that it is known as long as somebody needs it. */
const NEEDED = 'sessions-needed';
const NEED_NOTED_MS = 3_600_000;
const NEED_KEPT_MS = 24 * NEED_NOTED_MS;

function keyOf(id: string): string {
  return `session:${id}`;
}
