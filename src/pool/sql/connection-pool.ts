import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import { PoolMeter, type PoolStatistics } from '../../kernel/pool-statistics.ts';
import type { Random } from '../../kernel/random.ts';
import type { PoolEvent, Signal } from '../../signal/signal.ts';
import { DatabaseError, PoolClosedError } from '../errors.ts';
import { Backoff } from './backoff.ts';
import { LazyTimer } from './lazy-timer.ts';
import { WaitingLine } from './waiting-line.ts';

/** What the pool needs of a connection. */
export interface PoolableConnection {
  readonly isLost: boolean;
  onLost: ((error: unknown) => void) | undefined;
  /** Says goodbye. */
  close(): Promise<void>;
  /** Cuts it. */
  destroy(): void;
}

/** The bounds of a pool; times in milliseconds. */
export interface ConnectionPoolLimits {
  readonly maxConnections: number;
  readonly maxWaiting: number;
  readonly acquireTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly validateAfterIdleMs: number;
}

/** What a pool is made of. */
export interface ConnectionPoolParts<C> {
  readonly name: string;
  readonly limits: ConnectionPoolLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: Signal<PoolEvent>;
  /** Opens a connection; the signal ends the attempt. */
  connect(signal: AbortSignal): Promise<C>;
  /** Asks an idle connection whether it still works. Rejects when it does not. */
  validate(connection: C): Promise<unknown>;
}

/** A connection and what the pool knows of it. */
export interface PooledConnection<C> {
  readonly connection: C;
  /** When it is too old to be handed out again. */
  readonly endsAt: number;
  /** How long it may be idle, in milliseconds. */
  readonly idleForMs: number;
  /** For whoever holds it. */
  readonly timer: LazyTimer;
  idleSince: number;
  inUse: boolean;
}

/** Share by which lifetimes and idle times differ, so that connections made together do not end together. */
const JITTER = 0.1;
const MAX_SWEEP_MS = 1_000;

/**
 * A bounded number of connections, handed out in the order of the calls.
 *
 * A caller gets the connection that was idle for the shortest time, so that those too many fall idle and are closed. One
 * that was idle for long is asked first whether it still works. While the server cannot be reached, callers fail at once
 * and attempts are spaced out.
 */
export class ConnectionPool<C extends PoolableConnection> {
  readonly #parts: ConnectionPoolParts<C>;
  readonly #meter: PoolMeter;
  readonly #open = new Set<PooledConnection<C>>();
  readonly #idle: PooledConnection<C>[] = [];
  readonly #line: WaitingLine<PooledConnection<C>>;
  readonly #backoff: Backoff;
  #connecting = 0;
  #validating = 0;
  #stopSweeping: CancelTimer | undefined;
  #retry: CancelTimer | undefined;
  #isClosed = false;
  #onDrained: (() => void) | undefined;

