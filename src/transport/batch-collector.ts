import type { Exchange } from './exchange.ts';

/** Collects the answers of a batch: they leave together, in the order in which they came. */
export class BatchCollector {
  readonly #exchange: Exchange;
  readonly #answers: string[] = [];
  readonly #decoder = new TextDecoder();
  #missing: number;

  constructor(exchange: Exchange, size: number) {
    this.#exchange = exchange;
    this.#missing = size;
  }

  /** The exchange of one request of the batch. */
  member(): Exchange {
    const outer = this.#exchange;
    return {
      head: outer.head,
      get closed() {
        return outer.closed;
      },
      onClose: undefined,
      canStream: outer.canStream,
      notify: (text) => outer.notify(text),
      respond: (_status, text, bytes) => this.#add(bytes === undefined ? text : text + this.#decoder.decode(bytes)),
      abandon: () => this.#add(undefined),
    };
  }

  #add(answer: string | undefined): void {
    if (answer !== undefined) this.#answers.push(answer);
    if (--this.#missing > 0) return;
    if (this.#answers.length > 0) this.#exchange.respond(200, `[${this.#answers.join(',')}]`);
    else if (this.#exchange.abandon !== undefined) this.#exchange.abandon();
    else this.#exchange.respond(202, ''); // All were cancelled, and HTTP must have an answer.
  }
}
