import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import type { AnswerReader, AnswerSource } from './http-call.ts';
import { HttpPoolError } from './http-errors.ts';
import type { HeaderMap } from './transport.ts';

/** A decoder by the name of the coding; it may look at the first bytes, for `deflate` is used for two formats. */
const DECODERS: Readonly<Record<string, (first: Uint8Array) => Transform>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  br: () => createBrotliDecompress(),
  deflate: (first) => (((first[0] ?? 0) & 0x0f) === 0x08 ? createInflate() : createInflateRaw()),
};

/** Undoes `Content-Encoding` on the way to a reader. The limit holds for what comes out, against bombs. */
export class Decoder implements AnswerReader, AnswerSource {
  readonly #reader: AnswerReader;
  readonly #origin: string;
  readonly #maxBytes: number;
  #coding = '';
  #source: AnswerSource | undefined;
  #transform: Transform | undefined;
  #bytes = 0;
  #isOver = false;

  constructor(reader: AnswerReader, origin: string, maxBytes: number) {
    this.#reader = reader;
    this.#origin = origin;
    this.#maxBytes = maxBytes;
  }

  head(status: number, headers: HeaderMap, source: AnswerSource): void {
    const coding = headers['content-encoding'];
    if (typeof coding === 'string') this.#coding = coding.trim().toLowerCase();
    this.#source = source;
    this.#reader.head(status, headers, this);
  }

  data(chunk: Uint8Array): boolean {
    this.#transform ??= Object.hasOwn(DECODERS, this.#coding) ? this.#start(chunk) : undefined;
    return this.#transform?.write(chunk) ?? this.#reader.data(chunk);
  }

  ended(): void {
    if (this.#transform === undefined) this.#reader.ended();
    else this.#transform.end();
  }

  failed(error: HttpPoolError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#transform?.destroy();
    this.#reader.failed(error);
  }

  resume(): void {
    if (this.#transform === undefined) this.#source?.resume();
    else this.#transform.resume();
  }

  cancel(error?: HttpPoolError): void {
    this.#isOver = true;
    this.#transform?.destroy();
    this.#source?.cancel(error);
  }

  #start(first: Uint8Array): Transform {
    const transform = (DECODERS[this.#coding] as (first: Uint8Array) => Transform)(first);
    transform.on('data', (decoded: Buffer) => {
      this.#bytes += decoded.length;
      if (this.#bytes > this.#maxBytes) {
        const detail = `more than ${this.#maxBytes} bytes`;
        this.#stop(new HttpPoolError('HTTP_RESPONSE_TOO_LARGE', this.#origin, { detail }));
      } else if (!this.#reader.data(decoded)) transform.pause();
    });
    transform.on('drain', () => this.#source?.resume());
    transform.on('end', () => {
      if (!this.#isOver) this.#reader.ended();
    });
    transform.on('error', (cause) => {
      this.#stop(new HttpPoolError('HTTP_PROTOCOL', this.#origin, { detail: `bad ${this.#coding}`, cause }));
    });
    return transform;
  }

  #stop(error: HttpPoolError): void {
    this.failed(error);
    this.#source?.cancel(error);
  }
}
