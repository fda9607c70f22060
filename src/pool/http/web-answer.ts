import type { AnswerReader, AnswerSource } from './http-call.ts';
import { HttpPoolError } from './http-errors.ts';
import type { HeaderMap } from './transport.ts';

/** Bytes kept for a slow reader before the connection is paused. */
const HIGH_WATER_BYTES = 65_536;
/** A body that nobody wants is read up to here, so that its connection can be used again. */
const MAX_DISCARDED_BYTES = 65_536;
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

type WebBody = NonNullable<ConstructorParameters<typeof Response>[0]>;

// The web's properties that only fetch itself can set; TypeScript does not let a class override them.
const BaseResponse = Response as unknown as new (
  body: WebBody | null,
  init: ResponseInit,
) => Omit<Response, 'url' | 'redirected' | 'clone'>;

/** A `Response` that knows where it came from. */
class PoolResponse extends BaseResponse {
  readonly #url: string;
  readonly #redirected: boolean;

  constructor(body: WebBody | null, init: ResponseInit, url: string, redirected: boolean) {
    super(body, init);
    this.#url = url;
    this.#redirected = redirected;
  }

  get url(): string {
    return this.#url;
  }

  get redirected(): boolean {
    return this.#redirected;
  }

  clone(): Response {
    const { body, status, statusText, headers } = Response.prototype.clone.call(this as unknown as Response);
    return new PoolResponse(body, { status, statusText, headers }, this.#url, this.#redirected) as unknown as Response;
  }
}

/**
 * An answer that becomes a web `Response` once its head is there.
 *
 * A small body comes in the same read as the head, before the promise's continuation runs: it is handed over as bytes.
 * Only one that is not complete by then costs a stream.
 */
export class WebAnswer implements AnswerReader {
  status = 0;
  headers: HeaderMap = {};
  /** Settles with the head. */
  readonly ready: Promise<void>;
  #resolve: () => void = () => {};
  #reject: (error: HttpPoolError) => void = () => {};
  #source: AnswerSource | undefined;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #hasEnded = false;
  #isDiscarded = false;
  #error: HttpPoolError | undefined;
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  head(status: number, headers: HeaderMap, source: AnswerSource): void {
    this.status = status;
    this.headers = headers;
    this.#source = source;
    this.#resolve();
  }

  data(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    if (this.#isDiscarded) {
      if (this.#bytes > MAX_DISCARDED_BYTES) this.#source?.cancel();
      return true;
    }
    if (this.#stream === undefined) {
      this.#waiting.push(chunk);
      return this.#bytes < HIGH_WATER_BYTES;
    }
    this.#stream.enqueue(chunk);
    return (this.#stream.desiredSize ?? 0) > 0;
  }

  ended(): void {
    this.#hasEnded = true;
    this.#stream?.close();
  }

  failed(error: HttpPoolError): void {
    this.#error = error;
    this.#reject(error); // Does nothing once the head is there.
    this.#stream?.error(error);
  }

  /** Lets the body go, for a redirection. */
  discard(): void {
    this.#isDiscarded = true;
    this.#waiting = [];
    this.#source?.resume();
  }

  /** @throws {HttpPoolError} `HTTP_PROTOCOL` when the web knows no such answer. */
  toResponse(method: string, url: URL, redirected: boolean): Response {
    const noBody = method === 'HEAD' || WITHOUT_BODY.has(this.status);
    if (noBody) this.discard();
    try {
      const init = { status: this.status, headers: toWebHeaders(this.headers) };
      const body = noBody ? null : this.#toBody();
      return new PoolResponse(body, init, url.href.split('#', 1)[0] as string, redirected) as unknown as Response;
    } catch (cause) {
      this.#source?.cancel();
      throw new HttpPoolError('HTTP_PROTOCOL', url.origin, { cause });
    }
  }

  #toBody(): WebBody {
    if (this.#hasEnded) {
      const [first] = this.#waiting;
      return first !== undefined && this.#waiting.length === 1
        ? (first as Uint8Array<ArrayBuffer>)
        : Buffer.concat(this.#waiting);
    }
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#stream = controller;
          for (const chunk of this.#waiting) controller.enqueue(chunk);
          this.#waiting = [];
          if (this.#error !== undefined) controller.error(this.#error);
        },
        pull: () => this.#source?.resume(),
        cancel: () => this.#source?.cancel(),
      },
      { highWaterMark: HIGH_WATER_BYTES, size: (chunk) => chunk?.byteLength ?? 0 },
    );
  }
}

function toWebHeaders(headers: HeaderMap): Headers {
  const web = new Headers();
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (typeof value === 'string') web.append(name, value);
    else for (const single of value ?? []) web.append(name, single);
  }
  return web;
}
