import type { Clock } from '../../kernel/clock.ts';
import { DatabaseError } from '../errors.ts';
import type { DriverConnection } from './driver.ts';

/** What bounds a statement that runs on a server. */
export interface GuardParts {
  readonly database: string;
  readonly clock: Clock;
  readonly connection: Pick<DriverConnection, 'isLost' | 'cancel' | 'control' | 'destroy'>;
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
  const stopper = new Stopper(parts);
  const onAbort = (): void => stopper.stop('DB_CANCELLED');
  const cancelTimer = timeoutMs > 0 ? parts.clock.after(timeoutMs, () => stopper.stop('DB_TIMEOUT')) : undefined;
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await work();
  } catch (error) {
    throw toFailure(error, parts, limits, stopper.code);
  } finally {
    cancelTimer?.();
    signal?.removeEventListener('abort', onAbort);
    if (stopper.code !== undefined) await stopper.settle();
  }
}

function toFailure(
  error: unknown,
  { database, connection }: GuardParts,
  { isHarmless }: GuardLimits,
  stopped: 'DB_TIMEOUT' | 'DB_CANCELLED' | undefined,
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

/** Stops what runs on one connection, once. */
class Stopper {
  code: 'DB_TIMEOUT' | 'DB_CANCELLED' | undefined;
  readonly #parts: GuardParts;
  #cancelling: Promise<void> | undefined;
  #cancelGrace: (() => void) | undefined;

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  stop(code: 'DB_TIMEOUT' | 'DB_CANCELLED'): void {
    if (this.code !== undefined) return;
    this.code = code;
    const { clock, connection } = this.#parts;
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
    this.#cancelGrace?.();
  }
}
