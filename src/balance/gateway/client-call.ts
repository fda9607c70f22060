import { isAscii } from 'node:buffer';
import type { CancelTimer } from '../../kernel/clock.ts';
import { type Exchange, latin1, type Relay } from '../../transport/transport.ts';
import { ErrorCode, errorText, isRequestId, type RequestId } from '../../wire/wire.ts';
import type { UpstreamCall, UpstreamHeaders } from '../upstream/upstream-call.ts';
import { answerLinesOf } from './answer-lines.ts';
import { EventGate } from './event-gate.ts';
import type { CacheSlot } from './response-cache.ts';
import type { OpenStream, Route } from './route.ts';
import type { SessionIds } from './session-ids.ts';
import type { TargetCall, TargetFailure, TargetSink } from './target.ts';

/** What servers answer to a session that they do not know: clients then begin a new one. */
export const SESSION_NOT_FOUND = -32001;
const LISTEN = 'subscriptions/listen';
/** A client that takes nothing for so long has its connection cut, in milliseconds. */
const STALL_MS = 60_000;
/** An answer that takes longer to collect than this is not worth keeping. */
const MAX_KEPT_BYTES = 1_048_576;

/** What has no body, whatever its header says: a client takes what came after the head for the next answer. */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);

const STATUS: { readonly [reason in TargetFailure['reason']]: number } = {
  unavailable: 503,
  overloaded: 503,
  lost: 502,
  timeout: 504,
  'session-gone': 404,
};

/** `held`: the head has come, and is written together with the body when that comes in one piece. */
type Phase = 'waiting' | 'held' | 'open' | 'answered' | 'over';

/**
 * One call from the client's side: takes the answer from the target and passes it on as it comes.
 *
 * HOT: every call; guarded by `npm run bench -- scale`.
 */
export class ClientCall implements TargetSink, OpenStream {
  readonly #exchange: Exchange;
  readonly #route: Route;
  readonly #request: TargetCall;
  readonly #sessions: SessionIds;
  readonly #slot: CacheSlot | undefined;
  readonly #body: string;
  #upstream: UpstreamCall | undefined;
  #phase: Phase = 'waiting';
  #status = 0;
  #lines = '';
  #isPlain = false;
  #length: number | undefined;
  #relay: Relay | undefined;
  #gate: EventGate | undefined;
  #cancelStall: CancelTimer | undefined;

  constructor(exchange: Exchange, route: Route, { request, body, sessions, slot }: ClientCallParts) {
    this.#exchange = exchange;
    this.#route = route;
    this.#request = request;
    this.#body = body;
    this.#sessions = sessions;
    this.#slot = slot;
  }

