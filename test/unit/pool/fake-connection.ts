import { ConnectionPool, type ConnectionPoolLimits } from '../../../src/pool/sql/connection-pool.ts';
import { type PoolEvent, Signal } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

export const LIMITS: ConnectionPoolLimits = {
  maxConnections: 2,
  maxWaiting: 10,
  acquireTimeoutMs: 1_000,
  connectTimeoutMs: 500,
  idleTimeoutMs: 10_000,
  maxLifetimeMs: 100_000,
  validateAfterIdleMs: 5_000,
};

/** A connection that only remembers what was done to it. */
export class FakeConnection {
  readonly id: number;
  isLost = false;
  onLost: ((error: unknown) => void) | undefined;
  end: 'closed' | 'destroyed' | undefined;

  constructor(id: number) {
    this.id = id;
  }

  async close(): Promise<void> {
    this.end = 'closed';
  }

  destroy(): void {
    this.isLost = true;
    this.end = 'destroyed';
  }

  /** The server hangs up. */
  lose(): void {
    this.isLost = true;
    this.onLost?.(new Error('hung up'));
  }
}

/** A pool of fake connections, in virtual time. */
export function createFakePool(changed: Partial<ConnectionPoolLimits> = {}, random = () => 0) {
  const clock = new FakeClock();
  const signal = new Signal<PoolEvent>();
  const made: FakeConnection[] = [];
  const fake = {
    clock,
    signal,
    made,
    /** What connecting does; a test replaces it to fail or to hang. */
    connect: async (_signal: AbortSignal): Promise<FakeConnection> => {
      const connection = new FakeConnection(made.length);
      made.push(connection);
      return connection;
    },
    validate: async (_connection: FakeConnection): Promise<unknown> => undefined,
  };
  const pool = new ConnectionPool<FakeConnection>({
    name: 'shop',
    limits: { ...LIMITS, ...changed },
    clock,
    random,
    signal,
    connect: (attempt) => fake.connect(attempt),
    validate: (connection) => fake.validate(connection),
  });
  // `acquire` answers at once where it can; tests wait either way.
  const acquire = async (signal?: AbortSignal) => pool.acquire(signal);
  const face = {
    acquire,
    release: pool.release.bind(pool),
    statistics: pool.statistics.bind(pool),
    close: pool.close.bind(pool),
  };
  return Object.assign(fake, { pool: face });
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
