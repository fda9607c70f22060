import { randomBytes } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import type { StateStore } from '../state/state.ts';
import { SessionsFullError } from './errors.ts';
import { EventLog, type EventPlace } from './event-log.ts';
import { type EventSink, EventStream } from './event-stream.ts';
import type { LiveSession } from './live-session.ts';
import type { ResolvedSessions } from './options.ts';
import { StreamTail } from './stream-tail.ts';

/** What instances tell each other of streams. */
export type StreamNote =
  /** A stream has new events that other answers may be waiting for. */
  | { readonly kind: 'poke'; readonly key: string }
  /** Another answer carries a stream from now on. */
  | { readonly kind: 'taken'; readonly key: string; readonly by: string };

export interface SessionStreamsParts {
  readonly store: StateStore;
  readonly clock: Clock;
  readonly options: ResolvedSessions;
  tell(note: StreamNote): void;
  fault(error: unknown): void;
}

/** The stream of what no request asked for. */
export const GET_STREAM = 'get';
/** Since this revision clients know events without data. */
const FIRST_PRIMED = '2025-11-25';
/** Ended streams of one session that can be resumed. */
const MAX_ENDED = 32;
/** How long the claim to a GET stream outlives its instance. */
const CLAIM_MS = 30_000;

interface Listening {
  readonly session: LiveSession;
  readonly stream: EventStream;
  readonly claim: string;
  /** Since when no answer carries it. */
  alone: number | undefined;
}

/** The streams of sessions in this instance: those that it writes, and those that clients came back to here. */
export class SessionStreams {
  readonly #parts: SessionStreamsParts;
  readonly #written = new Map<string, EventStream>();
  readonly #listening = new Map<LiveSession, Listening>();
  readonly #tails = new Map<StreamTail, { readonly id: string; readonly session: LiveSession }>();

  constructor(parts: SessionStreamsParts) {
    this.#parts = parts;
  }

  /** Answers that are event streams of a session just now, or may be again. */
  get open(): number {
    return this.#written.size + this.#tails.size;
  }

  /** Begins the stream of a request's answer. */
  begin(session: LiveSession, sink: EventSink): EventStream {
    const name = randomBytes(12).toString('hex');
    const stream = this.#create(session, name, sink, () => {});
    stream.open();
    return stream;
  }

  /** Begins the GET stream. @returns False while the session has one. @throws {SessionsFullError} */
  async listen(session: LiveSession, sink: EventSink): Promise<boolean> {
    const claim = randomBytes(9).toString('hex');
    const claimed = await this.#parts.store.put(claimKeyOf(session), claim, { ttlMs: CLAIM_MS, expect: 0 });
    if (claimed === 'full') throw new SessionsFullError();
    if (claimed === 'conflict') return false;
    this.#parts.tell({ kind: 'taken', key: this.#logOf(session).keyOf(GET_STREAM), by: claim });
    this.#listen(session, sink, claim).open();
    if (sink.closed) this.#leave(session, claim); // While the store was asked.
    return true;
  }

