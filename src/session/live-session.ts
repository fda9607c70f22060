import type { ClientCapabilities, Implementation, LogLevel } from '../wire/wire.ts';
import type { Answerer } from './client-requests.ts';
import type { EventSink, EventStream } from './event-stream.ts';
import type { SessionRecord } from './session-record.ts';

/** A running request that its client may cancel. */
export interface Cancellable {
  cancel(): void;
}

/** What a session asks of the directory that it is in. */
export interface SessionHome {
  openStream(session: LiveSession, sink: EventSink): EventStream;
  update(session: LiveSession, change: (record: SessionRecord) => SessionRecord): Promise<void>;
}

/** A session as this instance knows it. */
export class LiveSession implements Answerer {
  readonly id: string;
  /** When it was last known to live. */
  touchedAt: number;
  /** The version of its record in the store; 0 when the record may be another one now. */
  storeVersion: number;
  /** Streams that this instance writes, by their names. */
  streams: Map<string, EventStream> | undefined;
  /** Streams that have ended and can still be resumed. */
  endedStreams: string[] | undefined;
  readonly #home: SessionHome;
  #record: SessionRecord;
  #watched: Set<string> | undefined;
  #running: Map<string | number, Cancellable> | undefined;

  constructor(
    home: SessionHome,
    { id, record, version, now }: { id: string; record: SessionRecord; version: number; now: number },
  ) {
    this.#home = home;
    this.id = id;
    this.#record = record;
    this.storeVersion = version;
    this.touchedAt = now;
  }

  get owner(): string {
    return this.id;
  }
  get principal(): string | undefined {
    return this.#record.principal;
  }
  get version(): string {
    return this.#record.version;
  }
  get info(): Implementation | undefined {
    return this.#record.info;
  }
  get capabilities(): ClientCapabilities {
    return this.#record.capabilities;
  }
  get logLevel(): LogLevel | undefined {
    return this.#record.logLevel;
  }
  get record(): SessionRecord {
    return this.#record;
  }

  /** Whether something goes on in it here. */
  get isBusy(): boolean {
    return (this.streams?.size ?? 0) + (this.#running?.size ?? 0) > 0;
  }

  watches(uri: string): boolean {
    this.#watched ??= new Set(this.#record.watched);
    return this.#watched.has(uri);
  }

  /** Takes over what the store has. */
  apply(record: SessionRecord, version: number): void {
    this.#record = record;
    this.#watched = undefined;
    this.storeVersion = version;
  }

  openStream(sink: EventSink): EventStream {
    return this.#home.openStream(this, sink);
  }

  setLevel(logLevel: LogLevel): Promise<void> {
    return this.#home.update(this, (record) => ({ ...record, logLevel }));
  }

  watch(uri: string): Promise<void> {
    return this.#home.update(this, (record) =>
      record.watched.includes(uri) ? record : { ...record, watched: [...record.watched, uri] },
    );
  }

  unwatch(uri: string): Promise<void> {
    return this.#home.update(this, (record) => ({ ...record, watched: record.watched.filter((one) => one !== uri) }));
  }

  /** A request goes on. @returns What tells that it is over. */
  started(id: string | number, request: Cancellable): () => void {
    this.#running ??= new Map();
    const running = this.#running;
    running.set(id, request);
    return () => {
      if (running.get(id) === request) running.delete(id);
    };
  }

  /** Cancels a request of this instance. @returns Whether there was one. */
  cancel(id: string | number): boolean {
    const request = this.#running?.get(id);
    request?.cancel();
    return request !== undefined;
  }

  /** It has ended: whatever goes on in it is of no use. */
  cancelAll(): void {
    for (const request of [...(this.#running?.values() ?? [])]) request.cancel();
  }
}