  start(): void {
    const { target } = this.#route;
    this.#route.inFlight++;
    if (this.#isStream) this.#route.streams.add(this);
    this.#exchange.onClose = () => this.#clientGone();
    const upstream = target.send(this.#request, this);
    if (this.#phase !== 'over') this.#upstream = upstream;
  }

  head(status: number, headers: UpstreamHeaders, backend: string): void {
    const { lines, isPlain, isEventStream, session } = answerLinesOf(headers);
    const hasBody = !BODILESS.has(status);
    const length = hasBody ? headers.get('content-length') : '0';
    this.#status = status;
    this.#lines = lines;
    this.#isPlain = isPlain && status === 200 && session === undefined;
    if (session !== undefined)
      this.#lines += `Mcp-Session-Id: ${this.#sessions.seal(this.#route.name, { id: session, backend })}\r\n`;
    this.#length = length === undefined ? undefined : Number(length);
    if (isEventStream && hasBody) this.#gate = new EventGate();
    this.#phase = 'held';
    if (this.#gate !== undefined || length === undefined) this.#open();
  }

  data(chunk: Buffer): void {
    if (this.#phase === 'held') {
      if (chunk.length === this.#length) {
        this.#answer(chunk);
        return;
      }
      this.#open();
    }
    if (this.#phase !== 'open') return;
    const piece = this.#gate === undefined ? chunk : this.#gate.take(chunk);
    if (piece === undefined) return;
    if (this.#request.rpcMethod === LISTEN && piece.includes('"notifications/')) this.#route.forgetAnswers();
    if (this.#relay?.write(piece) === false) this.#hold();
  }

  ended(): void {
    if (this.#phase === 'held') this.#open();
    const rest = this.#gate?.rest();
    if (rest !== undefined) this.#relay?.write(rest);
    this.#relay?.end();
    this.#release();
  }

  failed(failure: TargetFailure): void {
    if (this.#phase === 'open') this.#breakOff(failure);
    else if (this.#phase !== 'answered') this.#refuse(failure);
    this.#release();
  }

  finish(): void {
    if (this.#phase === 'over') return;
    this.#upstream?.abort();
    if (this.#relay === undefined)
      this.#refuse({ reason: 'unavailable', message: 'The gateway is stopping', retryAfterSeconds: 1 });
    else this.#relay.end();
    this.#release();
  }

  get #isStream(): boolean {
    const { method, pathPrefix, rpcMethod } = this.#request;
    return (method === 'GET' && pathPrefix === undefined) || rpcMethod === LISTEN;
  }

  /** The whole body has come in one piece: it leaves with its head in one. */
  #answer(body: Buffer): void {
    this.#phase = 'answered';
    const { cache } = this.#route;
    if (cache !== undefined && this.#slot !== undefined && this.#isPlain && body.length <= MAX_KEPT_BYTES)
      cache.store(this.#slot, body.toString());
    if (this.#isPlain && isAscii(body)) {
      this.#exchange.respond(200, latin1(body, 0, body.length));
      return;
    }
    const relay = this.#exchange.relay?.(this.#status, this.#lines, body.length);
    relay?.write(body);
    relay?.end();
  }

  #open(): void {
    this.#phase = 'open';
    this.#relay = this.#exchange.relay?.(this.#status, this.#lines, this.#length);
    if (this.#relay !== undefined) this.#relay.onDrain = () => this.#goOn();
  }

  /** The client is slow: the backend has to wait, but not for ever. */
  #hold(): void {
    this.#upstream?.pause();
    this.#cancelStall ??= this.#route.clock.after(STALL_MS, () => this.#relay?.cut());
  }

  #goOn(): void {
    this.#cancelStall?.();
    this.#cancelStall = undefined;
    this.#upstream?.resume();
  }

  /** The answer broke off in the middle. */
  #breakOff({ message }: TargetFailure): void {
    const relay = this.#relay;
    if (this.#gate?.isBetweenEvents !== true) {
      relay?.cut();
      return;
    }
    const id = this.#request.method === 'POST' ? idIn(this.#body) : undefined;
    if (id !== undefined) {
      const text = errorText(id, ErrorCode.InternalError, message);
      relay?.write(Buffer.from(`event: message\ndata: ${text}\n\n`));
    }
    relay?.end();
  }

  #refuse({ reason, message, retryAfterSeconds }: TargetFailure): void {
    refuse(this.#exchange, this.#body, {
      status: STATUS[reason],
      code: codeOf(reason),
      message,
      retryAfterSeconds,
    });
  }

  /** Over HTTP the client's leaving ends the call in the modern era; in the others nobody is left to answer to. */
  #clientGone(): void {
    if (this.#phase === 'over') return;
    this.#upstream?.abort();
    this.#release();
  }

  #release(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#cancelStall?.();
    this.#upstream = undefined;
    this.#exchange.onClose = undefined;
    this.#route.inFlight--;
    if (this.#isStream) this.#route.streams.delete(this);
  }
}

function codeOf(reason: TargetFailure['reason']): number {
  if (reason === 'session-gone') return SESSION_NOT_FOUND;
  return STATUS[reason] === 503 ? ErrorCode.Overloaded : ErrorCode.InternalError;
}

export interface ClientCallParts {
  readonly request: TargetCall;
  readonly body: string;
  readonly sessions: SessionIds;
  readonly slot: CacheSlot | undefined;
}

export interface Refusal {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly retryAfterSeconds?: number | undefined;
}

/** Answers a request that got no answer from a backend, with its id where it has one. */
export function refuse(exchange: Exchange, body: string, { status, code, message, retryAfterSeconds }: Refusal): void {
  const headers = retryAfterSeconds === undefined ? undefined : [['Retry-After', String(retryAfterSeconds)] as const];
  exchange.respond(status, errorText(idIn(body), code, message), undefined, headers);
}

function idIn(body: string): RequestId | undefined {
  try {
    const id: unknown = JSON.parse(body)?.id;
    return isRequestId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
