/** What an {@link EventStreamReader} tells. */
export interface EventStreamEvents {
  /** The data of one event, never empty. */
  data(text: string): void;
  /** An event exceeded the limit; the stream cannot be read on. */
  tooLong(): void;
}

/** Reads an event stream (`text/event-stream`) in pieces. Only the data of events counts here. */
export class EventStreamReader {
  readonly #maxLength: number;
  readonly #events: EventStreamEvents;
  readonly #decoder = new TextDecoder();
  /** Pieces of a line whose end has not come; joined once, when it does. */
  #pieces: string[] = [];
  #length = 0;
  #data: string[] = [];
  #afterReturn = false;
  #broken = false;

  /** @param maxLength The longest event, in characters. */
  constructor(maxLength: number, events: EventStreamEvents) {
    this.#maxLength = maxLength;
    this.#events = events;
  }

  push(chunk: Uint8Array): void {
    const text = this.#decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let at = 0; at < text.length && !this.#broken; at++) {
      const char = text.charCodeAt(at);
      if (char !== 10 && char !== 13) continue;
      const isSecondHalf = char === 10 && this.#afterReturn && at === from && this.#pieces.length === 0;
      this.#afterReturn = char === 13;
      if (!isSecondHalf) this.#line(text.slice(from, at));
      from = at + 1;
    }
    if (from < text.length) {
      this.#afterReturn = false;
      this.#count(text.length - from);
      this.#pieces.push(text.slice(from));
    }
  }

  #line(end: string): void {
    this.#count(end.length);
    const line = this.#pieces.length === 0 ? end : this.#pieces.join('') + end;
    this.#pieces = [];
    if (line === '') {
      const data = this.#data.join('\n');
      this.#data = [];
      this.#length = 0;
      if (data !== '' && !this.#broken) this.#events.data(data);
    } else if (line.startsWith('data:')) {
      this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
    }
  }

  #count(length: number): void {
    this.#length += length;
    if (this.#length <= this.#maxLength || this.#broken) return;
    this.#broken = true;
    this.#events.tooLong();
  }
}
