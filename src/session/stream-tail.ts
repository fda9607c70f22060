import { type EventLog, type EventPlace, eventIdOf } from './event-log.ts';
import type { EventSink } from './event-stream.ts';

/** A client that came back to a stream: it gets what the log has, and what is added to it, whichever instance does that. */
export class StreamTail {
  readonly stream: string;
  readonly #log: EventLog;
  readonly #sink: EventSink;
  readonly #ended: (tail: StreamTail) => void;
  #last: number;
  #reading: Promise<void> | undefined;
  #isAsked = false;
  #isOver = false;

  constructor({ stream, number }: EventPlace, log: EventLog, sink: EventSink, ended: (tail: StreamTail) => void) {
    this.stream = stream;
    this.#last = number;
    this.#log = log;
    this.#sink = sink;
    this.#ended = ended;
    sink.onClose = () => this.#end();
    if (sink.closed) this.#end();
  }

  get key(): string {
    return this.#log.keyOf(this.stream);
  }

  /** Sends what is new. A log that is gone ends the stream; a store that is away is asked again later. */
  look(): Promise<void> {
    this.#isAsked = true;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Ends the answer. */
  finish(): void {
    if (this.#isOver) return;
    this.#sink.onClose = undefined;
    this.#sink.finish?.();
    this.#end();
  }

  async #read(): Promise<void> {
    while (this.#isAsked && !this.#isOver) {
      this.#isAsked = false;
      const events = await this.#log.read({ stream: this.stream, number: this.#last }).catch(() => []);
      if (events === undefined) return this.finish();
      for (const { number, mark, text } of events) {
        if (this.#isOver) return;
        this.#last = number;
        if (text !== '') this.#sink.notify(text, eventIdOf({ stream: this.stream, number }));
        if (mark === 'e') this.finish();
      }
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ended(this);
  }
}
