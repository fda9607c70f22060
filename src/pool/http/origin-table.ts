import { PoolMeter } from '../../kernel/pool-statistics.ts';
import type { OpenTransport } from '../adapter/undici.ts';
import type { CallGate } from '../call-gate.ts';
import type { AddressGuard } from './address-guard.ts';
import { HttpPoolError } from './http-errors.ts';
import type { ResolvedHttpPoolOptions } from './http-pool-options.ts';
import type { HttpPoolStatistics } from './http-statistics.ts';
import { OriginPool } from './origin-pool.ts';

/** Gates before the calls to origins, each for as long as its origin is kept. */
export interface OriginGates {
  open(origin: string): CallGate;
  /** Its origin made room for another. */
  dropped(gate: CallGate): void;
}

/**
 * The pools of all origins, bounded in number.
 *
 * Guarded calls have pools of their own, for a connection that an unguarded call made may lead to a private address, and
 * a bound of their own, so that URLs from arguments cannot push out those of the author.
 */
export class OriginTable {
  readonly #options: ResolvedHttpPoolOptions;
  readonly #plain = new Map<string, OriginPool>();
  readonly #guarded = new Map<string, OriginPool>();
  readonly #total: PoolMeter;
  readonly #gates: OriginGates | undefined;
  #uses = 0;

  constructor(options: ResolvedHttpPoolOptions, gates?: OriginGates) {
    this.#options = options;
    this.#gates = gates;
    this.#total = new PoolMeter(options.clock);
  }

  /** @throws {HttpPoolError} `HTTP_POOL_QUEUE_FULL` when there are `maxOrigins`, and calls under way to all of them. */
  get(origin: string, guard: AddressGuard | undefined, open: OpenTransport): OriginPool {
    const pools = guard === undefined ? this.#plain : this.#guarded;
    let pool = pools.get(origin);
    if (pool === undefined) {
      this.#makeRoom(pools, origin);
      const meters = [new PoolMeter(this.#options.clock), this.#total];
      pool = new OriginPool({
        ...{ origin, meters, limits: this.#options, gate: this.#gates?.open(origin) },
        transport: open(origin, this.#options, guard),
      });
      pools.set(origin, pool);
    }
    pool.usedAt = ++this.#uses;
    return pool;
  }

  statistics(): HttpPoolStatistics {
    const { maxSockets } = this.#options;
    const origins = [
      ...[...this.#plain].map(([origin, pool]) => ({ origin, guarded: false, ...pool.statistics() })),
      ...[...this.#guarded].map(([origin, pool]) => ({ origin, guarded: true, ...pool.statistics() })),
    ];
    const sum = (key: 'size' | 'inUse' | 'idle' | 'waiting'): number =>
      origins.reduce((total, origin) => total + origin[key], 0);
    const max = maxSockets * Math.max(1, origins.length);
    return {
      ...this.#total.figures({ size: sum('size'), max, inUse: sum('inUse'), waiting: sum('waiting') }),
      idle: sum('idle'),
      utilization: origins.reduce((most, { utilization }) => Math.max(most, utilization), 0),
      origins,
    };
  }

  /** Waits for calls under way, for `closeTimeout`, and closes every pool. */
  async close(): Promise<void> {
    const pools = [...this.#plain.values(), ...this.#guarded.values()];
    const { clock, closeTimeout } = this.#options;
    await new Promise<void>((resolve) => {
      const cancelTimer = clock.after(closeTimeout, resolve);
      void Promise.all(pools.map((pool) => pool.whenIdle())).then(() => {
        cancelTimer();
        resolve();
      });
    });
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #makeRoom(pools: Map<string, OriginPool>, origin: string): void {
    if (pools.size < this.#options.maxOrigins) return;
    let oldest: OriginPool | undefined;
    for (const pool of pools.values()) {
      if (pool.isIdle && pool.usedAt < (oldest?.usedAt ?? Number.POSITIVE_INFINITY)) oldest = pool;
    }
    if (oldest === undefined) throw new HttpPoolError('HTTP_POOL_QUEUE_FULL', origin, { detail: 'too many origins' });
    pools.delete(oldest.origin);
    if (oldest.gate !== undefined) this.#gates?.dropped(oldest.gate);
    void oldest.destroy();
  }
}
