import { ErrorCode, isObject } from '../../wire/wire.ts';
import type { CallOutcome, ChosenBackend } from '../picking/backend.ts';
import type {
  UpstreamCall,
  UpstreamError,
  UpstreamHeaders,
  UpstreamRequest,
  UpstreamSink,
} from '../upstream/upstream-call.ts';
import type { Backend } from './backend.ts';
import type { Passage } from './circuits.ts';
import type { TargetFailure } from './target.ts';

/** How much of an answer is held back at most to see whether another backend should be asked instead. */
const MAX_HELD_BYTES = 65_536;
const SERVICE_UNAVAILABLE = 503;
const RETRIED_STATUS: ReadonlySet<number> = new Set([502, SERVICE_UNAVAILABLE, 504]);

/** What an attempt tells the call that it is made for. */
export interface AttemptOwner {
  /** The tool that is called, if one is. */
  readonly tool: string | undefined;
  /** A stream that goes on until somebody ends it: how long it takes tells nothing. */
  readonly isOpenEnded: boolean;
  /** Whether another attempt could be made in place of this one. @param isHarmless It was not executed, whatever it does. */
  mayReplace(attempt: Attempt, isHarmless: boolean): boolean;
  /** Makes one; false where that could not be done after all. */
  replace(attempt: Attempt): boolean;
  /** It has not to be given up any more: its answer is passed on, or there is none to come. */
  began(attempt: Attempt): void;
  head(attempt: Attempt, status: number, headers: UpstreamHeaders): void;
  data(chunk: Buffer): void;
  ended(): void;
  failed(attempt: Attempt, failure: TargetFailure): void;
}

/** The call did not reach the backend, and that was not the backend's fault. */
const REFUSED_HERE: ReadonlySet<string> = new Set(['UPSTREAM_UNAVAILABLE', 'UPSTREAM_CLOSED']);

type Phase = 'waiting' | 'held' | 'passing' | 'over';

/** One try of a call at one backend. HOT: every call; guarded by `npm run bench -- scale`. */
export class Attempt implements UpstreamSink, Passage {
  readonly backend: Backend;
  readonly startedAt: number;
  entry = 0;
  toolEntry = 0;
  readonly #owner: AttemptOwner;
  readonly #chosen: ChosenBackend;
  #upstream: UpstreamCall | undefined;
  #phase: Phase = 'waiting';
  #status = 0;
  #isShed = false;
  #headers: UpstreamHeaders | undefined;
  #held: Buffer[] | undefined;
  #heldBytes = 0;

  constructor(owner: AttemptOwner, backend: Backend, chosen: ChosenBackend, startedAt: number) {
    this.#owner = owner;
    this.backend = backend;
    this.#chosen = chosen;
    this.startedAt = startedAt;
  }

  /** To be called once the backend's circuits have let it in. */
  send(request: UpstreamRequest): void {
    const upstream = this.backend.upstream.send(request, this);
    if (this.#phase !== 'over') this.#upstream = upstream;
  }

  head(status: number, headers: UpstreamHeaders): void {
    if (this.#phase !== 'waiting') return;
    this.#status = status;
    this.#headers = headers;
    const isHarmless = status === SERVICE_UNAVAILABLE;
    if (RETRIED_STATUS.has(status) && this.#owner.mayReplace(this, isHarmless)) {
      this.#phase = 'held';
      this.#held = [];
    } else {
      this.#isShed = isHarmless && headers.get('retry-after') !== undefined;
      this.#pass();
    }
  }

  data(chunk: Buffer): void {
    if (this.#phase === 'passing') this.#owner.data(chunk);
    if (this.#phase !== 'held') return;
    this.#held?.push(Buffer.from(chunk));
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > MAX_HELD_BYTES) this.#pass();
  }

  ended(): void {
    if (this.#phase === 'held') {
      this.#isShed = this.#status === SERVICE_UNAVAILABLE && saysNotExecuted(Buffer.concat(this.#held ?? []));
      if (this.#replaced(this.#isShed)) return;
      this.#pass();
    }
    if (this.#phase !== 'passing') return;
    this.#settle(this.#outcome());
    this.#owner.ended();
  }

  failed(error: UpstreamError): void {
    if (this.#phase === 'over') return;
    const wasPassing = this.#phase === 'passing';
    if (!wasPassing) this.#owner.began(this);
    this.#isShed ||= REFUSED_HERE.has(error.code);
    if (!wasPassing && this.#replaced(error.neverSent)) return;
    this.#settle(this.#isShed ? 'unknown' : 'failure');
    this.#owner.failed(this, toFailure(error));
  }

  /** Nothing that could be passed on came in time: no answer, or the head alone of one that is held back. */
  expire(): void {
    if (this.#phase !== 'waiting' && this.#phase !== 'held') return;
    this.#upstream?.abort();
    if (this.#replaced(false)) return;
    this.#settle('failure');
    const message = 'The server did not begin to answer in time; whether it carried the call out is not known';
    this.#owner.failed(this, { reason: 'timeout', message, retryAfterSeconds: undefined });
  }

  /** Nobody wants the answer any more. */
  abort(): void {
    if (this.#phase === 'over') return;
    this.#upstream?.abort();
    this.#settle('unknown');
  }

  pause(): void {
    this.#upstream?.pause();
  }

  resume(): void {
    this.#upstream?.resume();
  }

  /** Whether another attempt is under way instead of this one. */
  #replaced(isHarmless: boolean): boolean {
    if (!this.#owner.mayReplace(this, isHarmless) || !this.#owner.replace(this)) return false;
    this.#settle(this.#isShed ? 'unknown' : 'failure');
    return true;
  }

  #pass(): void {
    this.#phase = 'passing';
    this.#owner.began(this);
    this.#owner.head(this, this.#status, this.#headers as UpstreamHeaders);
    const held = this.#held;
    this.#held = undefined;
    for (const chunk of held ?? []) this.#owner.data(chunk);
  }

  #outcome(): CallOutcome {
    if (this.#status >= 500) return this.#isShed ? 'unknown' : 'failure';
    return this.#owner.isOpenEnded ? 'unknown' : 'success';
  }

  #settle(outcome: CallOutcome): void {
    this.#phase = 'over';
    this.#upstream = undefined;
    this.#chosen.settle(outcome);
    this.backend.circuits.leave(this.#owner.tool, this, outcome);
  }
}

/** Whether an answer is a server's word that it refused the call before it began. */
function saysNotExecuted(body: Buffer): boolean {
  try {
    const answer: unknown = JSON.parse(body.toString());
    return isObject(answer) && isObject(answer['error']) && answer['error']['code'] === ErrorCode.Overloaded;
  } catch {
    return false;
  }
}

function toFailure({ code, neverSent }: UpstreamError): TargetFailure {
  if (neverSent) {
    const message = 'The server could not be reached; the call was not made';
    return { reason: REFUSED_HERE.has(code) ? 'overloaded' : 'unavailable', message, retryAfterSeconds: 1 };
  }
  const what = code === 'UPSTREAM_TIMEOUT' ? 'did not answer in time' : 'broke off';
  return {
    reason: code === 'UPSTREAM_TIMEOUT' ? 'timeout' : 'lost',
    message: `The server ${what}; whether it carried the call out is not known`,
    retryAfterSeconds: undefined,
  };
}