  /** Goes on with a stream after an event. @returns False for an event that is not known, or not any more. */
  async resume(session: LiveSession, sink: EventSink, place: EventPlace): Promise<boolean> {
    const log = this.#logOf(session);
    const state = await log.stateAfter(place);
    if (state === 'unknown') return false;
    sink.open?.(undefined, this.#parts.options.retryMs);
    if (state === 'over') sink.finish?.();
    if (state === 'over' || sink.closed) return true;
    const id = randomBytes(9).toString('hex');
    const isGet = place.stream === GET_STREAM;
    const tail = new StreamTail(place, log, sink, (ended) => {
      this.#tails.delete(ended);
      if (isGet) this.#leave(session, id);
    });
    this.#tails.set(tail, { id, session });
    this.#parts.tell({ kind: 'taken', key: tail.key, by: id });
    if (isGet) {
      // This instance writes it from now on, and the client reads what is written as it would that of another one.
      this.#listen(session, undefined, id);
      this.#quietly(() => this.#parts.store.put(claimKeyOf(session), id, { ttlMs: CLAIM_MS }));
    }
    await tail.look();
    return true;
  }

  /** Ends the streams that would never end by themselves: their clients come back elsewhere. */
  close(): void {
    for (const { stream } of [...this.#listening.values()]) stream.pause();
    for (const tail of [...this.#tails.keys()]) tail.finish();
  }

  /** Sends a notification on the GET streams of the sessions that want it. */
  announce(text: string, wants: (session: LiveSession) => boolean): void {
    for (const { session, stream } of this.#listening.values()) if (wants(session)) stream.push(text);
  }

  hear(note: StreamNote): void {
    for (const [tail, { id }] of [...this.#tails]) {
      if (tail.key !== note.key) continue;
      if (note.kind === 'poke') void tail.look();
      else if (note.by !== id) tail.finish();
    }
    if (note.kind === 'poke') return;
    const stream = this.#written.get(note.key);
    if (stream?.name === GET_STREAM) this.#forgetListening(note.key, note.by);
    else stream?.handOver();
  }

  /** A session has ended, and all its streams with it. */
  end(session: LiveSession): void {
    const log = this.#logOf(session);
    const names = [...(session.streams?.keys() ?? []), ...(session.endedStreams ?? [])];
    for (const stream of [...(session.streams?.values() ?? [])]) stream.end();
    for (const [tail, { session: its }] of [...this.#tails]) if (its.id === session.id) tail.finish();
    this.#listening.delete(session);
    this.#release(session, undefined);
    for (const name of names) this.#quietly(() => log.drop(name));
  }

  /** Keeps what is open, and forgets what nobody came back to. */
  sweep(now: number): void {
    const { store, options } = this.#parts;
    for (const listening of [...this.#listening.values()]) {
      const { session, stream, alone } = listening;
      if (alone === undefined) this.#quietly(() => store.touch(claimKeyOf(session), CLAIM_MS));
      else if (now - alone > options.eventTtlSeconds * 1_000) this.#remove(session, stream);
    }
    for (const tail of [...this.#tails.keys()]) void tail.look();
  }

  #listen(session: LiveSession, sink: EventSink | undefined, claim: string): EventStream {
    const stream = this.#create(session, GET_STREAM, sink, () => this.#leave(session, claim));
    this.#listening.set(session, { session, stream, claim, alone: undefined });
    return stream;
  }

  /** The client of a GET stream has left. */
  #leave(session: LiveSession, claim: string): void {
    const listening = this.#listening.get(session);
    if (listening?.claim === claim) listening.alone = this.#parts.clock.now();
    this.#release(session, claim);
  }

  /** Another answer carries a GET stream, in this instance or another one. */
  #forgetListening(key: string, by: string): void {
    for (const { session, stream, claim } of this.#listening.values()) {
      if (this.#logOf(session).keyOf(GET_STREAM) !== key || claim === by) continue;
      stream.pause();
      this.#remove(session, stream);
      return;
    }
  }

  #create(session: LiveSession, name: string, sink: EventSink | undefined, detached: () => void): EventStream {
    const { options, tell, fault } = this.#parts;
    const log = this.#logOf(session);
    const key = log.keyOf(name);
    const stream: EventStream = new EventStream(name, sink, {
      ...{ log, fault, detached, retryMs: options.retryMs },
      primes: session.version >= FIRST_PRIMED,
      poke: () => tell({ kind: 'poke', key }),
      ended: () => this.#remove(session, stream),
    });
    session.streams ??= new Map();
    session.streams.set(name, stream);
    this.#written.set(key, stream);
    return stream;
  }

  #remove(session: LiveSession, stream: EventStream): void {
    const { name } = stream;
    const log = this.#logOf(session);
    if (session.streams?.get(name) === stream) session.streams.delete(name);
    if (this.#written.get(log.keyOf(name)) === stream) this.#written.delete(log.keyOf(name));
    if (this.#listening.get(session)?.stream === stream) this.#listening.delete(session);
    if (name === GET_STREAM) return;
    session.endedStreams ??= [];
    session.endedStreams.push(name);
    const oldest = session.endedStreams.length > MAX_ENDED ? session.endedStreams.shift() : undefined;
    if (oldest !== undefined) this.#quietly(() => log.drop(oldest));
  }

  /** Lets another GET stream begin; a claim that somebody else has by now is left alone. */
  #release(session: LiveSession, claim: string | undefined): void {
    const { store } = this.#parts;
    const key = claimKeyOf(session);
    this.#quietly(async () => {
      if (claim === undefined || (await store.get(key))?.text === claim) await store.delete(key);
    });
  }

  #logOf(session: LiveSession): EventLog {
    const { store, options } = this.#parts;
    const { eventTtlSeconds, maxEvents, maxEventChars } = options;
    const limits = { ttlMs: eventTtlSeconds * 1_000, maxEntries: maxEvents, maxLength: maxEventChars };
    return new EventLog(session.id, store, limits);
  }

  /** What ends by itself in any case is not worth more than a word to the operator. */
  #quietly(work: () => unknown): void {
    void (async () => work())().catch((error: unknown) => this.#parts.fault(error));
  }
}

function claimKeyOf({ id }: LiveSession): string {
  return `session-get:${id}`;
}
