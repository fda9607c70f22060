import type { Clock } from '../../kernel/clock.ts';
import { PeregrineError } from '../../kernel/errors.ts';
import type { SqlHealth } from './sql-pool.ts';

/** Runs a probe and tells whether and when it answered. Never throws. */
export async function measureHealth(clock: Clock, probe: () => Promise<unknown>): Promise<SqlHealth> {
  const startedAt = clock.now();
  try {
    await probe();
    return { status: 'up', latencyMs: clock.now() - startedAt };
  } catch (error) {
    const code = error instanceof PeregrineError ? error.code : 'DB_FAILED';
    return { status: 'down', latencyMs: clock.now() - startedAt, code };
  }
}
