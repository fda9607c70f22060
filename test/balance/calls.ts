import { onTestFinished } from 'vitest';
import { HttpUpstream } from '../../src/balance/upstream/http-upstream.ts';
import type {
  UpstreamCall,
  UpstreamError,
  UpstreamHeaders,
  UpstreamRequest,
  UpstreamSink,
} from '../../src/balance/upstream/upstream-call.ts';
import type { HttpUpstreamOptions } from '../../src/balance/upstream/upstream-options.ts';

/** What came of a call. */
export interface CallResult {
  readonly status: number | undefined;
  readonly headers: UpstreamHeaders | undefined;
  readonly body: string;
  readonly error: UpstreamError | undefined;
}

/** A call that a test made: it hears everything, and notes what must not happen. */
export class TestCall implements UpstreamSink {
  status: number | undefined;
  headers: UpstreamHeaders | undefined;
  readonly chunks: Buffer[] = [];
  /** What was said in the wrong order. */
  readonly faults: string[] = [];
  readonly settled: Promise<CallResult>;
  isSettled = false;
  /** Runs at each piece. */
  onData: (chunk: Buffer) => void = () => {};
  readonly #call: UpstreamCall;
  #settle: (result: CallResult) => void = () => {};
  #wake: (() => void)[] = [];

  constructor(upstream: HttpUpstream, request: Partial<UpstreamRequest> = {}) {
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#call = upstream.send({ method: 'POST', path: '/mcp', headerLines: '', body: '{}', ...request }, this);
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  /** Resolves when so many bytes of the body have come. */
  async bytes(count: number): Promise<void> {
    while (this.text.length < count) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  abort(): void {
    this.#call.abort();
  }

  head(status: number, headers: UpstreamHeaders): void {
    if (this.status !== undefined || this.isSettled) this.faults.push('head');
    this.status = status;
    this.headers = headers;
  }

  data(chunk: Buffer): void {
    if (this.status === undefined || this.isSettled) this.faults.push('data');
    this.chunks.push(Buffer.from(chunk));
    this.onData(chunk);
    for (const wake of this.#wake.splice(0)) wake();
  }

  ended(): void {
    if (this.status === undefined) this.faults.push('ended without a head');
    this.#end(undefined);
  }

  failed(error: UpstreamError): void {
    this.#end(error);
  }

  #end(error: UpstreamError | undefined): void {
    if (this.isSettled) this.faults.push('ended twice');
    this.isSettled = true;
    const { status, headers, text } = this;
    this.#settle({ status, headers, body: text, error });
  }
}

/** An upstream that is closed at the end of the test. */
export function openUpstream(options: HttpUpstreamOptions): HttpUpstream {
  const upstream = new HttpUpstream(options);
  onTestFinished(() => upstream.close(0));
  return upstream;
}

/** Resolves when something holds, which is looked at after each turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
