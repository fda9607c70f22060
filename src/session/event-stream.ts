import { type EventLog, type EventMark, eventIdOf } from './event-log.ts';

/** Where events go: an answer that is an event stream. */
export interface EventSink {
  readonly closed: boolean;
  /** Runs when the client leaves. */
  onClose: (() => void) | undefined;
  /** Begins the stream; the client may resume after this id. */
  open?(id: string | undefined, retryMs: number): void;
  notify(text: string, id?: string): void;
  /** Ends the stream as it is. */
  finish?(): void;
}

/** What a stream does beyond writing. */
export interface EventStreamParts {
  readonly log: EventLog;
  /** Whether the client knows events without data: they came with revision 2025-11-25. */
  readonly primes: boolean;
  readonly retryMs: number;
  /** Another answer may be reading this stream's log: there is more. */
  poke(): void;
  /** All has been written and logged. */
  ended(): void;
  /** Who runs the client's stream has left, or took another one. */
  detached(): void;
  fault(error: unknown): void;
}

/**
 * A stream of a session as the instance that makes its events has it: each is logged, then sent under its number. It outlives
 * the answer that carries it: what comes after that is logged alone.
 */
export class EventStream {
  readonly name: string;
  readonly #parts: EventStreamParts;
  #sink: EventSink | undefined;
  /** What is on its way to a store that answers later: events keep their order. */
  #queue: Promise<void> | undefined;
  #isWatched = false;
  #isOver = false;

  /** @param sink The answer that carries it; without one its events are logged alone. */
  constructor(name: string, sink: EventSink | undefined, parts: EventStreamParts) {
    this.name = name;
    this.#parts = parts;
    if (sink === undefined || sink.closed) return;
    this.#sink = sink;
    sink.onClose = () => this.#lose(sink);
  }

  /** Begins it on the wire. */
  open(): void {
    this.#send('o', '');
  }

  push(text: string): void {
    this.#send('m', text);
  }

  /** Ends it, with its last message if there is one. */
  end(text = ''): void {
    this.#send('e', text);
    this.#isOver = true;
  }

  /** Ends the answer that carries it, but not the stream: the client is to come back for the rest. */
  pause(): void {
    if (this.#queue === undefined) this.#drop();
    else void this.#queue.then(() => this.#drop());
  }

  /** Somebody else reads the log from now on. */
  handOver(): void {
    this.#isWatched = true;
    this.pause();
    this.#parts.poke(); // What was logged since that reader looked.
  }

  #drop(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    this.#sink = undefined;
    sink.onClose = undefined;
    sink.finish?.();
    this.#parts.detached();
  }

  #lose(sink: EventSink): void {
    if (this.#sink !== sink) return;
    this.#sink = undefined;
    this.#parts.detached();
  }

  #send(mark: EventMark, text: string): void {
    if (this.#isOver) return;
    if (this.#queue !== undefined) {
      this.#follow(this.#queue.then(() => this.#append(mark, text)));
      return;
    }
    const appended = this.#append(mark, text);
    if (appended !== undefined) this.#follow(appended);
  }

  #follow(step: Promise<void>): void {
    const queue = step.then(() => {
      if (this.#queue === queue) this.#queue = undefined;
    });
    this.#queue = queue;
  }

  /** Logs one event, then sends it. With the store away it is sent without a number: nobody can resume after it. */
  #append(mark: EventMark, text: string): Promise<void> | undefined {
    const { log, fault } = this.#parts;
    const failed = (error: unknown): void => {
      fault(error);
      this.#deliver(mark, text, undefined);
    };
    try {
      const number = log.append(this.name, mark, text);
      if (number instanceof Promise) return number.then((later) => this.#deliver(mark, text, later), failed);
      this.#deliver(mark, text, number);
    } catch (error) {
      failed(error);
    }
    return undefined;
  }

  #deliver(mark: EventMark, text: string, number: number | undefined): void {
    const { primes, retryMs, poke, ended } = this.#parts;
    const sink = this.#sink;
    const id = number === undefined ? undefined : eventIdOf({ stream: this.name, number });
    if (mark === 'o') sink?.open?.(primes ? id : undefined, retryMs);
    else if (text !== '') sink?.notify(text, id);
    if (sink === undefined || this.#isWatched) poke();
    if (mark !== 'e') return;
    this.#sink = undefined;
    sink?.finish?.();
    ended();
  }
}
