import type { Clock } from '../../kernel/clock.ts';
import { DatabaseError } from '../errors.ts';
import type { DriverConnection } from './driver.ts';
import type { LazyTimer } from './lazy-timer.ts';

/** What bounds a statement that runs on a server. */
export interface GuardParts {
  readonly database: string;
  readonly clock: Clock;
  readonly connection: Pick<DriverConnection, 'isLost' | 'cancel' | 'control' | 'destroy'>;
  /** The connection's own. */
  readonly timer: LazyTimer;
}

/** What can stop a statement. */
export interface GuardLimits {
  readonly signal: AbortSignal | undefined;
  /** 0 for no limit. */
  readonly timeoutMs: number;
  /** Whether nothing can have happened when the connection is lost. */
  readonly isHarmless: boolean;
}

/** How long a server gets to obey before the connection is cut, in milliseconds. */
export const CANCEL_GRACE_MS = 2_000;

/**
 * Runs something on a connection, and has the server stop it when it takes too long or is aborted.
 *
 * The server's answer decides: a statement that finished before it could be stopped has succeeded. Afterwards the
 * connection is clean, or cut where the server did not obey.
 *
 * @throws {DatabaseError} `DB_TIMEOUT`, `DB_CANCELLED`, or what the work throws.
 */
export async function runGuarded<T>(parts: GuardParts, limits: GuardLimits, work: () => Promise<T>): Promise<T> {
  const { signal, timeoutMs } = limits;
  if (signal?.aborted) throw new DatabaseError('DB_CANCELLED', parts.database, { cause: signal.reason });
  let stopper: Stopper | undefined;
  const stop = (code: StopCode): void => {
    stopper ??= new Stopper(parts, code);
  };
  const onAbort = (): void => stop('DB_CANCELLED');
  if (timeoutMs > 0) parts.timer.start(timeoutMs, () => stop('DB_TIMEOUT'));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await work();
  } catch (error) {
    throw toFailure(error, parts, limits, (stopper as Stopper | undefined)?.code);
  } finally {
    parts.timer.stop();
    signal?.removeEventListener('abort', onAbort);
    if (stopper !== undefined) await (stopper as Stopper).settle();
  }
}

type StopCode = 'DB_TIMEOUT' | 'DB_CANCELLED';

function toFailure(
  error: unknown,
  { database, connection }: GuardParts,
  { isHarmless }: GuardLimits,
  stopped: StopCode | undefined,
): unknown {
  const isLost = connection.isLost || (error instanceof DatabaseError && error.code === 'DB_CONNECTION_LOST');
  if (stopped !== undefined) {
    const detail = isLost && !isHarmless ? { detail: 'its outcome is unknown' } : {};
    return new DatabaseError(stopped, database, { cause: error, ...detail });
  }
  if (error instanceof DatabaseError && error.code === 'DB_CONNECTION_LOST')
    return new DatabaseError('DB_CONNECTION_LOST', database, { cause: error.cause, retryable: isHarmless });
  return error;
}

/** Stops what runs on one connection. */
class Stopper {
  readonly code: StopCode;
  readonly #parts: GuardParts;
  readonly #cancelling: Promise<void>;
  #cancelGrace = (): void => {};

  constructor(parts: GuardParts, code: StopCode) {
    this.code = code;
    this.#parts = parts;
    const { clock, connection } = parts;
    const grace = new Promise<void>((resolve) => {
      this.#cancelGrace = clock.after(CANCEL_GRACE_MS, () => {
        connection.destroy();
        resolve();
      });
    });
    const cancelling = connection.cancel().catch(() => connection.destroy());
    this.#cancelling = Promise.race([cancelling, grace]);
  }

  /** Waits until the request to stop can hit nothing that comes later: a late one is met by a statement of no effect. */
  async settle(): Promise<void> {
    const { connection } = this.#parts;
    await this.#cancelling;
    for (let attempt = 0; attempt < 2 && !connection.isLost; attempt++) {
      try {
        await connection.control('SELECT 1');
        break;
      } catch (error) {
        // In a transaction that failed PostgreSQL refuses even this, which shows as well that nothing is left to stop.
        if (error instanceof DatabaseError && error.code === 'DB_TRANSACTION_ABORTED') break;
        if (attempt === 1) connection.destroy();
      }
    }
    this.#cancelGrace();
  }
}