  constructor(parts: ConnectionPoolParts<C>) {
    const { name, limits, clock, random } = parts;
    this.#parts = parts;
    this.#meter = new PoolMeter(clock);
    this.#line = new WaitingLine({
      pool: name,
      limits,
      clock,
      onServed: (waitedMs) => this.#meter.countWaited(waitedMs),
      onTimeout: (error) => this.#onTimeout(error),
    });
    this.#backoff = new Backoff(clock, random);
  }

  /**
   * A connection for the caller alone, until it is released; at once where one is idle.
   *
   * @throws {PeregrineError} `POOL_TIMEOUT`, `POOL_QUEUE_FULL`, `POOL_CLOSED`, the error of connecting, or `DB_CANCELLED`.
   */
  acquire(signal?: AbortSignal): PooledConnection<C> | Promise<PooledConnection<C>> {
    if (this.#isClosed) throw new PoolClosedError(this.#parts.name);
    if (signal?.aborted) throw new DatabaseError('DB_CANCELLED', this.#parts.name, { cause: signal.reason });
    const ready = this.#line.length === 0 ? this.#takeFresh() : undefined;
    if (ready !== undefined) {
      this.#meter.countImmediate();
      return ready;
    }
    const waiting = this.#line.join(signal);
    this.#serve();
    return waiting;
  }

  /** Gives a connection back; one that is lost, not clean or too old is closed instead. */
  release(pooled: PooledConnection<C>, isClean = true): void {
    if (!pooled.inUse) return;
    pooled.inUse = false;
    if (!isClean || pooled.connection.isLost) {
      this.#discard(pooled, true);
    } else if (this.#isClosed ? this.#line.length === 0 : this.#parts.clock.now() >= pooled.endsAt) {
      this.#discard(pooled, false);
    } else {
      pooled.idleSince = this.#parts.clock.now();
      this.#idle.push(pooled);
    }
    this.#serve();
    this.#checkDrained();
  }

  statistics(): PoolStatistics {
    return this.#meter.figures({
      size: this.#open.size,
      max: this.#parts.limits.maxConnections,
      inUse: this.#open.size - this.#idle.length,
      waiting: this.#line.length,
    });
  }

  /** Takes nobody new, waits for those who hold or await a connection, and closes all. Safe to call again. */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    for (const pooled of this.#idle.splice(0)) this.#discard(pooled, false);
    if (this.#open.size > 0 || this.#connecting > 0 || this.#line.length > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#parts.clock.after(graceMs, resolve);
        this.#onDrained = () => {
          cancel();
          resolve();
        };
        this.#checkDrained();
      });
    }
    this.#retry?.();
    this.#line.rejectAll(() => new PoolClosedError(this.#parts.name));
    this.#line.close();
    for (const pooled of [...this.#open]) this.#discard(pooled, true);
  }

  /** The newest idle connection, if it may be handed out unasked. */
  #takeFresh(): PooledConnection<C> | undefined {
    const pooled = this.#idle.at(-1);
    if (pooled === undefined || this.#parts.clock.now() - pooled.idleSince >= this.#parts.limits.validateAfterIdleMs)
      return undefined;
    this.#idle.pop();
    pooled.inUse = true;
    return pooled;
  }

  /** Brings together those who wait and what there is for them. */
  #serve(): void {
    while (this.#line.length > 0) {
      const fresh = this.#takeFresh();
      if (fresh === undefined) break;
      this.#hand(fresh);
    }
    for (let wanted = this.#line.length - this.#validating; wanted > 0 && this.#idle.length > 0; wanted--) {
      this.#validate(this.#idle.pop() as PooledConnection<C>);
    }
    const wanted = this.#line.length - this.#validating - this.#connecting;
    const room = this.#parts.limits.maxConnections - this.#open.size - this.#connecting;
    for (let count = Math.min(wanted, room); count > 0; count--) {
      if (!this.#connectOrRetryLater()) break;
    }
  }

  #hand(pooled: PooledConnection<C>): void {
    pooled.inUse = true;
    if (!this.#line.serve(pooled)) this.release(pooled);
  }

  #validate(pooled: PooledConnection<C>): void {
    this.#validating++;
    pooled.inUse = true;
    let isDone = false;
    const finish = (error?: unknown): void => {
      if (isDone) return;
      isDone = true;
      cancel();
      this.#validating--;
      if (error === undefined && !pooled.connection.isLost && this.#line.serve(pooled)) return;
      if (error !== undefined) this.#count(error);
      this.release(pooled, error === undefined);
    };
    const { clock, limits, name } = this.#parts;
    const late = new DatabaseError('DB_CONNECTION_LOST', name);
    const cancel = clock.after(limits.connectTimeoutMs, () => finish(late));
    this.#parts.validate(pooled.connection).then(
      () => finish(),
      (error) => finish(error ?? late),
    );
  }

  /** @returns Whether an attempt was begun; otherwise the server could not be reached a moment ago. */
  #connectOrRetryLater(): boolean {
    const waitMs = this.#backoff.remainingMs();
    if (waitMs === 0) {
      void this.#connect();
      return true;
    }
    if (this.#open.size === 0 && this.#connecting === 0) {
      // Nobody could serve them; failing now is better than a queue of calls that fail later.
      const cause = this.#backoff.lastError;
      this.#line.rejectAll(() => cause);
    } else {
      this.#retry ??= this.#parts.clock.after(waitMs, () => {
        this.#retry = undefined;
        this.#serve();
      });
    }
    return false;
  }

  async #connect(): Promise<void> {
    const { clock, limits, name } = this.#parts;
    this.#connecting++;
    const attempt = new AbortController();
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(limits.connectTimeoutMs, () => {
        const error = new DatabaseError('DB_UNAVAILABLE', name, {
          detail: `no answer in ${limits.connectTimeoutMs} ms`,
        });
        attempt.abort(error);
        reject(error);
      });
    });
    try {
      const connecting = this.#parts.connect(attempt.signal);
      connecting.then(
        (connection) => attempt.signal.aborted && connection.destroy(),
        () => {},
      );
      const connection = await Promise.race([connecting, late]);
      this.#connecting--;
      this.#backoff.succeed();
      this.#add(connection);
    } catch (error) {
      this.#connecting--;
      this.#backoff.fail(error);
      this.#count(error);
      if (this.#open.size === 0 && this.#connecting === 0) this.#line.rejectAll(() => error);
      this.#serve();
    } finally {
      cancel();
      this.#checkDrained();
    }
  }

  #add(connection: C): void {
    const { clock, limits } = this.#parts;
    const now = clock.now();
    const pooled: PooledConnection<C> = {
      connection,
      endsAt: now + this.#jitter(limits.maxLifetimeMs),
      idleForMs: this.#jitter(limits.idleTimeoutMs),
      timer: new LazyTimer(clock),
      idleSince: now,
      inUse: true,
    };
    this.#open.add(pooled);
    connection.onLost = (error) => this.#onLost(pooled, error);
    this.#tell('opened');
    const period = Math.max(10, Math.min(MAX_SWEEP_MS, limits.idleTimeoutMs / 2));
    this.#stopSweeping ??= clock.every(period, () => this.#sweep());
    if (!this.#line.serve(pooled)) this.release(pooled);
    else this.#serve();
  }

  /** Closes what has been idle, or has lived, for too long. */
  #sweep(): void {
    const now = this.#parts.clock.now();
    for (const pooled of [...this.#idle]) {
      if (now < pooled.endsAt && now - pooled.idleSince < pooled.idleForMs) continue;
      this.#idle.splice(this.#idle.indexOf(pooled), 1);
      this.#discard(pooled, false);
    }
  }

  #onLost(pooled: PooledConnection<C>, error: unknown): void {
    if (!this.#open.has(pooled)) return;
    this.#count(error);
    if (pooled.inUse) return; // whoever holds it gives it back
    this.#idle.splice(this.#idle.indexOf(pooled), 1);
    this.#discard(pooled, true, error);
  }

  #discard(pooled: PooledConnection<C>, isBroken: boolean, error?: unknown): void {
    if (!this.#open.delete(pooled)) return;
    pooled.connection.onLost = undefined;
    pooled.timer.close();
    if (isBroken) pooled.connection.destroy();
    else pooled.connection.close().catch(() => pooled.connection.destroy());
    this.#tell('closed', error);
    if (this.#open.size > 0) return;
    this.#stopSweeping?.();
    this.#stopSweeping = undefined;
  }

  #jitter(ms: number): number {
    return ms * (1 - JITTER * this.#parts.random());
  }

  #count(error: unknown): void {
    this.#meter.errors++;
    this.#tell('error', error);
  }

  #onTimeout(error: unknown): void {
    this.#meter.timeouts++;
    this.#tell('timeout', error);
  }

  #tell(kind: PoolEvent['kind'], error?: unknown): void {
    const { signal, name } = this.#parts;
    if (signal.active)
      signal.emit({ kind, pool: name, size: this.#open.size, ...(error === undefined ? {} : { error }) });
  }

  #checkDrained(): void {
    if (this.#isClosed && this.#open.size === 0 && this.#connecting === 0 && this.#line.length === 0)
      this.#onDrained?.();
  }
}
