import type { Clock } from '../kernel/clock.ts';
import type { BreakerState } from '../signal/signal.ts';
import type { ServingState } from './figures.ts';
import type { OutletState } from './outlet.ts';

/** Where a server's health is seen. */
export interface HealthSources {
  readonly state: () => ServingState;
  readonly overloaded: () => boolean;
  readonly breakers: () => { readonly [name: string]: BreakerState };
  /** Whether the cache's second tier is used; nothing where there is none. */
  readonly cacheTierUp: () => boolean | undefined;
  /** Asks each database. */
  readonly databases: () => Promise<{ readonly [name: string]: { readonly status: 'up' | 'down' } }>;
  readonly outlets: () => readonly OutletState[];
}

/** Whether a server is to get requests. */
export interface HealthReport {
  readonly status: 'ready' | 'not-ready';
  /** Why not; empty when it is. */
  readonly reasons: readonly string[];
  /** What does not work although the server is ready. */
  readonly degraded: readonly string[];
}

const REASONS: { readonly [S in ServingState]: readonly string[] } = {
  starting: ['not started'],
  ready: [],
  draining: ['draining'],
};
/** Probes come often and from anywhere: databases are not asked more often than this. */
const DATABASES_EVERY_MS = 5_000;
const DATABASES_WITHIN_MS = 1_000;

/**
 * Says whether a server is ready.
 *
 * Only what concerns this instance alone takes it out of service. What instances share, such as a database, or have in common,
 * such as too many requests, would take out all of them at once, and with them what would still work: it shows as degraded.
 */
export class HealthCheck {
  readonly #sources: HealthSources;
  readonly #clock: Clock;
  #askedAt = Number.NEGATIVE_INFINITY;
  #down: Promise<readonly string[]> = Promise.resolve([]);

  constructor(sources: HealthSources, clock: Clock) {
    this.#sources = sources;
    this.#clock = clock;
  }

  async report(): Promise<HealthReport> {
    const { state, overloaded, breakers, cacheTierUp, outlets } = this.#sources;
    const broken = Object.entries(breakers()).filter(([, breaker]) => breaker !== 'closed');
    const degraded = [
      ...(overloaded() ? ['overloaded'] : []),
      ...broken.map(([name, breaker]) => `breaker ${name} is ${breaker}`),
      ...(cacheTierUp() === false ? ['the second tier of the cache is not used'] : []),
      ...(await this.#downDatabases()),
      ...outlets().flatMap(({ problem }) => problem ?? []),
    ];
    const reasons = REASONS[state()];
    return { status: reasons.length === 0 ? 'ready' : 'not-ready', reasons, degraded };
  }

  #downDatabases(): Promise<readonly string[]> {
    const now = this.#clock.now();
    if (now - this.#askedAt < DATABASES_EVERY_MS) return this.#down;
    this.#askedAt = now;
    this.#down = new Promise((resolve) => {
      const cancel = this.#clock.after(DATABASES_WITHIN_MS, () => resolve(['databases do not answer in time']));
      const settle = (down: readonly string[]): void => {
        cancel();
        resolve(down);
      };
      void this.#sources.databases().then(
        (all) =>
          settle(Object.keys(all).flatMap((name) => (all[name]?.status === 'down' ? `database ${name} is down` : []))),
        () => settle(['databases cannot be asked']),
      );
    });
    return this.#down;
  }
}
