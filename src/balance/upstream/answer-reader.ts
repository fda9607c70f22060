import { HeadMemo, latin1, owned } from '../../transport/transport.ts';
import { type AnswerHead, AnswerHeaders, checkTrailer, parseAnswerHead } from './answer-head.ts';
import type { UpstreamHeaders } from './upstream-call.ts';

/** Hears what an {@link AnswerReader} reads. It may pause or stop the reader from any of these. */
export interface AnswerReceiver {
  head(status: number, headers: UpstreamHeaders): void;
  data(chunk: Buffer): void;
  /** @param reusable Whether another request may follow on the connection. */
  ended(head: AnswerHead, reusable: boolean): void;
  /** The bytes are no answer, or there was none to come. The reader has stopped. */
  bad(reason: string): void;
  /** The connection ended, and no answer with it. */
  cut(): void;
}

type Phase = 'idle' | 'head' | 'length' | 'close' | 'size' | 'chunk' | 'chunk-end' | 'trailer' | 'stopped';

/** The line before a chunk: its size, and extensions, which mean nothing to us. */
const CHUNK_LINE =
  /^([\da-f]{1,12})(?:;[!#$%&'*+\-.^_`|~\da-z]+(?:=(?:[!#$%&'*+\-.^_`|~\da-z]+|"[\t !#-[\]-~]*"))?)*$/i;
const MAX_CHUNK_LINE = 1_024;
const MAX_INTERIM = 16;
const EMPTY = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;
/** A step's answer where it needs more bytes than there are. */
const MORE = -1;

/**
 * Reads the answers on one connection, in whatever pieces the bytes come.
 *
 * HOT: an answer whose header block repeats the one before is told by a comparison, and its body is a view of what was
 * read; guarded by `npm run bench -- scale`.
 */
export class AnswerReader {
  readonly #receiver: AnswerReceiver;
  readonly #maxHeaderBytes: number;
  readonly #memo = new HeadMemo<AnswerHead>();
  #phase: Phase = 'idle';
  #head: AnswerHead | undefined;
  /** What came and cannot be used yet. */
  #held: Buffer | undefined;
  /** Of the body or of the chunk. */
  #left = 0;
  #interim = 0;
  #reading = false;
  #paused = false;
  #inputOver = false;

  constructor(receiver: AnswerReceiver, maxHeaderBytes: number) {
    this.#receiver = receiver;
    this.#maxHeaderBytes = maxHeaderBytes;
  }

  /** Whether an answer is to come of which the head is not there. */
  get awaitsHead(): boolean {
    return this.#phase === 'head';
  }

  /** Whether the connection has ended, but the receiver has paused before what had been read. */
  get isBehind(): boolean {
    return this.#inputOver && this.#phase !== 'stopped';
  }

  /** A request was sent: an answer is to come. */
  expect(): void {
    this.#phase = 'head';
    this.#interim = 0;
  }

  /** Reads nothing more. */
  stop(): void {
    this.#phase = 'stopped';
    this.#held = undefined;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#reading) return;
    if (this.#held !== undefined) this.read(EMPTY);
    if (this.#inputOver && !this.#paused) this.finish();
  }

  /** @param chunk Used only until this returns. */
  read(chunk: Buffer): void {
    let buffer = chunk;
    if (this.#held !== undefined) {
      buffer = chunk.length === 0 ? this.#held : Buffer.concat([this.#held, chunk]);
      this.#held = undefined;
    }
    let at = 0;
    this.#reading = true;
    while (at < buffer.length && !this.#paused) {
      const next = this.#step(buffer, at);
      if (next === MORE) break;
      at = next;
    }
    this.#reading = false;
    if (at < buffer.length && this.#phase !== 'stopped') this.#held = owned(at === 0 ? buffer : buffer.subarray(at));
  }

  /** The connection ended in an orderly way. What a paused receiver has not read yet comes first. */
  finish(): void {
    this.#inputOver = this.#held !== undefined && this.#paused;
    if (this.#inputOver) return;
    if (this.#phase === 'close') this.#end(false);
    else if (this.#phase !== 'stopped') this.#receiver.cut();
  }

  /** Takes what stands at an index, and answers where the next thing is; {@link MORE} while it is not whole. */
  #step(buffer: Buffer, at: number): number {
    switch (this.#phase) {
      case 'head':
        return this.#readHead(buffer, at);
      case 'length':
      case 'chunk':
        return this.#readBody(buffer, at);
      case 'close':
        this.#receiver.data(at === 0 ? buffer : buffer.subarray(at));
        return buffer.length;
      case 'size':
        return this.#readSize(buffer, at);
      case 'chunk-end':
        return this.#readChunkEnd(buffer, at);
      case 'trailer':
        return this.#readTrailer(buffer, at);
      case 'idle':
        return this.#bad('bytes without a request');
      case 'stopped':
        return buffer.length;
    }
  }

  #readHead(buffer: Buffer, at: number): number {
    const known = at === 0 ? this.#memo.match(buffer) : undefined;
    if (known !== undefined) return this.#startBody(known, this.#memo.bodyLength, buffer, this.#memo.bodyStart);
    const end = buffer.indexOf('\r\n\r\n', at, 'latin1');
    if ((end === -1 ? buffer.length : end) - at > this.#maxHeaderBytes)
      return this.#bad('a header block that is too long');
    if (end === -1) return MORE;
    const text = latin1(buffer, at, end);
    const head = parseAnswerHead(text);
    if (typeof head === 'string') return this.#bad(head);
    if (head.status < 200) return this.#skipInterim(head, end + 4);
    // Without a body it is the length that tells whether the connection can be kept.
    if (head.framing !== 'none') this.#memo.remember(text, head);
    return this.#startBody(head, head.contentLength, buffer, end + 4);
  }

  #skipInterim({ status, keepAlive }: AnswerHead, next: number): number {
    if (status === 101) return this.#bad('a switch to another protocol');
    if (!keepAlive) return this.#bad('an interim answer after which nothing can come');
    return ++this.#interim > MAX_INTERIM ? this.#bad('too many interim answers') : next;
  }

  #startBody(head: AnswerHead, length: number, buffer: Buffer, next: number): number {
    const { framing } = head;
    this.#head = head;
    this.#left = framing === 'length' ? length : 0;
    this.#phase = framing === 'chunked' ? 'size' : framing === 'close' ? 'close' : 'length';
    this.#receiver.head(head.status, new AnswerHeaders(head, length));
    if (this.#phase === 'length' && this.#left === 0) this.#end(next === buffer.length);
    return next;
  }

  #readBody(buffer: Buffer, at: number): number {
    const end = Math.min(buffer.length, at + this.#left);
    this.#left -= end - at;
    this.#receiver.data(buffer.subarray(at, end));
    if (this.#left > 0 || this.#phase === 'stopped') return end;
    if (this.#phase === 'chunk') this.#phase = 'chunk-end';
    else this.#end(end === buffer.length);
    return end;
  }

  #readSize(buffer: Buffer, at: number): number {
    const end = buffer.indexOf('\r\n', at, 'latin1');
    if ((end === -1 ? buffer.length : end) - at > MAX_CHUNK_LINE) return this.#bad('a chunk size that is too long');
    if (end === -1) return MORE;
    const line = CHUNK_LINE.exec(latin1(buffer, at, end));
    if (line === null) return this.#bad('a chunk size that is none');
    this.#left = Number.parseInt(line[1] as string, 16);
    this.#phase = this.#left === 0 ? 'trailer' : 'chunk';
    return end + 2;
  }

  #readChunkEnd(buffer: Buffer, at: number): number {
    if (buffer[at] !== CR || (at + 1 < buffer.length && buffer[at + 1] !== LF))
      return this.#bad('a chunk longer than its size');
    if (at + 1 === buffer.length) return MORE;
    this.#phase = 'size';
    return at + 2;
  }

  #readTrailer(buffer: Buffer, at: number): number {
    if (buffer[at] === CR && buffer[at + 1] === LF) {
      this.#end(at + 2 === buffer.length);
      return at + 2;
    }
    const end = buffer.indexOf('\r\n\r\n', at, 'latin1');
    if ((end === -1 ? buffer.length : end) - at > this.#maxHeaderBytes) return this.#bad('a trailer that is too long');
    if (end === -1) return MORE;
    const wrong = checkTrailer(latin1(buffer, at, end));
    if (wrong !== undefined) return this.#bad(wrong);
    this.#end(end + 4 === buffer.length);
    return end + 4;
  }

  /** @param clean Whether nothing came after the answer. */
  #end(clean: boolean): void {
    const head = this.#head as AnswerHead;
    this.#head = undefined;
    this.#paused = false;
    this.#phase = clean ? 'idle' : 'stopped';
    this.#receiver.ended(head, clean && head.keepAlive);
  }

  #bad(reason: string): number {
    this.stop();
    this.#receiver.bad(reason);
    return MORE;
  }
}
