import type { Access } from '../authorization/authorization.ts';
import { type CancelTimer, type Clock, MAX_TIMER_MS } from '../kernel/clock.ts';
import type { EventSink } from '../session/session.ts';
import type { Exchange, MessageSink } from '../transport/transport.ts';

/** A stream may outlive the token that it began with: then it ends, and its client comes back with another one. */
export function whenExpired({ head }: Pick<MessageSink, 'head'>, clock: Clock, end: () => void): CancelTimer {
  const expiresAt = (head?.access as Access | undefined)?.info.expiresAt;
  if (expiresAt === undefined) return () => {};
  const leftMs = Math.max(0, expiresAt * 1_000 - clock.wallNow());
  return clock.after(Math.min(leftMs, MAX_TIMER_MS), end);
}

/** The answer to a GET in a session, which ends with its token as if the client had left: it can be resumed. */
export class TokenBoundSink implements EventSink {
  onClose: (() => void) | undefined;
  readonly #exchange: Exchange;
  readonly #clock: Clock;
  #cancel: CancelTimer = () => {};

  constructor(exchange: Exchange, clock: Clock) {
    this.#exchange = exchange;
    this.#clock = clock;
    exchange.onClose = () => this.#over();
  }

  get closed(): boolean {
    return this.#exchange.closed;
  }

  open(id: string | undefined, retryMs: number): void {
    this.#exchange.open?.(id, retryMs);
    if (this.closed) return;
    this.#cancel = whenExpired(this.#exchange, this.#clock, () => {
      this.#exchange.finish?.();
      this.#over();
    });
  }

  notify(text: string, id?: string): void {
    this.#exchange.notify(text, id);
  }

  finish(): void {
    this.#cancel();
    this.#exchange.finish?.();
  }

  #over(): void {
    this.#cancel();
    this.onClose?.();
  }
}
