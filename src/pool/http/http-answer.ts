import type { AnswerReader } from './http-call.ts';
import { HttpPoolError } from './http-errors.ts';
import type { HeaderMap } from './transport.ts';

/** A whole answer. */
export class HttpAnswer {
  readonly status: number;
  /** Names in lower case; a header that was repeated has several values. */
  readonly headers: HeaderMap;
  readonly #origin: string;
  readonly #chunks: readonly Uint8Array[];

  constructor(status: number, headers: HeaderMap, chunks: readonly Uint8Array[], origin: string) {
    this.status = status;
    this.headers = headers;
    this.#chunks = chunks;
    this.#origin = origin;
  }

  /** Whether the status is one of success, 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The body as it came: `Content-Encoding` is not undone. */
  bytes(): Buffer {
    const [first] = this.#chunks;
    if (first === undefined || this.#chunks.length > 1) return Buffer.concat(this.#chunks);
    return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  }

  /** The body as UTF-8. */
  text(): string {
    const text = this.bytes().toString();
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  /** @throws {HttpPoolError} `HTTP_PROTOCOL` when the body is not JSON. */
  json(): unknown {
    try {
      return JSON.parse(this.text());
    } catch (cause) {
      throw new HttpPoolError('HTTP_PROTOCOL', this.#origin, { detail: 'it is not JSON', cause });
    }
  }
}

/** Collects an answer and settles a promise with it. */
export class AnswerCollector implements AnswerReader {
  readonly #origin: string;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: HttpPoolError) => void;
  readonly #chunks: Uint8Array[] = [];
  #status = 0;
  #headers: HeaderMap = {};

  constructor(origin: string, resolve: (answer: HttpAnswer) => void, reject: (error: HttpPoolError) => void) {
    this.#origin = origin;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  head(status: number, headers: HeaderMap): void {
    this.#status = status;
    this.#headers = headers;
  }

  data(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk);
    return true;
  }

  ended(): void {
    this.#resolve(new HttpAnswer(this.#status, this.#headers, this.#chunks, this.#origin));
  }

  failed(error: HttpPoolError): void {
    this.#reject(error);
  }
}
