import { Circuit, type CircuitOptions, type CircuitStatistics } from './breaker/breaker.ts';
import type { Clock } from './kernel/clock.ts';
import type { BreakerFigures } from './monitor/monitor.ts';
import type { CallGate, OriginGates } from './pool/pool.ts';
import { type BreakerSettings, DEPENDENCY_CIRCUIT } from './server-breaker-config.ts';
import type { EngineSignals } from './signal/signal.ts';

type Counts = Omit<BreakerFigures, 'state'>;

/** The circuit breakers of a server: before Redis, before each database on a server, and before each origin of the HTTP pool. */
export class ServerBreakers {
  /** Nothing where the HTTP pool has no breakers. */
  readonly origins: OriginGates | undefined;
  readonly #settings: BreakerSettings;
  readonly #shared: Pick<CircuitOptions, 'clock' | 'changed'>;
  readonly #named = new Map<string, Circuit>();
  readonly #origins = new Set<Circuit>();
  /** What origins counted that made room for others. */
  #dropped: Counts = { calls: 0, failures: 0, failuresInRow: 0, refused: 0, opened: 0 };

  constructor(settings: BreakerSettings, clock: Clock, signals: EngineSignals) {
    this.#settings = settings;
    this.#shared = { clock, changed: signals.breaker };
    this.origins = settings.http === undefined ? undefined : this.#gates(settings.http);
  }

  /** That of the cache's second tier. */
  redis(): Circuit {
    return this.#add('redis', DEPENDENCY_CIRCUIT);
  }

  /** What stands before a database; nothing where its breaker is turned off. */
  readonly gateOf = (database: string): CallGate | undefined => {
    const options = this.#settings.databases.get(database);
    return options === undefined ? undefined : this.#add(database, options);
  };

  /** How each does, by name; `http` is all origins together. */
  figures(): { readonly [name: string]: BreakerFigures } {
    const named = Array.from(this.#named, ([name, circuit]) => [name, toFigures(circuit.statistics())] as const);
    return { ...Object.fromEntries(named), ...(this.origins === undefined ? {} : { http: this.#together() }) };
  }

  #add(name: string, options: CircuitOptions): Circuit {
    const circuit = new Circuit({ ...options, ...this.#shared, name });
    this.#named.set(name, circuit);
    return circuit;
  }

  #gates(options: CircuitOptions): OriginGates {
    return {
      open: (origin) => {
        const circuit = new Circuit({ ...options, ...this.#shared, name: origin });
        this.#origins.add(circuit);
        return circuit;
      },
      dropped: (gate) => {
        const circuit = gate as Circuit;
        this.#origins.delete(circuit);
        this.#dropped = { ...sum(this.#dropped, circuit.statistics()), failuresInRow: 0 };
      },
    };
  }

  /** The worst state, most failures in a row, and the sum of what was counted. */
  #together(): BreakerFigures {
    let total: BreakerFigures = { state: 'closed', ...this.#dropped };
    for (const circuit of this.#origins) {
      const figures = toFigures(circuit.statistics());
      const states = [total.state, figures.state];
      const state = states.includes('open') ? 'open' : states.includes('half-open') ? 'half-open' : 'closed';
      total = { state, ...sum(total, figures) };
    }
    return total;
  }
}

/** A circuit that would let a call through to probe is not open any more, though it stays so until that call comes. */
function toFigures(statistics: CircuitStatistics): BreakerFigures {
  const { state, retryAfterMs, calls, failures, failuresInRow, refused, opened } = statistics;
  const shown = state === 'open' && retryAfterMs === 0 ? 'half-open' : state;
  return { state: shown, calls, failures, failuresInRow, refused, opened };
}

function sum(one: Counts, other: Counts): Counts {
  return {
    calls: one.calls + other.calls,
    failures: one.failures + other.failures,
    failuresInRow: Math.max(one.failuresInRow, other.failuresInRow),
    refused: one.refused + other.refused,
    opened: one.opened + other.opened,
  };
}
