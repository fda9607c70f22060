import type { PoolMeter } from '../../kernel/pool-statistics.ts';
import type { CallGate } from '../call-gate.ts';
import { HttpPoolError } from './http-errors.ts';
import type { HttpConnectionStatistics } from './http-statistics.ts';
import type { OriginTransport } from './transport.ts';

/** A call as its origin's pool sees it. */
export interface PooledCall {
  /** A connection is free for it. */
  dispatch(): void;
  /** The pool is closed while the call waits. */
  refuse(error: HttpPoolError): void;
}

/** What an origin's pool is held to. */
export interface OriginLimits {
  readonly maxSockets: number;
  readonly maxQueue: number;
}

/** What the calls to one origin have. */
export interface OriginPoolParts {
  readonly origin: string;
  readonly transport: OriginTransport;
  readonly limits: OriginLimits;
  /** Where its calls are counted; the first is its own. */
  readonly meters: readonly PoolMeter[];
  readonly gate?: CallGate | undefined;
}

/**
 * The calls to one origin: as many under way as there may be connections, the others wait in line.
 *
 * The line is not undici's own because that one can neither be bounded nor be left.
 */
export class OriginPool {
  readonly origin: string;
  readonly transport: OriginTransport;
  /** When it was last used, in the order of uses. */
  usedAt = 0;
  /** What stands before its calls. */
  readonly gate: CallGate | undefined;
  readonly #limits: OriginLimits;
  readonly #meters: readonly PoolMeter[];
  readonly #line = new Set<PooledCall>();
  #taken = 0;
  #sent = 0;
  #onIdle: (() => void) | undefined;

  constructor({ origin, transport, limits, meters, gate }: OriginPoolParts) {
    this.origin = origin;
    this.transport = transport;
    this.gate = gate;
    this.#limits = limits;
    this.#meters = meters;
  }

  get isIdle(): boolean {
    return this.#taken === 0;
  }

  /** Dispatches the call, now or when its turn has come. @throws {HttpPoolError} `HTTP_POOL_QUEUE_FULL` */
  enter(call: PooledCall): void {
    if (this.#taken < this.#limits.maxSockets) {
      this.#taken++;
      call.dispatch();
    } else if (this.#line.size < this.#limits.maxQueue) this.#line.add(call);
    else throw new HttpPoolError('HTTP_POOL_QUEUE_FULL', this.origin, { detail: `${this.#line.size} waiting` });
  }

  /** Takes a call out of the line. */
  withdraw(call: PooledCall): void {
    this.#line.delete(call);
  }

  countSent(waitedMs: number): void {
    this.#sent++;
    for (const meter of this.#meters) meter.countWaited(waitedMs);
  }

  countFailure(error: HttpPoolError): void {
    if (error.code === 'HTTP_ABORTED') return;
    for (const meter of this.#meters) {
      meter.errors++;
      if (error.code === 'HTTP_TIMEOUT') meter.timeouts++;
    }
  }

  /** A sent call will be sent again, so it waits. */
  unsend(): void {
    this.#sent--;
  }

  /** A dispatched call is over: the next in line gets its place. */
  release(wasSent: boolean): void {
    if (wasSent) this.#sent--;
    for (const next of this.#line) {
      this.#line.delete(next);
      next.dispatch();
      return;
    }
    this.#taken--;
    if (this.#taken === 0) this.#onIdle?.();
  }

  whenIdle(): Promise<void> {
    return this.isIdle
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.#onIdle = resolve;
        });
  }

  /** Fails all that waits or is under way, and ends every connection. */
  async destroy(): Promise<void> {
    const error = new HttpPoolError('HTTP_POOL_CLOSED', this.origin);
    const line = [...this.#line];
    this.#line.clear();
    for (const call of line) call.refuse(error);
    await this.transport.destroy(error);
  }

  statistics(): HttpConnectionStatistics {
    const { connected: size } = this.transport;
    const { maxSockets: max } = this.#limits;
    const waiting = this.#line.size + this.#taken - this.#sent;
    const figures = (this.#meters[0] as PoolMeter).figures({ size, max, inUse: this.#sent, waiting });
    return { ...figures, idle: Math.max(0, size - this.#sent), utilization: this.#taken / max };
  }
}
